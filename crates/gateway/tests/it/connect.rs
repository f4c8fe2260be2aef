//! A server that works with what each person connected: what its callers are asked, and what then reaches it.

use std::time::Duration;

use bailiwick_broker::Left;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::UserId;
use bailiwick_domain::time::Clock as _;
use bailiwick_store::ConnectionKey;
use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::fixture::{call, initialize, list, modern};
use crate::world::{Now, World};

/// A message of 2026-07-28, by a client that opens URLs.
fn opening(message: Value) -> Value {
    let mut message = modern(message);
    let capabilities = &mut message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    *capabilities = json!({ "elicitation": { "url": {} } });
    message
}

/// Sends it with the headers that mirror it.
async fn say_modern(world: &World, token: &str, message: &Value) -> Value {
    let request = world
        .post("own", token)
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", message["method"].as_str().unwrap())
        .header("mcp-name", "read_note");
    let answer = world.send(request, message.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.message()
}

async fn leave(world: &World, user: &str, secret: &str) {
    leave_at(world, "own", (user, secret)).await;
}

async fn leave_at(world: &World, provider: &str, (user, secret): (&str, &str)) {
    let key = ConnectionKey { user: UserId::from_stored(user), provider: provider.to_owned() };
    let left = Left { name: None, secret: Zeroizing::new(secret.to_owned()) };
    let provider = world.broker.providers().get(provider).cloned().unwrap();
    let event = AuditEvent::new(AuditKind::ConnectionMade, Now.now());
    world.broker.leave(&provider, &key, left, event).await.unwrap();
}

#[tokio::test]
async fn tools_are_listed_and_a_call_is_answered_with_a_link_until_its_person_has_connected() {
    let world = World::new().await;
    let token = world.token("own", "own:read").await;
    let bob = world.hold("us_bob", "app", "own", "own:read", Vec::new()).await.raw;
    assert!(world.say("own", &token, &list()).await.tools().contains(&"read_note".to_owned()));
    world.behind.forget();

    let asked = world.say("own", &token, &call("read_note")).await.message();
    let text = asked["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(text.contains(&format!("{}/connect/bw_ct_", world.origin)), "{text}");
    assert_eq!(asked["result"]["isError"], true);
    assert!(world.behind.seen().is_empty(), "nothing is sent without a credential");

    leave(&world, "us_alice", "alices-key").await;
    assert_eq!(world.say("own", &token, &call("read_note")).await.message()["result"]["isError"], Value::Null);
    assert_eq!(world.behind.seen().pop().unwrap().headers["x-api-key"], "alices-key");
    let others = world.say("own", &bob, &call("read_note")).await.message();
    assert_eq!(others["result"]["_meta"]["bailiwick/rule"], "connect:own", "{others}");
}

#[tokio::test]
async fn a_client_of_2026_is_asked_and_its_answer_stays_here() {
    let world = World::new().await;
    let token = world.token("own", "own:read").await;
    let message = opening(call("read_note"));

    let asked = say_modern(&world, &token, &message).await;
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    leave(&world, "us_alice", "alices-key").await;
    world.behind.forget();
    let mut again = message.clone();
    again["params"]["requestState"] = asked["result"]["requestState"].clone();
    again["params"]["inputResponses"] = json!({ "connect": { "action": "accept" } });
    say_modern(&world, &token, &again).await;

    let reached = world.behind.seen().pop().unwrap();
    assert_eq!(reached.headers["x-api-key"], "alices-key");
    let params = serde_json::from_slice::<Value>(&reached.body).unwrap()["params"].clone();
    assert_eq!((&params["requestState"], &params["inputResponses"]), (&Value::Null, &Value::Null));

    again["params"]["inputResponses"]["connect"]["action"] = json!("decline");
    world.behind.forget();
    let declined = say_modern(&world, &token, &again).await;
    assert_eq!(declined["result"]["_meta"]["bailiwick/rule"], "connect:declined");
    again["params"]["inputResponses"]["connect"]["action"] = json!("accept");
    again["params"]["arguments"] = json!({ "id": "another" });
    let moved = say_modern(&world, &token, &again).await;
    assert_eq!(moved["result"]["_meta"]["bailiwick/rule"], "connect:state");
    assert!(world.behind.seen().is_empty());
}

#[tokio::test]
async fn what_a_client_of_2025_said_in_its_handshake_is_remembered() {
    let world = World::new().await;
    let token = world.token("own", "own:read").await;
    for (capabilities, code) in [(json!({ "elicitation": { "url": {} } }), json!(-32042)), (json!({}), Value::Null)] {
        let mut hello = initialize();
        hello["params"]["capabilities"] = capabilities;
        let session = world.say("own", &token, &hello).await.header("mcp-session-id").unwrap().to_owned();
        let request = world.post("own", &token).header("mcp-session-id", &session);

        let request = request.header("mcp-protocol-version", "2025-11-25");
        let asked = world.send(request, call("read_note").to_string()).await.message();

        assert_eq!(asked["error"]["code"], code, "{asked}");
    }
}

/// A session with the server whose children have a secret of their person's.
async fn begin(world: &World, token: &str) -> String {
    let answer = world.say("personal", token, &initialize()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("mcp-session-id").unwrap().to_owned()
}

async fn ask_own(world: &World, token: &str, session: &str) -> (u16, Value) {
    let request = world.post("personal", token).header("mcp-session-id", session);
    let request = request.header("mcp-protocol-version", "2025-11-25");
    let answer = world.send(request, call("read_own").to_string()).await;
    (answer.status.as_u16(), answer.message())
}

fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_child_has_the_secret_of_its_person_and_is_another_once_that_changes() {
    let world = World::new().await;
    let alice = world.token("personal", "personal:read").await;
    let bob = world.hold("us_bob", "app", "personal", "personal:read", Vec::new()).await.raw;
    let session = begin(&world, &alice).await;
    let (_, asked) = ask_own(&world, &alice, &session).await;
    assert!(text(&asked).contains("/connect/bw_ct_"), "{asked}");

    leave_at(&world, "personal", ("us_alice", "alices-key")).await;
    assert_eq!(ask_own(&world, &alice, &session).await.0, 404, "its child knows no secret: a new session begins");
    let session = begin(&world, &alice).await;
    assert_eq!(text(&ask_own(&world, &alice, &session).await.1), "yek-secila");

    leave_at(&world, "personal", ("us_alice", "another")).await;
    assert_eq!(ask_own(&world, &alice, &session).await.0, 404);
    let session = begin(&world, &alice).await;
    assert_eq!(text(&ask_own(&world, &alice, &session).await.1), "rehtona");
    let request = world.post("personal", &alice).header("mcp-session-id", &session);
    let request = request.header("mcp-protocol-version", "2025-11-25");
    let told = world.send(request, call("read_plain").to_string()).await.message();
    assert_eq!(text(&told), "[removed by bailiwick]", "it tells her secret, and nobody hears it");
    let his = begin(&world, &bob).await;
    assert!(text(&ask_own(&world, &bob, &his).await.1).contains("/connect/bw_ct_"), "hers is not for him");
}

#[tokio::test]
async fn a_key_that_the_server_behind_does_not_accept_is_asked_for_again() {
    let world = World::new().await;
    let token = world.token("own", "own:read").await;
    leave(&world, "us_alice", "an-old-key").await;
    let mut refused = call("read_note");
    refused["params"]["arguments"]["mood"] = json!("closed");

    let asked = world.say("own", &token, &refused).await.message();
    let api = world.token("api", "api:read").await;
    let locked = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": "locked" } });
    let at_api = world.say("api", &api, &locked).await.message();
    let shared = world.token("json", "json:read").await;
    let shared = world.say("json", &shared, &refused).await;

    assert_eq!(asked["result"]["_meta"]["bailiwick/rule"], "reconnect:own", "{asked}");
    assert_eq!(at_api["result"]["_meta"]["bailiwick/rule"], "reconnect:own", "{at_api}");
    assert_eq!(shared.status, 502, "what is nobody's own is the operator's to mend");
}

/// What a child says unasked, for as long as there is one.
async fn listen(world: &World, token: &str, session: &str) -> Incoming {
    let request =
        Request::get(format!("{}/mcp/personal", world.origin)).header("authorization", format!("Bearer {token}"));
    let request = request.header("accept", "text/event-stream").header("mcp-session-id", session);
    let answer = world.open(request, "").await;
    assert_eq!(answer.status(), 200);
    answer.into_body()
}

#[tokio::test]
async fn a_child_ends_with_the_connection_whose_secret_it_has_though_nobody_calls() {
    let world = World::new().await;
    let alice = world.token("personal", "personal:read").await;
    let bob = world.hold("us_bob", "app", "personal", "personal:read", Vec::new()).await.raw;
    leave_at(&world, "personal", ("us_bob", "bobs-key")).await;
    let his = begin(&world, &bob).await;
    leave_at(&world, "personal", ("us_alice", "alices-key")).await;
    let session = begin(&world, &alice).await;
    let open = listen(&world, &alice, &session).await;
    let soon = Duration::from_secs(10);

    leave_at(&world, "personal", ("us_alice", "another")).await;
    timeout(soon, open.collect()).await.expect("the child with the former key ends").ok();

    let session = begin(&world, &alice).await;
    let open = listen(&world, &alice, &session).await;
    let key = ConnectionKey { user: UserId::from_stored("us_alice"), provider: "personal".to_owned() };
    let event = AuditEvent::new(AuditKind::ConnectionEnded, Now.now());
    assert!(world.store.disconnect(&key, event).await.unwrap());
    timeout(soon, open.collect()).await.expect("nobody's child is left with the key").ok();
    assert_eq!(text(&ask_own(&world, &bob, &his).await.1), "yek-sbob", "his goes on");
}
