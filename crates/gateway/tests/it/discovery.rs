//! How the catalogue is kept true.

use bailiwick_domain::policy::Risk;
use http::Method;

use crate::fixture::call;
use crate::world::{World, server};

#[tokio::test]
async fn every_server_is_asked_for_its_tools() {
    let world = World::new().await;
    let catalogue = world.catalogue.load();

    for name in ["json", "sse", "child"] {
        let found = server(&catalogue, name);
        assert_eq!(found.tool("write_note").unwrap().risk, Risk::Write, "{name}");
        assert_eq!(found.tool("delete_note").unwrap().risk, Risk::Destructive, "{name}");
    }
    assert!(!server(&catalogue, "gone").reachable);
}

#[tokio::test]
async fn a_session_opened_to_ask_is_ended_again() {
    let world = World::undiscovered().await;
    let gateway = std::sync::Arc::clone(&world.gateway);
    tokio::spawn(async move { gateway.discover().await });

    world.until(|catalogue| server(catalogue, "json").reachable).await;

    assert!(world.behind.seen().iter().any(|reached| reached.method == Method::DELETE));
}

#[tokio::test]
async fn a_tool_that_is_new_is_looked_up_before_its_call_is_denied() {
    let world = World::undiscovered().await;
    let token = world.token("json", "json:read").await;
    *world.behind.added.lock().unwrap() = Some("read_more");

    let known = world.say("json", &token, &call("read_more")).await;
    let unknown = world.say("json", &token, &call("read_nothing")).await;

    assert_eq!(known.message()["result"]["content"], serde_json::json!([]));
    assert_eq!(unknown.message()["result"]["_meta"]["bailiwick/rule"], "tool:unknown");
}
