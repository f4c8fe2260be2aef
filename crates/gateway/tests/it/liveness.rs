//! What was ended between two steps of one request is noticed at the next: a body may take its time, and so may an answer.

use std::time::Duration;

use bailiwick_domain::audit::{AuditEvent, AuditKind, Outcome};
use bailiwick_domain::time::Clock as _;
use bailiwick_store::StopKind;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::calls::chunk;
use crate::fixture::call;
use crate::world::{Now, World};

fn with_mood(tool: &str, mood: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": tool, "arguments": { "mood": mood } } })
}

async fn stop_tool(world: &World, server: &str, tool: &str) {
    let event = AuditEvent::new(AuditKind::ToolStopped, Now.now());
    let subject = format!("{} {tool}", world.resource(server).as_str());
    assert!(world.store.stop(StopKind::Tool, vec![subject], event).await.unwrap().is_some());
}

#[tokio::test]
async fn a_body_that_comes_after_its_grant_ended_is_not_passed_on() {
    let world = World::new().await;
    let held = world.hold("us_alice", "app", "json", "json:write", Vec::new()).await;
    let body = call("write_note").to_string();
    let authority = world.origin.trim_start_matches("http://");
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let request = format!(
        "POST /mcp/json HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        held.raw,
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.behind.forget();

    world.revoke(&held.grant).await;
    stream.write_all(body.as_bytes()).await.unwrap();

    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(world.behind.seen().is_empty(), "nothing reached the server behind");
}

#[tokio::test]
async fn an_answer_that_comes_after_its_grant_ended_is_not_given() {
    let world = World::new().await;
    let held = world.hold("us_alice", "app", "json", "json:write", Vec::new()).await;
    let slow = with_mood("write_note", "thinks");
    world.behind.forget();

    let (answer, ()) = tokio::join!(world.say("json", &held.raw, &slow), async {
        while world.behind.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        world.revoke(&held.grant).await;
        world.behind.go_on.notify_one();
    });

    assert_eq!(answer.status, 401);
    let events = world.audited_all(AuditKind::ToolCalled, 2).await;
    assert!(events.iter().any(|event| event.outcome == Outcome::Failed), "that it came to nothing is on record");
}

#[tokio::test]
async fn a_stopped_tool_is_refused_left_out_of_listings_and_cut_off() {
    let world = World::new().await;
    let token = world.token("sse", "sse:read sse:write").await;
    let mut reading = world.open(world.post("sse", &token), call("read_note").to_string()).await.into_body();
    let mut writing = world.open(world.post("sse", &token), call("write_note").to_string()).await.into_body();
    chunk(&mut reading).await;
    chunk(&mut writing).await;

    stop_tool(&world, "sse", "read_note").await;

    let end = tokio::time::timeout(Duration::from_secs(3), reading.frame()).await.expect("its stream is cut");
    assert!(end.is_none_or(|frame| frame.is_err()));
    let refused = world.say("sse", &token, &call("read_note")).await;
    assert_eq!(refused.message()["result"]["_meta"]["bailiwick/rule"], "tool:stopped", "{}", refused.message());
    let events = world.audited(AuditKind::ToolRefused).await;
    assert_eq!(events[0].rule.as_deref(), Some("tool:stopped"));
    world.behind.go_on.notify_waiters();
    assert!(chunk(&mut writing).await.starts_with(b"data:"), "the stream of another tool goes on");
}
