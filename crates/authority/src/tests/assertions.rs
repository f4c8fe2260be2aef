//! Clients that show a signed assertion, at every endpoint where clients authenticate.

use std::sync::Arc;

use bailiwick_domain::client::{AssertionTrust, Client, GrantType, SpiffeId};
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::jose::{Alg, JwkSet, KeyPair, Signer as _, sign_compact};
use http::StatusCode;
use serde_json::{Value, json};

use super::world::*;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const JWT_SPIFFE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";
const CC: (&str, &str) = ("grant_type", "client_credentials");

/// A house with one machine that signs, and whoever signs for it.
struct Scene {
    world: World,
    key: KeyPair,
}

impl Scene {
    async fn new(trust: impl Fn(Arc<JwkSet>) -> AssertionTrust) -> Self {
        Self::of(&["robot"], trust).await
    }

    async fn of(names: &[&str], trust: impl Fn(Arc<JwkSet>) -> AssertionTrust) -> Self {
        let key = KeyPair::generate(Alg::Es256).unwrap();
        let keys = Arc::new(JwkSet::new(vec![key.public()]));
        let robot = |name: &&str| {
            let trust = trust(keys.clone());
            let id = ClientId::parse(name).unwrap();
            let grant_types = vec![GrantType::ClientCredentials];
            Client { id, grant_types, auth: trust.method(), secret: None, assertion: Some(trust), ..machine() }
        };
        let clients = names.iter().map(robot).collect();
        let world = World::plan(Plan { dev_approve: Some("alice"), clients, ..Plan::default() }).await;
        Self { world, key }
    }

    async fn private_key() -> Self {
        Self::new(AssertionTrust::PrivateKey).await
    }

    fn sign(&self, claims: &Value) -> String {
        sign_compact(&self.key, "JWT", claims).unwrap()
    }

    /// A good assertion of the robot's, with this `jti`.
    fn assertion(&self, jti: &str) -> String {
        let now = self.world.now().seconds();
        self.sign(&json!({ "iss": "robot", "sub": "robot", "aud": BASE, "exp": now + 60, "iat": now, "jti": jti }))
    }

    async fn post(&self, path: &str, assertion: &str, fields: &[(&str, &str)]) -> Seen {
        self.post_as(JWT_BEARER, path, assertion, fields).await
    }

    async fn post_as(&self, kind: &str, path: &str, assertion: &str, fields: &[(&str, &str)]) -> Seen {
        let mut all = vec![("client_assertion_type", kind), ("client_assertion", assertion)];
        all.extend_from_slice(fields);
        self.world.post(path, &all).await
    }
}

#[tokio::test]
async fn a_machine_with_a_key_gets_its_token() {
    let scene = Scene::private_key().await;

    for fields in [&[CC][..], &[CC, ("client_id", "robot")]] {
        let seen = scene.post("/token", &scene.assertion(&format!("{}", fields.len())), fields).await;

        assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
        assert_eq!(word(&claims(&seen.json()), "client_id"), "robot");
    }
}

#[tokio::test]
async fn an_assertion_serves_once_at_whatever_endpoint() {
    let scene = Scene::private_key().await;
    let spent = scene.assertion("one");
    let token = word(&scene.post("/token", &spent, &[CC]).await.json(), "access_token").to_owned();

    for path in ["/token", "/introspect", "/revoke"] {
        let again = scene.post(path, &spent, &[CC, ("token", &token)]).await;
        assert_eq!((again.status, again.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"), "{path}");
    }
    // A refusal for another reason uses it up as well.
    let wasted = scene.assertion("two");
    assert_eq!(scene.post("/token", &wasted, &[("grant_type", "password")]).await.error(), "unsupported_grant_type");
    assert_eq!(scene.post("/token", &wasted, &[CC]).await.error(), "invalid_client");
}

#[tokio::test]
async fn an_assertion_that_was_refused_is_not_used_up() {
    let scene = Scene::private_key().await;
    let good = scene.assertion("one");
    let (body, _) = good.rsplit_once('.').unwrap();
    let forged = format!("{body}.{}", bailiwick_domain::text::encode(&[0; 64]));

    assert_eq!(scene.post("/token", &forged, &[CC]).await.error(), "invalid_client");

    assert_eq!(scene.post("/token", &good, &[CC]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_machine_with_a_key_asks_about_tokens_and_ends_them() {
    let scene = Scene::private_key().await;
    let tokens = scene.post("/token", &scene.assertion("a"), &[CC]).await.json();
    let token = ("token", word(&tokens, "access_token"));

    assert_eq!(scene.post("/introspect", &scene.assertion("b"), &[token]).await.json()["active"], true);
    assert_eq!(scene.post("/revoke", &scene.assertion("c"), &[token]).await.status, StatusCode::OK);
    assert_eq!(scene.post("/introspect", &scene.assertion("d"), &[token]).await.json(), json!({ "active": false }));
}

#[tokio::test]
async fn whatever_else_is_shown_lets_nobody_in() {
    let scene = Scene::private_key().await;
    let now = scene.world.now().seconds();
    let good = json!({ "iss": "robot", "sub": "robot", "aud": BASE, "exp": now + 60, "iat": now, "jti": "x" });
    let with = |claim: &str, value: Value| {
        let mut claims = good.clone();
        claims[claim] = value;
        scene.sign(&claims)
    };
    let tokens = scene.post("/token", &scene.assertion("a"), &[CC]).await.json();
    let stranger = KeyPair::generate(Alg::Es256).unwrap();

    for assertion in [
        with("aud", json!("https://other.example")),
        with("aud", json!(format!("{BASE}/mcp"))),
        with("exp", json!(now)),
        with("exp", json!(now + 3600)),
        with("sub", json!("ci")),
        with("nonce", json!("n")),
        sign_compact(&scene.key, "at+jwt", &good).unwrap(),
        sign_compact(&stranger, "JWT", &good).unwrap(),
        word(&tokens, "access_token").to_owned(),
        "nonsense".to_owned(),
    ] {
        for fields in [&[CC][..], &[CC, ("client_id", "robot")]] {
            let seen = scene.post("/token", &assertion, fields).await;
            assert_eq!(
                (seen.status, seen.error().as_str()),
                (StatusCode::UNAUTHORIZED, "invalid_client"),
                "{assertion}"
            );
        }
    }
    let named = scene.post("/token", &scene.assertion("b"), &[CC, ("client_id", "ci")]).await;
    assert_eq!(named.error(), "invalid_client");
    let bare = scene.world.post("/token", &[CC, ("client_id", "robot")]).await;
    assert_eq!(bare.error(), "invalid_client");
    let both = scene.post("/token", &scene.assertion("c"), &[CC, ("client_id", "robot"), ("client_secret", "x")]).await;
    assert_eq!((both.status, both.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"));
}

#[tokio::test]
async fn a_workload_is_known_by_its_svid_and_may_show_it_again() {
    let id = || SpiffeId::parse("spiffe://corp/robot").unwrap();
    let scene = Scene::new(|bundle| AssertionTrust::Spiffe { id: id(), bundle }).await;
    let svid = |sub: &str| {
        let exp = scene.world.now().seconds() + 3600;
        scene.sign(&json!({ "sub": sub, "aud": [BASE], "exp": exp }))
    };

    for _ in 0..2 {
        let seen = scene.post_as(JWT_SPIFFE, "/token", &svid("spiffe://corp/robot"), &[CC]).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    }
    for fields in [&[CC][..], &[CC, ("client_id", "robot")]] {
        let seen = scene.post_as(JWT_SPIFFE, "/token", &svid("spiffe://corp/other"), fields).await;
        assert_eq!(seen.error(), "invalid_client");
    }
    assert_eq!(scene.post("/token", &svid("spiffe://corp/robot"), &[CC]).await.error(), "invalid_client");
}

#[tokio::test]
async fn two_clients_of_one_workload_must_be_told_apart_by_name() {
    let trust = |keys| AssertionTrust::Kubernetes {
        issuer: "https://k8s.example.com".to_owned(),
        subject: "system:serviceaccount:agents:robot".to_owned(),
        keys,
    };
    let scene = Scene::of(&["robot", "twin"], trust).await;
    let exp = scene.world.now().seconds() + 3600;
    let token = scene.sign(&json!({
        "iss": "https://k8s.example.com", "sub": "system:serviceaccount:agents:robot", "aud": [BASE], "exp": exp
    }));

    assert_eq!(scene.post("/token", &token, &[CC]).await.error(), "invalid_client");
    for name in ["robot", "twin"] {
        let seen = scene.post("/token", &token, &[CC, ("client_id", name)]).await;
        assert_eq!(word(&claims(&seen.json()), "client_id"), name);
    }
}

#[tokio::test]
async fn metadata_says_how_to_sign_and_registration_takes_no_keys() {
    let scene = Scene::private_key().await;

    let told = scene.world.get("/.well-known/oauth-authorization-server").await.json();

    let methods = json!(["none", "client_secret_basic", "client_secret_post", "private_key_jwt", "spiffe_jwt"]);
    assert_eq!(told["token_endpoint_auth_methods_supported"], methods);
    for endpoint in ["token", "revocation", "introspection"] {
        let algs = &told[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")];
        assert_eq!(*algs, json!(["ES256", "RS256", "EdDSA", "PS256"]), "{endpoint}");
    }
    let keys = json!({ "keys": [scene.key.public().to_json()] });
    for method in ["private_key_jwt", "spiffe_jwt", "kubernetes_token"] {
        let metadata = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": method, "jwks": keys });
        assert_eq!(scene.world.register(&metadata).await.error(), "invalid_client_metadata", "{method}");
    }
}
