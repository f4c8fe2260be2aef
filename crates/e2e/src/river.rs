//! An MCP server whose tool `flow` never ends: it streams a notification every few milliseconds until nobody listens.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bailiwick_net::Http;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often something flows.
const EVERY: Duration = Duration::from_millis(20);

/// A running river.
pub struct River {
    pub url: String,
    stop: CancellationToken,
}

impl River {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let routes = Router::new().route("/mcp", post(answer));
        tokio::spawn(bailiwick_net::serve(bailiwick_net::Listener::Tcp(listener), routes, stop.clone()));
        Self { url, stop }
    }
}

impl Drop for River {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn answer(Json(message): Json<Value>) -> Response {
    let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" }, "annotations": { "readOnlyHint": true } });
    let result = match (message["method"].as_str().unwrap_or(""), message["params"]["name"].as_str()) {
        ("initialize", _) => {
            json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "river", "version": "1" } })
        }
        ("tools/list", _) => json!({ "tools": [tool("look"), tool("flow")] }),
        ("tools/call", Some("flow")) => return flowing(),
        ("tools/call", _) => {
            json!({ "content": [{ "type": "text", "text": "looked" }] })
        }
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
}

fn flowing() -> Response {
    let drop =
        json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info", "data": "drop" } });
    let event = Bytes::from(format!("event: message\ndata: {drop}\n\n"));
    let drops = stream::unfold(event, async |event| {
        tokio::time::sleep(EVERY).await;
        Some((Ok::<_, Infallible>(event.clone()), event))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(drops)).into_response()
}

/// An open stream of `flow`, seen from its caller.
pub struct Flow {
    pub status: StatusCode,
    seen: watch::Receiver<(usize, Option<Instant>)>,
}

impl Flow {
    /// Calls `flow` at `url`, which is known as `host` there.
    pub async fn open(url: &str, host: &str, token: &str) -> Self {
        let call =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "flow", "arguments": {} } });
        let request = Request::post(url)
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Full::new(Bytes::from(call.to_string())))
            .unwrap();
        let response = Http::new().send(request).await.unwrap();
        let status = response.status();
        let (tell, seen) = watch::channel((0, None));
        tokio::spawn(async move {
            let mut body = response.into_body();
            while let Some(Ok(_)) = body.frame().await {
                tell.send_modify(|(chunks, _)| *chunks += 1);
            }
            tell.send_modify(|(_, ended)| *ended = Some(Instant::now()));
        });
        Self { status, seen }
    }

    /// How many chunks came so far.
    pub fn chunks(&self) -> usize {
        self.seen.borrow().0
    }

    /// When it ended, if it did.
    pub fn ended(&self) -> Option<Instant> {
        self.seen.borrow().1
    }

    /// Waits until something new flows.
    pub async fn flows(&mut self) -> bool {
        let before = self.chunks();
        let more = self.seen.wait_for(|(chunks, ended)| *chunks > before || ended.is_some());
        tokio::time::timeout(Duration::from_secs(10), more).await.is_ok_and(|_| true) && self.ended().is_none()
    }

    /// Waits until it ends, for `patience` at most.
    pub async fn end(&mut self, patience: Duration) -> Option<Instant> {
        let over = self.seen.wait_for(|(_, ended)| ended.is_some());
        tokio::time::timeout(patience, over).await.ok()?.ok().and_then(|seen| seen.1)
    }
}
