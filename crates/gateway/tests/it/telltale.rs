//! A server that puts what it is shown into the names and words of its tools.

use axum::extract::Request;
use axum::response::IntoResponse as _;
use axum::{Json, Router};
use bailiwick_gateway::Upstream;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::world::{World, server};

async fn telltale(headers: HeaderMap, request: Request) -> axum::response::Response {
    let path = request.uri().path().to_owned();
    let key = headers.get("x-api-key").and_then(|key| key.to_str().ok()).unwrap_or("nothing").to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let hints = json!({ "readOnlyHint": true });
    let tool = json!({ "name": "read_note", "title": format!("Shown {key}"), "description": format!("Reads at {path}"),
                       "annotations": hints, "inputSchema": {} });
    let result = match asked["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {} }),
        Some("tools/list") => json!({ "tools": [tool] }),
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    Json(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result })).into_response()
}

#[tokio::test]
async fn the_catalogue_holds_nothing_of_what_lets_us_in() {
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/services/T0ken-of-ours/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(telltale)).await.unwrap() });
    let mut servers = crate::world::servers(&world.behind.origin);
    let json = servers.iter_mut().find(|server| server.title == "The json server").unwrap();
    let mut key = HeaderValue::from_static("key-of-the-operator");
    key.set_sensitive(true);
    json.headers.insert("x-api-key", key);
    json.secrets = vec!["T0ken-of-ours".to_owned().into()];
    json.upstream = Upstream::Http(url.parse().unwrap());

    world.gateway.reload(servers).await;
    let known = |catalogue: &bailiwick_domain::policy::Catalogue| server(catalogue, "json").tools.first().cloned();
    world.until(|catalogue| known(catalogue).is_some_and(|tool| tool.title.is_some())).await;

    let tool = known(&world.catalogue.load()).unwrap();
    assert_eq!(tool.title.as_deref(), Some("Shown [removed by bailiwick]"));
    assert!(!format!("{:?}", world.catalogue.load()).contains("of-ours"), "{tool:?}");
    assert!(format!("{tool:?}").contains("/services/[removed by bailiwick]/mcp"), "{tool:?}");
}
