//! A login provider ends here what it ended there: a session by back-channel logout, everything by a security event.

use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::identity_provider::{IdentityProvider, Member};
use bailiwick_e2e::oauth::code_of;
use bailiwick_e2e::probe::login::{answer, signed_in};
use bailiwick_e2e::probe::signal::{arrive, house};
use bailiwick_e2e::signals::{logout, post, push, revoked, send_logout};
use bailiwick_e2e::{App, Mcp, Setup, Visitor};
use http::Method;
use serde_json::{Value, json};

fn person(session: &str) -> Member {
    let mut member = Member::new("u-1", "ada", &["dev"]);
    member.claims["sid"] = json!(session);
    member
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_there_ends_the_session_or_all_of_them_here_and_nobody_elses() {
    let provider = IdentityProvider::start(person("s-1")).await;
    let (world, mut first) = house(&provider, &[]).await;
    provider.now(person("s-2"));
    let (mut second, mut third) = (arrive(&world).await, arrive(&world).await);
    provider.now(Member::new("u-2", "bob", &[]));
    let mut bob = arrive(&world).await;

    let mut one = logout(&provider, "u-1");
    one["sid"] = json!("s-1");
    one.as_object_mut().unwrap().remove("sub");
    assert_eq!(
        send_logout(&world.base, &provider.sign_as("logout+jwt", &one)).await,
        (200.try_into().unwrap(), Value::Null)
    );

    assert_eq!(signed_in(&world, &mut first).await, None);
    assert!(signed_in(&world, &mut second).await.is_some() && signed_in(&world, &mut third).await.is_some());
    // Providers from before typ was common send none.
    let all = provider.sign_as("JWT", &logout(&provider, "u-1"));
    assert_eq!(send_logout(&world.base, &all).await.0, 200);
    assert_eq!((signed_in(&world, &mut second).await, signed_in(&world, &mut third).await), (None, None));
    assert_eq!(signed_in(&world, &mut bob).await.as_deref(), Some("corp/bob"));
    assert_eq!(send_logout(&world.base, &all).await.0, 200, "who sends again did not hear the answer");
    let stranger = provider.sign_as("logout+jwt", &logout(&provider, "u-9"));
    assert_eq!(send_logout(&world.base, &stranger).await.0, 200, "of accounts nobody learns anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_revoked_ends_every_browser_and_every_grant_of_a_person() {
    let provider = IdentityProvider::start(person("s-1")).await;
    let pot = Honeypot::start().await;
    let server = format!("[server.pot]\nupstream = \"{}\"\nallow = {{ \"pot:read\" = [\"group:dev\"] }}\n", pot.url);
    let world = Setup::config(format!("{}events = true\n{server}", provider.section("corp"))).start();
    Visitor::new(&world.base).set_up(&world.setup_link(), "admin", "correct horse battery").await;
    let app = App::register_for(&world.base, &world.url("/mcp/pot")).await;
    let mut ada = Visitor::new(&world.base);
    let login = ada.open(&app.authorize_url("pot:read")).await;
    let href = login.body.split_once("href=\"/login/corp").unwrap().1.split('"').next().unwrap();
    let away = ada.once(Method::GET, &world.url(&format!("/login/corp{href}")), None).await;
    let there = away.location.unwrap();
    let back = Visitor::new(&there).once(Method::GET, &there, None).await.location.unwrap();
    let consent = ada.open(&back).await;
    let done = ada.submit(&consent, &consent.form("checkbox"), Some(("decision", "allow"))).await;
    let tokens = app.redeem(&code_of(&done)).await.unwrap();
    let mut client = Mcp::new(&world.url("/mcp/pot"), Some(&tokens.access));
    client.begin().await;
    assert!(client.call("look", json!({})).await.is_result());

    let (status, body) = push(&world.base, &provider.sign_as("secevent+jwt", &revoked(&provider, "u-1"))).await;

    assert_eq!((status.as_u16(), body), (202, Value::Null));
    assert_eq!(client.call("look", json!({})).await.status, 401);
    assert_eq!(app.refresh(tokens.refresh.as_deref().unwrap()).await.unwrap_err()["error"], "invalid_grant");
    assert_eq!(signed_in(&world, &mut ada).await, None);
    let again = answer(&world, &mut Visitor::new(&world.base)).await;
    assert!(again.is_some(), "the account itself is not disabled");
    let record = crate::operators::administer(world.data(), &["audit", "tail", "-n", "50", "--json"]).unwrap();
    assert!(record.contains("signal_received") && record.contains("login.corp"), "{record}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_taken_in_is_said_in_the_words_of_the_standard() {
    let provider = IdentityProvider::start(person("s-1")).await;
    let (world, mut ada) = house(&provider, &[]).await;
    let said = |change: &dyn Fn(&mut Value)| {
        let mut claims = revoked(&provider, "u-1");
        change(&mut claims);
        provider.sign_as("secevent+jwt", &claims)
    };
    for (token, err) in [
        ("no token".to_owned(), "invalid_key"),
        (provider.sign_as_stranger("secevent+jwt", &revoked(&provider, "u-1")), "invalid_key"),
        (said(&|it| it["iss"] = json!("https://login.example.com")), "invalid_issuer"),
        (said(&|it| it["aud"] = json!("somebody else")), "invalid_audience"),
        (said(&|it| it["sub_id"] = json!({ "format": "email", "email": "ada@example.com" })), "invalid_request"),
    ] {
        let (status, body) = push(&world.base, &token).await;
        assert_eq!((status.as_u16(), body["err"].as_str()), (400, Some(err)), "{body}");
        assert!(body["description"].is_string(), "{body}");
    }
    let form = post(&world.url("/login/corp/events"), "application/json", said(&|_| {})).await;
    assert_eq!(form.0, 400);
    let other = json!({ "https://schemas.openid.net/secevent/ssf/event-type/verification": { "state": "x" } });
    assert_eq!(push(&world.base, &said(&|it| it["events"] = other.clone())).await.0, 202);
    assert!(signed_in(&world, &mut ada).await.is_some());

    let before = said(&|it| {
        let subject = it["sub_id"].take();
        it["events"][bailiwick_e2e::signals::SESSION_REVOKED]["subject"] = subject;
        it.as_object_mut().unwrap().remove("sub_id");
    });
    assert_eq!(push(&world.base, &before).await.0, 202, "as it was spelled before Shared Signals 1.0");
    assert_eq!(signed_in(&world, &mut ada).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_configured_is_not_received() {
    let provider = IdentityProvider::start(person("s-1")).await;
    let world = Setup::config(format!("{}backchannel = false\n", provider.section("corp"))).start();
    let event = provider.sign_as("secevent+jwt", &revoked(&provider, "u-1"));

    assert_eq!(push(&world.base, &event).await.0, 404, "events are off until somebody turns them on");
    assert_eq!(send_logout(&world.base, &provider.sign_as("logout+jwt", &logout(&provider, "u-1"))).await.0, 404);
    assert_eq!(post(&world.url("/login/other/events"), "application/secevent+jwt", event).await.0, 404);
    assert_eq!(provider.keys_fetched(), 0, "nobody is asked for keys because of it");

    let other =
        Setup::config(format!("{}events = true\nevents_audience = \"https://us.example\"\n", provider.section("corp")));
    let other = other.start();
    let mut claims = revoked(&provider, "u-1");
    assert_eq!(push(&other.base, &provider.sign_as("secevent+jwt", &claims)).await.0, 400);
    claims["aud"] = json!(["https://us.example"]);
    assert_eq!(push(&other.base, &provider.sign_as("secevent+jwt", &claims)).await.0, 202);
}
