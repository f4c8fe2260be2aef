//! Deputies: agents and apps that are made to use their own standing for somebody else.

use bailiwick_e2e::handing::{ALL, along, call, handed_to, house, robbed};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::oauth::CALLBACK;
use bailiwick_e2e::{App, Setup, Visitor, World};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

const READS: &str = "scopes = [\"notes:read\"]";
/// Alice may not write.
const BOB_WRITES: &str = "allow = { \"notes:write\" = [\"user:bob\"] }";

/// A server that one shared key opens for everything, an agent before it.
fn shared_key(upstream: &Honeypot, user: &str, agent: &str) -> Setup {
    let notes = format!(
        "credential = {{ kind = \"api_key\", header = \"x-api-key\", secret = {{ env = \"NOTES_KEY\" }} }}\n{user}"
    );
    let agent = format!("may_call = [\"notes\"]\n{agent}");
    house(upstream, &notes, &[("orchestrator", &agent)]).env("NOTES_KEY", "the key to everything")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_a_shared_key_opens_no_more_than_user_and_agent_both_may() {
    for (user, agent) in [(BOB_WRITES, ""), ("", READS), (BOB_WRITES, READS)] {
        let upstream = Honeypot::start().await;
        let setup = shared_key(&upstream, user, agent);
        let (ended, thief) = robbed(&setup).await;
        let world = setup.after(&ended).start();
        let held = along(&world, &["orchestrator"], ALL).await;
        let mut wide = held[1].claims();
        assert_eq!(wide["scope"], "notes:read", "{user}{agent}");
        wide["scope"] = json!(ALL);

        // As handed out; and with every scope in it, as a mistake at the front would have it.
        for token in [held[1].access.clone(), thief.sign("at+jwt", &wide)] {
            let answer = call(&world, &token, "change").await;
            assert!(!answer.is_result(), "{user}{agent}: {} {}", answer.status, answer.text);
        }

        assert_eq!(upstream.calls(), 0, "{user}{agent}");
        assert!(call(&world, &held[1].access, "look").await.is_result(), "what both may works");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_where_both_may_the_key_is_used_and_the_token_stays_here() {
    let upstream = Honeypot::start().await;
    let world = shared_key(&upstream, "", "").start();
    let held = along(&world, &["orchestrator"], ALL).await;

    assert!(call(&world, &held[1].access, "change").await.is_result());

    let seen = upstream.headers();
    assert!(seen.iter().any(|(name, value)| name == "x-api-key" && value == "the key to everything"));
    assert!(!seen.iter().any(|(_, value)| value.contains(&held[1].access) || value.contains(&held[0].access)));
}

/// What an agent holds on its own account does not join what it holds for a user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_an_agents_own_authority_and_its_users_never_meet() {
    let upstream = Honeypot::start().await;
    let own = "own_scopes = [\"notes:read\", \"notes:write\"]";
    let world = shared_key(&upstream, BOB_WRITES, own).start();
    let orchestrator = bailiwick_e2e::agents::Agent::new(&world.base, "orchestrator");
    let fields = [("grant_type", "client_credentials"), ("resource", &*world.url("/mcp/notes")), ("scope", ALL)];
    let alone = orchestrator.token(&fields).await.unwrap();
    assert_eq!((&alone.claims()["sub"], &alone.claims()["act"]), (&json!("agent:orchestrator"), &Value::Null));
    assert!(call(&world, &alone.access, "change").await.is_result(), "on its own account it may");

    let for_alice = along(&world, &["orchestrator"], ALL).await;
    let with = [("actor_token", &*alone.access), ("actor_token_type", bailiwick_e2e::agents::ACCESS_TOKEN)];
    let both = orchestrator.exchange_with(&for_alice[0].access, "notes", &with).await.unwrap();
    let before = upstream.calls();

    assert_eq!(both.claims()["scope"], "notes:read");
    assert!(!call(&world, &both.access, "change").await.is_result());
    assert_eq!(upstream.calls(), before);
    // And nothing turns the one into the other.
    super::refused(orchestrator.exchange(&alone.access, "notes").await, "invalid_grant");
}

async fn register(world: &World, redirect: &str) -> String {
    let body = json!({ "client_name": "Probe", "redirect_uris": [redirect], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code"] });
    let request = Request::post(world.url("/register"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap();
    let (_, body) = bailiwick_net::Http::new().fetch(request, 1 << 20).await.unwrap();
    serde_json::from_slice::<Value>(&body).unwrap()["client_id"].as_str().unwrap().to_owned()
}

/// The static client of a proxy would have been consented to already; here each client is asked about by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t2_consent_to_one_app_serves_no_other_and_no_other_address() {
    let upstream = Honeypot::start().await;
    let config = format!("[server.notes]\nupstream = \"{}\"\n", upstream.url);
    let world = Setup::config(config).start();
    let mut alice = Visitor::new(&world.base);
    alice.set_up(&world.setup_link(), "alice", "correct horse battery").await;
    let first = App::register_for(&world.base, &world.url("/mcp/notes")).await;
    let page = alice.open(&first.authorize_url(ALL)).await;
    let form = page.form("decision");
    let done = alice.submit(&page, &form, Some(("decision", "allow"))).await;
    assert!(first.redeem(&bailiwick_e2e::oauth::code_of(&done)).await.is_ok());

    // Another app, in the same browser.
    let thief = "http://127.0.0.1:6666/steal";
    let mut second = first.clone();
    second.client_id = register(&world, thief).await;
    let theirs = second.authorize_url(ALL).replace(&encoded(CALLBACK), &encoded(thief));
    let asked = alice.open(&theirs).await;
    assert!(asked.status.is_success() && asked.has_form("decision") && asked.location.is_none(), "{}", asked.body);

    // The app of before, to another address.
    let elsewhere = first.authorize_url(ALL).replace(&encoded(CALLBACK), &encoded(thief));
    let altered = alice.open(&elsewhere).await;
    assert_eq!((altered.status, altered.location), (StatusCode::BAD_REQUEST, None), "{}", altered.body);

    // The answer of before, once more.
    let again = alice.submit(&page, &form, Some(("decision", "allow"))).await;
    assert!(again.status.is_client_error() && again.location.is_none(), "{} {}", again.status, again.body);
}

fn encoded(url: &str) -> String {
    url::form_urlencoded::byte_serialize(url.as_bytes()).collect()
}

/// Who may do what is asked for the user of the chain, not for whoever set the agent up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_an_agent_acts_only_for_those_it_is_there_for() {
    let upstream = Honeypot::start().await;
    let agent = "may_call = [\"notes\"]\nacts_for = [\"user:bob\"]";
    let world = house(&upstream, "", &[("orchestrator", agent)]).start();
    let (_app, front) = handed_to(&world, "orchestrator", ALL).await;

    let answer = bailiwick_e2e::agents::Agent::new(&world.base, "orchestrator").exchange(&front.access, "notes").await;

    super::refused(answer, "actor_unauthorized");
}
