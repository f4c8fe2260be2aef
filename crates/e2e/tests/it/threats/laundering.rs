//! Borrowed names: histories, identities and strengths of somebody else.

use bailiwick_e2e::agents::{ACCESS_TOKEN, EXCHANGE};
use bailiwick_e2e::handing::{ALL, along, call, handed_to, house, house_with, robbed};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::workload::{JWT_BEARER, Signing, claims};
use bailiwick_e2e::{App, Mcp, Tokens, World};
use serde_json::{Value, json};

use super::chain::{LINE, agent};
use super::refused;

/// A weak proof stays weak for whoever comes after: an app without a secret began, an agent with one goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t19_a_strong_agent_does_not_make_a_weak_beginning_strong() {
    let upstream = Honeypot::start().await;
    let web =
        format!("[client.web]\nredirect_uris = [\"{}\"]\nhands_to = [\"alpha\"]\n", bailiwick_e2e::oauth::CALLBACK);
    let setup = house_with(&upstream, "assurance_floor = \"client_secret\"", &LINE, &web);
    let (ended, thief) = robbed(&setup).await;
    let world = setup.after(&ended).start();
    let mut app = App::register_for(&world.base, &world.url("/mcp/notes")).await;
    "web".clone_into(&mut app.client_id);
    let own = app.tokens(ALL).await;
    let handed = app
        .token(&[
            ("grant_type", EXCHANGE),
            ("client_id", "web"),
            ("subject_token", &own.access),
            ("subject_token_type", ACCESS_TOKEN),
            ("audience", "alpha"),
        ])
        .await
        .unwrap();
    assert_eq!(handed.claims()["dlg"]["asr"], "none");

    refused(agent(&world, "alpha").exchange(&handed.access, "notes").await, "actor_unauthorized");
    let at_bravo = agent(&world, "alpha").exchange(&handed.access, "bravo").await.unwrap();
    refused(agent(&world, "bravo").exchange(&at_bravo.access, "notes").await, "actor_unauthorized");
    assert!(super::record::refusals(&world, 2).await.contains(&"floor:notes".to_owned()));

    // Where the chain began with a secret it passes; and the server asks again at the call.
    let held = along(&world, &["alpha"], ALL).await;
    assert!(call(&world, &held[1].access, "look").await.is_result());
    let mut weak = held[1].claims();
    weak["dlg"]["asr"] = json!("none");
    let before = upstream.calls();
    let answer = call(&world, &thief.sign("at+jwt", &weak), "look").await;
    assert!(!answer.is_result() && upstream.calls() == before, "{} {}", answer.status, answer.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t33_an_actor_token_with_a_history_is_refused() {
    let upstream = Honeypot::start().await;
    let agents = [LINE[0], ("bravo", "may_call = [\"notes\"]\nown_scopes = [\"notes:read\"]")];
    let setup = house(&upstream, "", &agents);
    let (ended, thief) = robbed(&setup).await;
    let world = setup.after(&ended).start();
    let (_app, front) = handed_to(&world, "alpha", ALL).await;
    let at_bravo = agent(&world, "alpha").exchange(&front.access, "bravo").await.unwrap();
    let bravo = agent(&world, "bravo");
    let fields = [("grant_type", "client_credentials"), ("resource", &*world.url("/mcp/notes"))];
    let own = bravo.token(&fields).await.unwrap();
    let show = async |token: &str, class: &str| {
        bravo.exchange_with(&at_bravo.access, "notes", &[("actor_token", token), ("actor_token_type", class)]).await
    };
    assert!(show(&own.access, ACCESS_TOKEN).await.is_ok());

    let mut with_history = own.claims();
    with_history["act"] = json!({ "iss": world.base, "sub": "agent:alpha" });
    let mut for_alice = own.claims();
    for_alice["sub"] = front.claims()["sub"].clone();
    let obtained = bravo.exchange(&at_bravo.access, "notes").await.unwrap();
    for token in [
        thief.sign("at+jwt", &with_history),
        thief.sign("at+jwt", &for_alice),
        thief.sign("JWT", &own.claims()),
        obtained.access,
        at_bravo.access.clone(),
        front.access.clone(),
        "not a token".to_owned(),
    ] {
        refused(show(&token, ACCESS_TOKEN).await, "invalid_grant");
    }
    refused(show(&own.access, "urn:ietf:params:oauth:token-type:jwt").await, "invalid_grant");
    refused(bravo.exchange_with(&at_bravo.access, "notes", &[("actor_token", &own.access)]).await, "invalid_request");
    refused(
        bravo.exchange_with(&at_bravo.access, "notes", &[("actor_token_type", ACCESS_TOKEN)]).await,
        "invalid_request",
    );
}

/// Another house, with agents by the same names: nothing of its is taken over, with or without a chain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t33_another_houses_tokens_are_refused_not_stripped() {
    let upstream = Honeypot::start().await;
    let (ours, theirs) = (house(&upstream, "", &LINE).start(), house(&upstream, "", &LINE).start());
    let foreign = along(&theirs, &["alpha"], ALL).await;
    let at_bravo = agent(&theirs, "alpha").exchange(&foreign[0].access, "bravo").await.unwrap();

    refused(agent(&ours, "alpha").exchange(&foreign[0].access, "notes").await, "invalid_grant");
    refused(agent(&ours, "bravo").exchange(&at_bravo.access, "notes").await, "invalid_grant");
    let (_app, front) = handed_to(&ours, "alpha", ALL).await;
    let with = [("actor_token", &*at_bravo.access), ("actor_token_type", ACCESS_TOKEN)];
    refused(agent(&ours, "alpha").exchange_with(&front.access, "notes", &with).await, "invalid_grant");
    let answer = Mcp::new(&ours.url("/mcp/notes"), Some(&foreign[1].access)).begin().await;
    assert_eq!(answer.status, 401);
    assert_eq!(upstream.calls(), 0);
}

/// Signed here, but by the word of another issuer, with an actor of ours and one of theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t33_an_actor_of_another_issuer_is_nobody_of_ours() {
    let upstream = Honeypot::start().await;
    let setup = house(&upstream, "", &LINE);
    let (ended, thief) = robbed(&setup).await;
    let world = setup.after(&ended).start();
    let (_app, front) = handed_to(&world, "alpha", ALL).await;
    let at_bravo = agent(&world, "alpha").exchange(&front.access, "bravo").await.unwrap();
    let token = agent(&world, "alpha").exchange(&front.access, "notes").await.unwrap();

    for iss in ["https://login.example.com", "", &format!("{}/", world.base), &world.base.to_uppercase()] {
        let mut claims = at_bravo.claims();
        claims["act"]["iss"] = json!(iss);
        refused(agent(&world, "bravo").exchange(&thief.sign("at+jwt", &claims), "notes").await, "invalid_grant");
        let mut claims = token.claims();
        claims["act"]["iss"] = json!(iss);
        assert_eq!(call(&world, &thief.sign("at+jwt", &claims), "look").await.status, 401, "{iss}");
    }
}

/// The exchange of bravo, which signs.
async fn signed_exchange(world: &World, key: &Signing, token: &str) -> Result<Tokens, Value> {
    let assertion = key.sign("JWT", &claims("bravo", world));
    let fields = [
        ("grant_type", EXCHANGE),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", "notes"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &assertion),
    ];
    App::at(&world.base).token(&fields).await
}

/// A secret first, then a key: what the target asks for is a key of everybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t19_a_key_after_a_secret_is_as_weak_as_the_secret() {
    let upstream = Honeypot::start().await;
    let key = Signing::new("sig");
    let bravo = format!("[agent.bravo]\nauthenticate = {{ jwks_file = {:?} }}\nmay_call = [\"notes\"]\n", key.file());
    let alpha = [("alpha", "may_call = [\"bravo\"]")];
    let world = house_with(&upstream, "assurance_floor = \"private_key_jwt\"", &alpha, &bravo).start();
    let (_app, front) = handed_to(&world, "alpha", ALL).await;
    let at_bravo = agent(&world, "alpha").exchange(&front.access, "bravo").await.unwrap();

    refused(signed_exchange(&world, &key, &at_bravo.access).await, "actor_unauthorized");

    let (_app, direct) = handed_to(&world, "bravo", ALL).await;
    let strong = signed_exchange(&world, &key, &direct.access).await.unwrap();
    assert_eq!(strong.claims()["dlg"]["asr"], "private_key_jwt");
    assert!(call(&world, &strong.access, "look").await.is_result());
    assert_eq!(upstream.calls(), 1, "only with keys all the way");
}
