//! What a list of tools shows.

use bailiwick_domain::token::ToolsDetail;
use http::Request;

use crate::fixture::list;
use crate::world::World;

#[tokio::test]
async fn a_listing_shows_what_the_token_may_call() {
    let world = World::new().await;
    for server in ["json", "sse"] {
        let read = world.token(server, &format!("{server}:read")).await;
        let more = world.token(server, &format!("{server}:read {server}:write")).await;
        let details = vec![ToolsDetail::only(world.resource(server), vec!["write_note".to_owned()])];
        let less = world.hold("us_alice", "app", server, &format!("{server}:read {server}:write"), details).await.raw;

        assert_eq!(world.say(server, &read, &list()).await.tools(), ["read_note"], "{server}");
        assert_eq!(world.say(server, &more, &list()).await.tools(), ["read_note", "write_note"], "{server}");
        assert_eq!(world.say(server, &less, &list()).await.tools(), ["write_note"], "{server}");
    }
}

#[tokio::test]
async fn nothing_but_the_tools_of_a_listing_changes() {
    let world = World::new().await;
    let token = world.token("sse", "sse:read").await;

    let answer = world.say("sse", &token, &list()).await;

    let text = answer.text();
    assert!(text.starts_with("id: e-1\nretry: 500\ndata:\n\nevent: message\ndata: {\"jsonrpc\""), "{text}");
    assert!(text.contains("\n\nid: e-2\ndata: {"), "{text}");
    assert!(text.contains(r#""unknown":[1.5]"#), "{text}");
    // What was made for one caller is not to be kept for others.
    assert!(text.contains(r#""cacheScope":"private""#), "{text}");
}

#[tokio::test]
async fn a_resumed_stream_passes_as_it_is_but_for_its_listings() {
    let world = World::new().await;
    let token = world.token("sse", "sse:read").await;
    let request = Request::get(format!("{}/mcp/sse", world.origin))
        .header("authorization", format!("Bearer {token}"))
        .header("accept", "text/event-stream")
        .header("last-event-id", "e-1");

    let answer = world.send(request, "").await;

    let text = answer.text();
    assert!(text.starts_with("id: r-1\r\nretry: 250\r\ndata: \r\n\r\n: from e-1\n\nid: r-2\ndata: {"), "{text}");
    assert!(text.contains("read_note") && !text.contains("delete_note"), "{text}");
}

#[tokio::test]
async fn a_token_that_opens_nothing_sees_nothing() {
    let world = World::new().await;
    let token = world.token("json", "").await;

    assert!(world.say("json", &token, &list()).await.tools().is_empty());
}
