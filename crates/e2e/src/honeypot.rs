//! An MCP server that writes down every header it is sent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

/// A running honeypot.
pub struct Honeypot {
    pub url: String,
    seen: Seen,
    guard: Arc<Mutex<Option<String>>>,
    documents: Arc<AtomicUsize>,
    stop: tokio_util::sync::CancellationToken,
}

type Seen = Arc<Mutex<Vec<(String, String)>>>;

impl Honeypot {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let seen = Seen::default();
        let (guard, documents) = (Arc::<Mutex<Option<String>>>::default(), Arc::<AtomicUsize>::default());
        let (guarded, count, resource) = (Arc::clone(&guard), Arc::clone(&documents), url.clone());
        let document = move || {
            count.fetch_add(1, Ordering::Relaxed);
            let issuer = guarded.lock().unwrap().clone();
            let document = issuer.map(|it| Json(json!({ "resource": resource, "authorization_servers": [it] })));
            async move { document.ok_or(StatusCode::NOT_FOUND) }
        };
        let routes = Router::new()
            .route("/mcp", post(answer).delete(async || StatusCode::OK))
            .route("/.well-known/{*document}", axum::routing::get(document))
            .with_state(Arc::clone(&seen));
        let stop = tokio_util::sync::CancellationToken::new();
        let ended = stop.clone().cancelled_owned();
        tokio::spawn(async move { axum_serve(listener, routes, ended).await });
        Self { url, seen, guard, documents, stop }
    }

    /// From now on it says that this issuer guards it (RFC 9728).
    pub fn guarded_by(&self, issuer: &str) {
        *self.guard.lock().unwrap() = Some(issuer.to_owned());
    }

    /// How often anybody looked for a document below `/.well-known/`.
    pub fn touched(&self) -> usize {
        self.documents.load(Ordering::Relaxed)
    }

    /// Every header of every request, name and value.
    pub fn headers(&self) -> Vec<(String, String)> {
        self.seen.lock().unwrap().clone()
    }

    /// Forgets what it was sent so far.
    pub fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }

    /// The bearer tokens it was shown.
    pub fn shown(&self) -> Vec<String> {
        let seen = self.headers().into_iter().filter(|(name, _)| name == "authorization");
        seen.filter_map(|(_, value)| value.strip_prefix("Bearer ").map(str::to_owned)).collect()
    }

    /// How many tool calls arrived.
    pub fn calls(&self) -> usize {
        self.headers().iter().filter(|(name, value)| name == "x-method" && value == "tools/call").count()
    }
}

impl Drop for Honeypot {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn axum_serve(
    listener: tokio::net::TcpListener,
    routes: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let stop_token = tokio_util::sync::CancellationToken::new();
    let inner = stop_token.clone();
    tokio::spawn(async move {
        stop.await;
        inner.cancel();
    });
    bailiwick_net::serve(bailiwick_net::Listener::Tcp(listener), routes, stop_token).await;
}

async fn answer(State(seen): State<Seen>, headers: HeaderMap, Json(message): Json<Value>) -> Response {
    let method = message["method"].as_str().unwrap_or("").to_owned();
    {
        let mut seen = seen.lock().unwrap();
        seen.extend(
            headers
                .iter()
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())),
        );
        seen.push(("x-method".to_owned(), method.clone()));
    }
    let tool =
        |name: &str, hints: Value| json!({ "name": name, "inputSchema": { "type": "object" }, "annotations": hints });
    let result = match method.as_str() {
        "initialize" => {
            json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "honeypot", "version": "1" } })
        }
        "tools/list" => json!({ "tools": [
            tool("look", json!({ "readOnlyHint": true })),
            tool("change", json!({ "readOnlyHint": false, "destructiveHint": false })),
            tool("amend", json!({ "readOnlyHint": false, "destructiveHint": false })),
            tool("destroy", json!({ "destructiveHint": true })),
        ] }),
        "tools/call" => {
            json!({ "content": [{ "type": "text", "text": format!("ran {}", message["params"]["name"]) }] })
        }
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    let body = Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }));
    if method == "initialize" {
        return ([("mcp-session-id", "upstream-session-1")], body).into_response();
    }
    body.into_response()
}
