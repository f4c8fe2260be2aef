//! Servers that run as children.

use std::time::Duration;

use http::Request;
use http_body_util::BodyExt as _;
use serde_json::json;

use crate::calls::chunk;
use crate::fixture::{call, initialize, list, modern};
use crate::world::World;

#[tokio::test]
async fn a_child_serves_a_session() {
    let world = World::new().await;
    let token = world.token("child", "child:read").await;
    let session = world.initialize("child", &token).await;

    let listing = world.say_in(&session, "child", &token, &list()).await;
    let called = world.say_in(&session, "child", &token, &call("read_env")).await;

    assert_eq!(listing.header("content-type"), Some("application/json"));
    assert_eq!(listing.tools(), ["read_env", "read_own", "read_plain", "read_progress", "read_die", "read_ask"]);
    assert_eq!(called.header("content-type"), Some("application/json"));
    let names = called.message()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(names.split(' ').all(|name| ["FIXTURE", "HOME", "LANG", "PATH", "TERM"].contains(&name)), "{names}");
    assert!(names.contains("FIXTURE"), "{names}");
}

#[tokio::test]
async fn progress_comes_before_the_answer_and_both_carry_the_callers_own_ids() {
    let world = World::new().await;
    let token = world.token("child", "child:read").await;
    let session = world.initialize("child", &token).await;
    let mut message = call("read_progress");
    message["id"] = "mine".into();
    message["params"]["_meta"] = json!({ "progressToken": "my-token" });

    let answer = world.say_in(&session, "child", &token, &message).await;

    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let text = answer.text();
    let (progress, result) = text.split_once("\n\n").unwrap();
    assert!(progress.contains(r#""progressToken":"my-token""#), "{text}");
    assert!(result.contains(r#""id":"mine""#), "{text}");
    assert!(!text.contains("called as \\\"mine"), "the child sees numbers of ours: {text}");
}

#[tokio::test]
async fn a_question_of_the_child_reaches_whoever_listens_and_the_answer_reaches_the_child() {
    let world = World::new().await;
    let token = world.token("child", "child:read").await;
    let session = world.initialize("child", &token).await;
    let listen = Request::get(format!("{}/mcp/child", world.origin))
        .header("authorization", format!("Bearer {token}"))
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &session);
    let mut heard = world.open(listen, "").await.into_body();

    world.say_in(&session, "child", &token, &call("read_ask")).await;
    let question = chunk(&mut heard).await;
    let answer = json!({ "jsonrpc": "2.0", "id": "question-1", "result": { "roots": [] } });

    assert!(std::str::from_utf8(&question).unwrap().contains(r#""id":"question-1""#));
    assert_eq!(world.say_in(&session, "child", &token, &answer).await.status, 202);
}

#[tokio::test]
async fn a_child_that_dies_fails_its_calls_and_ends_its_session() {
    let world = World::new().await;
    let token = world.token("child", "child:read").await;
    let session = world.initialize("child", &token).await;

    let answer = world.say_in(&session, "child", &token, &call("read_die")).await;

    assert_eq!(answer.status, 502);
    assert_eq!(answer.message()["error"]["code"], -32603);
    assert_eq!(answer.message()["id"], 7);
    assert!(answer.message()["error"]["data"]["correlation_id"].is_string());
    assert_eq!(world.say_in(&session, "child", &token, &list()).await.status, 404);
}

#[tokio::test]
async fn a_session_ends_when_it_is_deleted() {
    let world = World::new().await;
    let token = world.token("child", "child:read").await;
    let session = world.initialize("child", &token).await;
    let end = Request::delete(format!("{}/mcp/child", world.origin))
        .header("authorization", format!("Bearer {token}"))
        .header("mcp-session-id", &session);

    assert_eq!(world.send(end, "").await.status, 204);

    assert_eq!(world.say_in(&session, "child", &token, &list()).await.status, 404);
}

#[tokio::test]
async fn a_child_ends_when_its_grant_is_revoked() {
    let world = World::new().await;
    let held = world.hold("us_alice", "app", "child", "child:read", Vec::new()).await;
    let session = world.initialize("child", &held.raw).await;
    let listen = Request::get(format!("{}/mcp/child", world.origin))
        .header("authorization", format!("Bearer {}", held.raw))
        .header("mcp-session-id", &session);
    let mut heard = world.open(listen, "").await.into_body();

    world.revoke(&held.grant).await;

    let end = tokio::time::timeout(Duration::from_secs(3), heard.frame()).await.expect("the stream ends");
    assert!(end.is_none());
    let again = world.token("child", "child:read").await;
    assert_eq!(world.say_in(&session, "child", &again, &list()).await.status, 404);
}

#[tokio::test]
async fn another_users_child_is_not_there() {
    let world = World::new().await;
    let token = world.token("child", "child:read").await;
    let session = world.initialize("child", &token).await;
    let mallory = world.hold("us_mallory", "app", "child", "child:read", Vec::new()).await.raw;

    assert_eq!(world.say_in(&session, "child", &mallory, &call("read_env")).await.status, 404);
}

#[tokio::test]
async fn a_request_that_belongs_to_a_session_must_name_it() {
    let world = World::new().await;
    let token = world.token("child", "child:read").await;

    let answer = world.say("child", &token, &list()).await;

    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_request_that_stands_alone_needs_no_session() {
    let world = World::new().await;
    let token = world.token("child", "child:read").await;
    let request = world
        .post("child", &token)
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "read_env");

    let answer = world.send(request, modern(call("read_env")).to_string()).await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("mcp-session-id"), None);
    assert!(answer.message()["result"]["content"].is_array());
}

#[tokio::test]
async fn children_end_with_the_gateway() {
    let world = World::new().await;
    let token = world.token("child", "child:read").await;
    world.say("child", &token, &initialize()).await;

    tokio::time::timeout(Duration::from_secs(5), world.gateway.close()).await.expect("it closes in time");
}
