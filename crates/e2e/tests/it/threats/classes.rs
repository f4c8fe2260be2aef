//! Classes of tokens: what a token is decides where it counts, and nothing is believed before its signature is.

use bailiwick_e2e::agents::ACCESS_TOKEN;
use bailiwick_e2e::forge::{Forger, homemade, shared};
use bailiwick_e2e::handing::{self, ALL, call, handed_to, house, robbed};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::oauth::VERIFIER;
use bailiwick_e2e::{App, Mcp, Setup, Tokens, World};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use super::chain::{LINE, agent};
use super::record;

/// A house, its thief, Alice's token for alpha, and what alpha obtained with it for the server.
struct Scene {
    upstream: Honeypot,
    world: World,
    thief: Forger,
    app: App,
    front: Tokens,
    last: Tokens,
}

async fn scene(setup: impl Fn(Setup) -> Setup) -> Scene {
    let upstream = Honeypot::start().await;
    let agents = [("alpha", "may_call = [\"bravo\", \"notes\"]\nown_scopes = [\"notes:read\"]"), LINE[4]];
    let agents = [agents[0], ("bravo", agents[1].1)];
    let setup = setup(house(&upstream, "", &agents));
    let (ended, thief) = robbed(&setup).await;
    let world = setup.after(&ended).start();
    let (app, front) = handed_to(&world, "alpha", ALL).await;
    let last = agent(&world, "alpha").exchange(&front.access, "notes").await.unwrap();
    Scene { upstream, world, thief, app, front, last }
}

impl Scene {
    /// Nowhere is this an access token: not to call, to exchange, to act, to look up or to end something with.
    async fn is_no_access_token(&self, what: &str, token: &str) {
        let answer = Mcp::new(&self.world.url("/mcp/notes"), Some(token)).begin().await;
        assert_eq!(answer.status, 401, "{what} at the server: {}", answer.text);
        let alpha = agent(&self.world, "alpha");
        let says = alpha.exchange(token, "notes").await.expect_err(what);
        assert!(says["error"] == "invalid_grant" || says["error"] == "invalid_request", "{what}: {says}");
        let with = [("actor_token", token), ("actor_token_type", ACCESS_TOKEN)];
        let says = alpha.exchange_with(&self.front.access, "notes", &with).await.expect_err(what);
        assert_eq!(says["error"], "invalid_grant", "{what} as actor_token: {says}");
        assert_eq!(self.introspect(token).await["active"], false, "{what} at /introspect");
        assert!(self.app.revoke(token).await.is_success(), "{what} at /revoke tells nothing");
    }

    /// What an agent is told of a token.
    async fn introspect(&self, token: &str) -> Value {
        let (status, told) = agent(&self.world, "alpha").post("/introspect", &[("token", token)]).await;
        assert_eq!(status, 200, "{told}");
        told
    }

    /// Nothing was harmed by all that was tried.
    async fn goes_on(&self) {
        assert!(call(&self.world, &self.last.access, "look").await.is_result());
        assert!(agent(&self.world, "alpha").exchange(&self.front.access, "notes").await.is_ok());
    }
}

/// Access tokens in all but their class, signed by the very key that signs access tokens.
fn otherwise_good(scene: &Scene) -> Vec<(String, String)> {
    let at = scene.front.claims();
    let mut all = Vec::new();
    for typ in [
        "JWT",
        "",
        "id_token+jwt",
        "oauth-id-jag+jwt",
        "txntoken+jwt",
        "txn-token+jwt",
        "dpop+jwt",
        "wit+jwt",
        "wpt+jwt",
        "logout+jwt",
        "secevent+jwt",
        "client-authentication+jwt",
        "token-introspection+jwt",
        "bailiwick-audit-checkpoint+jwt",
        "at+jwt;v=1",
        "xat+jwt",
    ] {
        for claims in [&at, &scene.last.claims()] {
            all.push((format!("class {typ:?}"), scene.thief.sign(typ, claims)));
        }
    }
    all
}

/// One specimen of each class as it would really look, and the same, lying about its class.
fn specimens(scene: &Scene) -> Vec<(String, String)> {
    let (at, now) = (scene.front.claims(), scene.front.claims()["iat"].as_i64().unwrap());
    let (issuer, last) = (scene.world.base.clone(), now + 200);
    let mut all = Vec::new();
    let looks = [
        (
            "an ID token",
            "JWT",
            json!({ "iss": issuer, "sub": at["sub"], "aud": "alpha", "nonce": "n", "iat": now, "exp": last }),
        ),
        (
            "an ID-JAG",
            "oauth-id-jag+jwt",
            json!({ "iss": issuer, "sub": at["sub"], "aud": issuer, "client_id": "alpha",
            "jti": "j-1", "iat": now, "exp": last, "scope": ALL, "resource": at["aud"] }),
        ),
        (
            "a transaction token",
            "txntoken+jwt",
            json!({ "iss": issuer, "sub": at["sub"], "aud": "http://localhost",
            "txn": at["txn"], "scope": ALL, "req_wl": "agent:alpha", "iat": now, "exp": last }),
        ),
        ("a DPoP proof", "dpop+jwt", json!({ "htm": "POST", "htu": at["aud"], "jti": "j-2", "iat": now, "ath": "x" })),
        ("a JWT-SVID", "JWT", json!({ "sub": "spiffe://corp/agents/alpha", "aud": [issuer], "iat": now, "exp": last })),
        (
            "a client assertion",
            "client-authentication+jwt",
            json!({ "iss": "alpha", "sub": "alpha", "aud": issuer,
            "jti": "j-3", "iat": now, "exp": last }),
        ),
        (
            "a checkpoint of the record",
            "bailiwick-audit-checkpoint+jwt",
            json!({ "iss": issuer, "iat": now, "heads": {} }),
        ),
        (
            "a logout token",
            "logout+jwt",
            json!({ "iss": issuer, "sub": at["sub"], "aud": "alpha", "iat": now, "exp": last,
            "jti": "j-4", "events": { "http://schemas.openid.net/event/backchannel-logout": {} } }),
        ),
    ];
    for (what, typ, claims) in looks {
        all.push((what.to_owned(), scene.thief.sign(typ, &claims)));
        all.push((format!("{what} as access token"), scene.thief.sign("at+jwt", &claims)));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t11_each_class_of_token_counts_where_it_belongs_and_nowhere_else() {
    let scene = scene(|setup| setup).await;
    for (what, token) in otherwise_good(&scene).into_iter().chain(specimens(&scene)) {
        scene.is_no_access_token(&what, &token).await;
    }
    scene.goes_on().await;
    assert_eq!(scene.upstream.calls(), 1, "only what went on");

    // What the server behind was shown at that call: a living token, for that server only.
    for token in scene.upstream.shown() {
        let answer = Mcp::new(&scene.world.url("/mcp/notes"), Some(&token)).begin().await;
        assert_eq!(answer.status, 401, "{}", answer.text);
        for name in ["alpha", "bravo"] {
            super::refused(agent(&scene.world, name).exchange(&token, "notes").await, "invalid_grant");
        }
        let with = [("actor_token", token.as_str()), ("actor_token_type", ACCESS_TOKEN)];
        let answer = agent(&scene.world, "alpha").exchange_with(&scene.front.access, "notes", &with).await;
        super::refused(answer, "invalid_grant");
        assert_eq!(scene.introspect(&token).await["active"], false);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t11_codes_refresh_tokens_and_access_tokens_do_not_stand_in_for_each_other() {
    let scene = scene(|setup| setup).await;
    let (app, alpha) = (&scene.app, agent(&scene.world, "alpha"));
    let (code, refresh) = (app.code(ALL).await, scene.front.refresh.clone().unwrap());

    for (what, token) in [("a code", &code), ("a refresh token", &refresh)] {
        let answer = Mcp::new(&scene.world.url("/mcp/notes"), Some(token)).begin().await;
        assert_eq!(answer.status, 401, "{what}");
        super::refused(alpha.exchange(token, "notes").await, "invalid_grant");
        let with = [("actor_token", token.as_str()), ("actor_token_type", ACCESS_TOKEN)];
        super::refused(alpha.exchange_with(&scene.front.access, "notes", &with).await, "invalid_grant");
        for class in ["refresh_token", "jwt", "id_token"] {
            let class = format!("urn:ietf:params:oauth:token-type:{class}");
            let declared = [("subject_token_type", class.as_str())];
            super::refused(alpha.exchange_with(token, "notes", &declared).await, "invalid_request");
        }
    }
    for token in [&scene.front.access, &scene.last.access, &refresh] {
        super::refused(app.redeem_with(token, VERIFIER, bailiwick_e2e::oauth::CALLBACK).await, "invalid_grant");
    }
    for token in [&scene.front.access, &scene.last.access, &code] {
        super::refused(app.refresh(token).await, "invalid_grant");
    }
    assert!(app.redeem(&code).await.is_ok(), "the code is still good");
    assert!(app.refresh(&refresh).await.is_ok(), "the refresh token is still good");
    scene.goes_on().await;
}

/// The published key of that type, as anybody can fetch it.
async fn published(world: &World, kty: &str) -> Value {
    let request = Request::get(world.url("/jwks.json")).body(Full::new(Bytes::new())).unwrap();
    let (_, body) = bailiwick_net::Http::new().fetch(request, 1 << 20).await.unwrap();
    let keys: Value = serde_json::from_slice(&body).unwrap();
    keys["keys"].as_array().unwrap().iter().find(|key| key["kty"] == kty).expect(kty).clone()
}

/// Everything in a public key that could pass for a shared secret.
fn secrets(jwk: &Value) -> Vec<Vec<u8>> {
    let part = |name: &str| jwk[name].as_str().map(|text| bailiwick_domain::text::decode(text).unwrap());
    let parts: Vec<Vec<u8>> = ["n", "e", "x", "y"].into_iter().filter_map(part).collect();
    let words =
        [jwk.to_string(), jwk["n"].to_string(), jwk["x"].to_string(), jwk["kid"].to_string(), String::from("-")];
    parts.iter().cloned().chain([parts.concat()]).chain(words.map(String::into_bytes)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t22_nothing_is_decided_over_a_token_whose_signature_is_not_ours() {
    for (alg, kty) in [("ES256", "EC"), ("RS256", "RSA")] {
        let upstream = Honeypot::start().await;
        let file = format!("signing_alg = \"{alg}\"\n{}", handing::file(&upstream, "", &LINE, ""));
        let world = handing::configured(&file, &LINE).start();
        let (app, front) = handed_to(&world, "alpha", ALL).await;
        let last = agent(&world, "alpha").exchange(&front.access, "notes").await.unwrap();
        let jwk = published(&world, kty).await;
        let kid = jwk["kid"].as_str().unwrap();
        let admin = |token: &Tokens| {
            let mut claims = token.claims();
            claims["scope"] = json!("notes:read notes:write notes:destructive");
            claims
        };
        let forge = |claims: &Value| {
            let none = |alg: &str| {
                let header = json!({ "alg": alg, "typ": "at+jwt", "kid": kid }).to_string();
                let part = |text: &str| bailiwick_domain::text::encode(text.as_bytes());
                format!("{}.{}.", part(&header), part(&claims.to_string()))
            };
            let mut all: Vec<String> = ["none", "None", "NONE", "nOnE", "", "HS256"].map(none).to_vec();
            all.extend(secrets(&jwk).iter().map(|secret| shared(kid, secret, claims)));
            all.push(homemade(&json!({ "kid": kid }), claims));
            all.push(homemade(&json!({ "kid": "somebody-else" }), claims));
            all.push(homemade(&json!({}), claims));
            all.push(homemade(&json!({ "kid": kid, "jwk": jwk }), claims));
            all.push(homemade(&json!({ "kid": "somebody-else", "jku": "http://127.0.0.1:1/keys" }), claims));
            all.push(homemade(&json!({ "kid": kid, "crit": ["exp"] }), claims));
            all
        };

        for token in forge(&admin(&last)) {
            let answer = Mcp::new(&world.url("/mcp/notes"), Some(&token)).call("destroy", json!({})).await;
            assert_eq!(answer.status, 401, "{alg}: {token}: {}", answer.text);
        }
        let forged = forge(&admin(&front));
        for token in &forged {
            super::refused(agent(&world, "alpha").exchange(token, "notes").await, "invalid_grant");
        }

        // No policy was asked: nothing that decides left a rule of its own on record.
        let rules = record::refusals(&world, 1).await;
        assert_eq!(rules, ["exchange:subject"]);
        let decided = |event: &Value| event["kind"] == "tool_called" || event["kind"] == "tool_refused";
        assert!(record::events(&world, 0, decided).await.is_empty());
        assert_eq!(upstream.calls(), 0);
        assert!(call(&world, &last.access, "look").await.is_result(), "{alg}: the real one is good");
        drop(app);
    }
}
