//! What a permitted call carries, and what comes back.

use std::time::Duration;

use bailiwick_domain::audit::{AuditKind, Outcome};
use bailiwick_domain::token::ToolsDetail;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::fixture::{call, modern};
use crate::world::World;

#[tokio::test]
async fn the_callers_credentials_never_travel() {
    let world = World::new().await;
    let token = world.token("json", "json:read").await;
    let message = modern(call("read_note")).to_string();
    let request = world
        .post("json", &token)
        .header("cookie", "session=secret")
        .header("dpop", "proof")
        .header("x-forwarded-for", "10.0.0.1")
        .header("x-api-key", "secret")
        .header("forwarded", "for=10.0.0.1")
        .header("origin", world.origin.clone())
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "read_note")
        .header("mcp-param-region", "eu");

    let answer = world.send(request, message.clone()).await;

    assert_eq!(answer.status, 200);
    let reached = world.behind.seen().pop().unwrap();
    let mut names: Vec<&str> = reached.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "authorization",
            "content-length",
            "content-type",
            "host",
            "mcp-method",
            "mcp-name",
            "mcp-param-region",
            "mcp-protocol-version",
            "user-agent"
        ]
    );
    // What it is shown is of our making.
    assert!(!reached.headers["authorization"].to_str().unwrap().contains(&token));
    assert_eq!(reached.headers["host"], world.behind.origin.strip_prefix("http://").unwrap());
    assert!(!format!("{reached:?}").contains(&token));
    assert_eq!(reached.body, message);
}

#[tokio::test]
async fn a_stream_flows_while_it_is_being_made() {
    let world = World::new().await;
    let token = world.token("sse", "sse:read").await;

    let response = world.open(world.post("sse", &token), call("read_note").to_string()).await;
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut body = response.into_body();
    // The rest is not written before this was read.
    let first = chunk(&mut body).await;
    world.behind.go_on.notify_one();
    let second = chunk(&mut body).await;

    assert_eq!(first, "id: 1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n");
    assert_eq!(second, "data: {\"id\":7,\"jsonrpc\":\"2.0\",\"result\":{\"content\":[]}}\n\n");
}

#[tokio::test]
async fn a_call_that_changes_something_is_on_record_before_it_happens() {
    let world = World::new().await;
    let held = world.hold("us_alice", "app", "json", "json:write", Vec::new()).await;

    let answer = world.say("json", &held.raw, &call("write_note")).await;

    assert_eq!(answer.status, 200);
    let called = &world.audited(AuditKind::ToolCalled).await[0];
    assert_eq!(called.tool.as_deref(), Some("write_note"));
    assert_eq!(called.grant.as_ref(), Some(&held.grant));
    assert_eq!(called.outcome, Outcome::Allowed);
    assert_eq!(called.resource.as_ref(), Some(&world.resource("json")));
    assert_eq!(called.arguments.as_deref(), Some("RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o"), "the digest of {{}}");
}

#[tokio::test]
async fn a_tool_left_out_at_consent_is_refused_in_words_a_model_can_read() {
    let world = World::new().await;
    let details = vec![ToolsDetail::only(world.resource("json"), vec!["read_note".to_owned()])];
    let held = world.hold("us_alice", "app", "json", "json:read json:write", details).await;

    let answer = world.say("json", &held.raw, &call("write_note")).await;

    assert_eq!(answer.status, 200);
    let result = &answer.message()["result"];
    assert_eq!(result["isError"], true);
    assert_eq!(result["_meta"]["bailiwick/rule"], "consent:left-out");
    assert_eq!(answer.message()["id"], 7);
    assert!(world.behind.seen().is_empty());
}

#[tokio::test]
async fn an_open_stream_ends_when_its_grant_is_revoked() {
    let world = World::new().await;
    let held = world.hold("us_alice", "app", "sse", "sse:read", Vec::new()).await;
    let response = world.open(world.post("sse", &held.raw), call("read_note").to_string()).await;
    let mut body = response.into_body();
    chunk(&mut body).await;

    world.revoke(&held.grant).await;

    let rest = tokio::time::timeout(Duration::from_secs(3), body.frame()).await.expect("the stream ends");
    assert!(rest.is_none_or(|frame| frame.is_err()));
    assert_eq!(world.say("sse", &held.raw, &call("read_note")).await.status, 401);
}

pub(crate) async fn chunk(body: &mut Incoming) -> Bytes {
    let frame = tokio::time::timeout(Duration::from_secs(5), body.frame()).await.expect("something comes in time");
    frame.unwrap().unwrap().into_data().unwrap()
}
