//! A server that writes down every header it is sent: MCP at `/mcp`, an API below `/api/`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use serde_json::{Value, json};

/// What it does to a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// Answers it.
    #[default]
    Fair,
    /// Says 500.
    Broken,
    /// Says 401, once.
    Closed,
    /// Sends it on to this URL.
    Moved(String),
    /// Answers with an event.
    Streaming,
}

/// A running honeypot.
pub struct Honeypot {
    pub url: String,
    seen: Seen,
    mood: Arc<Mutex<Mood>>,
    guard: Arc<Mutex<Guard>>,
    documents: Arc<AtomicUsize>,
    stop: tokio_util::sync::CancellationToken,
}

type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// What it says of who guards it (RFC 9728).
#[derive(Clone, Debug, Default)]
enum Guard {
    #[default]
    Nobody,
    Issuer(String),
    /// Whoever wants to know is sent on to this URL.
    Elsewhere(String),
}

#[derive(Clone)]
struct Pot {
    seen: Seen,
    mood: Arc<Mutex<Mood>>,
}

impl Honeypot {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let pot = Pot { seen: Seen::default(), mood: Arc::default() };
        let (seen, mood) = (Arc::clone(&pot.seen), Arc::clone(&pot.mood));
        let (guard, documents) = (Arc::<Mutex<Guard>>::default(), Arc::<AtomicUsize>::default());
        let (guarded, count, resource) = (Arc::clone(&guard), Arc::clone(&documents), url.clone());
        let document = move || {
            count.fetch_add(1, Ordering::Relaxed);
            let guard = guarded.lock().unwrap().clone();
            let answer = match guard {
                Guard::Nobody => StatusCode::NOT_FOUND.into_response(),
                Guard::Issuer(it) => {
                    Json(json!({ "resource": resource, "authorization_servers": [it] })).into_response()
                }
                Guard::Elsewhere(to) => (StatusCode::FOUND, [("location", to)]).into_response(),
            };
            std::future::ready(answer)
        };
        let routes = Router::new()
            .route("/mcp", any(answer))
            .route("/api/{*operation}", any(operate))
            .route("/.well-known/{*document}", axum::routing::get(document))
            .fallback(nothing)
            .with_state(pot);
        let stop = tokio_util::sync::CancellationToken::new();
        let ended = stop.clone().cancelled_owned();
        tokio::spawn(async move { axum_serve(listener, routes, ended).await });
        Self { url, seen, mood, guard, documents, stop }
    }

    /// What it does to calls from now on.
    pub fn is_now(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// From now on it says that this issuer guards it (RFC 9728).
    pub fn guarded_by(&self, issuer: &str) {
        *self.guard.lock().unwrap() = Guard::Issuer(issuer.to_owned());
    }

    /// From now on it sends whoever asks who guards it on to that URL.
    pub fn guarded_at(&self, url: &str) {
        *self.guard.lock().unwrap() = Guard::Elsewhere(url.to_owned());
    }

    /// How often anybody looked for a document below `/.well-known/`.
    pub fn touched(&self) -> usize {
        self.documents.load(Ordering::Relaxed)
    }

    /// Every header of every request, name and value.
    pub fn headers(&self) -> Vec<(String, String)> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until the gateway has asked for the tools and ended the session in which it did.
    pub async fn surveyed(&self) {
        let left = || self.headers().iter().any(|(name, value)| name == "x-method" && value == "DELETE");
        for _ in 0..1000 {
            if left() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("nobody asked for the tools");
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

impl Pot {
    /// Writes a request down: its headers, and what it asks for.
    fn note(&self, headers: &HeaderMap, asks: &str) {
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut seen = self.seen.lock().unwrap();
        seen.extend(headers.iter().map(|(name, value)| (name.to_string(), text(value))));
        seen.push(("x-method".to_owned(), asks.to_owned()));
    }

    /// What it says instead of an answer, if it is not in the mood for one.
    fn instead(&self) -> Option<Response> {
        let mut mood = self.mood.lock().unwrap();
        match &*mood {
            Mood::Fair | Mood::Streaming => None,
            Mood::Broken => Some((StatusCode::INTERNAL_SERVER_ERROR, "no").into_response()),
            Mood::Moved(to) => Some((StatusCode::TEMPORARY_REDIRECT, [("location", to.clone())]).into_response()),
            Mood::Closed => {
                *mood = Mood::Fair;
                Some(StatusCode::UNAUTHORIZED.into_response())
            }
        }
    }
}

/// A path that leads nowhere.
async fn nothing(State(pot): State<Pot>, uri: Uri, headers: HeaderMap) -> StatusCode {
    pot.note(&headers, uri.path());
    StatusCode::NOT_FOUND
}

/// An operation of the API.
async fn operate(State(pot): State<Pot>, uri: Uri, headers: HeaderMap) -> Response {
    pot.note(&headers, uri.path());
    pot.instead().unwrap_or_else(|| Json(json!({ "ran": uri.path() })).into_response())
}

/// An event that carries this message, as all of a stream.
fn event(message: &Value) -> Response {
    ([("content-type", "text/event-stream")], format!("event: message\ndata: {message}\n\n")).into_response()
}

async fn answer(State(pot): State<Pot>, how: Method, headers: HeaderMap, body: Bytes) -> Response {
    if how != Method::POST {
        pot.note(&headers, how.as_str());
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "data": "unasked" } });
        return if how == Method::GET { event(&note) } else { StatusCode::OK.into_response() };
    }
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let method = message["method"].as_str().unwrap_or("").to_owned();
    pot.note(&headers, &method);
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
    let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
    if method == "initialize" {
        return ([("mcp-session-id", "upstream-session-1")], Json(body)).into_response();
    }
    if method != "tools/call" {
        return Json(body).into_response();
    }
    let streams = *pot.mood.lock().unwrap() == Mood::Streaming;
    pot.instead().unwrap_or_else(|| if streams { event(&body) } else { Json(body).into_response() })
}
