//! The servers behind the gateway, over HTTP: one that answers in JSON, one that answers in events. Both keep a record
//! of what reached them and misbehave on request.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

/// What reached a server.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Clone)]
pub(crate) struct Behind {
    pub(crate) origin: String,
    /// Lets a stream that waits go on.
    pub(crate) go_on: Arc<Notify>,
    /// A tool that was added later.
    pub(crate) added: Arc<Mutex<Option<&'static str>>>,
    seen: Arc<Mutex<Vec<Reached>>>,
    begun: Arc<AtomicUsize>,
    ended: Arc<Mutex<HashSet<String>>>,
}

impl Behind {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let behind = Self {
            origin,
            go_on: Arc::default(),
            added: Arc::default(),
            seen: Arc::default(),
            begun: Arc::default(),
            ended: Arc::default(),
        };
        let routes = Router::new()
            .route("/json", any(json_server))
            .route("/sse", any(sse_server))
            .route("/api/{*rest}", any(crate::api::answer));
        let routes = routes.with_state(behind.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        behind
    }

    pub(crate) fn seen(&self) -> Vec<Reached> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }

    pub(crate) async fn note(&self, request: Request) -> Reached {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let reached = Reached { method: parts.method, headers: parts.headers, body };
        self.seen.lock().unwrap().push(reached.clone());
        reached
    }

    fn tools(&self) -> Value {
        let tool = |name: &str, hints: Value| json!({ "name": name, "annotations": hints, "inputSchema": {} });
        let mut tools = vec![
            tool("read_note", json!({ "readOnlyHint": true })),
            tool("write_note", json!({})),
            tool("delete_note", json!({ "destructiveHint": true })),
        ];
        tools.extend(self.added.lock().unwrap().map(|name| tool(name, json!({ "readOnlyHint": true }))));
        json!({ "jsonrpc": "2.0", "result": { "tools": tools, "cacheScope": "public", "unknown": [1.50] } })
    }

    /// What both servers do alike.
    fn common(&self, reached: &Reached) -> Result<Value, Box<Response>> {
        let session = reached.headers.get("mcp-session-id").map(|id| id.to_str().unwrap().to_owned());
        if session.as_ref().is_some_and(|id| self.ended.lock().unwrap().contains(id)) {
            return Err(Box::new(answer(
                404,
                "application/json",
                r#"{"jsonrpc":"2.0","error":{"code":-32001,"message":"gone"}}"#,
            )));
        }
        if reached.method == Method::DELETE {
            self.ended.lock().unwrap().extend(session);
            return Err(Box::new(answer(200, "", "")));
        }
        let message: Value = serde_json::from_slice(&reached.body).unwrap_or_default();
        match (message["method"].as_str().unwrap_or_default(), message["params"]["arguments"]["mood"].as_str()) {
            ("initialize", _) => {
                let result = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {} });
                let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }).to_string();
                let mut response = answer(200, "application/json", body);
                let headers = response.headers_mut();
                let number = self.begun.fetch_add(1, Ordering::Relaxed);
                headers.insert("mcp-session-id", format!("behind-{number}").parse().unwrap());
                headers.insert("set-cookie", "inner=1".parse().unwrap());
                Err(Box::new(response))
            }
            ("", _) if reached.method == Method::POST => Err(Box::new(answer(202, "", ""))),
            (method, _) if method.starts_with("notifications/") => Err(Box::new(answer(202, "", ""))),
            (_, Some("closed")) => {
                let mut response = answer(401, "application/json", "{}");
                response.headers_mut().insert("www-authenticate", r#"Bearer realm="inner""#.parse().unwrap());
                Err(Box::new(response))
            }
            (_, Some("moved")) => {
                let mut response = answer(307, "", "");
                response.headers_mut().insert("location", "http://elsewhere.example/".parse().unwrap());
                Err(Box::new(response))
            }
            (_, Some("picky")) => Err(Box::new(answer(
                406,
                "application/json",
                r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"no"}}"#,
            ))),
            (_, Some("page")) => Err(Box::new(answer(200, "text/html", "<script>"))),
            (_, Some("silent")) => Err(Box::new(Response::new(Body::from_stream(futures_util::stream::pending::<
                Result<Bytes, std::io::Error>,
            >())))),
            _ => Ok(message),
        }
    }
}

async fn json_server(State(behind): State<Behind>, request: Request) -> Response {
    let reached = behind.note(request).await;
    let thinks = |message: Value| message["params"]["arguments"]["mood"] == "thinks";
    if serde_json::from_slice(&reached.body).is_ok_and(thinks) {
        behind.go_on.notified().await;
    }
    let message = match behind.common(&reached) {
        Ok(message) => message,
        Err(response) => return *response,
    };
    let body = match message["method"].as_str() {
        Some("tools/list") => {
            let mut listing = behind.tools();
            listing["id"] = message["id"].clone();
            listing
        }
        _ => json!({ "jsonrpc": "2.0", "id": message["id"], "result": { "content": [] } }),
    };
    answer(200, "application/json", body.to_string())
}

async fn sse_server(State(behind): State<Behind>, request: Request) -> Response {
    let reached = behind.note(request).await;
    if reached.method == Method::GET {
        let from = reached.headers.get("last-event-id").map_or("none", |id| id.to_str().unwrap()).to_owned();
        let mut listing = behind.tools();
        listing["id"] = "list-1".into();
        return answer(
            200,
            "text/event-stream",
            format!("id: r-1\r\nretry: 250\r\ndata: \r\n\r\n: from {from}\n\nid: r-2\ndata: {listing}\n\n"),
        );
    }
    let message = match behind.common(&reached) {
        Ok(message) => message,
        Err(response) => return *response,
    };
    if message["method"] == "tools/list" {
        let mut listing = behind.tools();
        listing["id"] = message["id"].clone();
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info" } });
        return answer(
            200,
            "text/event-stream",
            format!("id: e-1\nretry: 500\ndata:\n\nevent: message\ndata: {note}\n\nid: e-2\ndata: {listing}\n\n"),
        );
    }
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(4);
    let done = json!({ "jsonrpc": "2.0", "id": message["id"], "result": { "content": [] } });
    tokio::spawn(async move {
        sender
            .send(Ok(Bytes::from_static(
                b"id: 1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n",
            )))
            .await
            .ok();
        behind.go_on.notified().await;
        sender.send(Ok(format!("data: {done}\n\n").into())).await.ok();
    });
    let mut response = Response::new(Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver)));
    response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
    response
}

fn answer(status: u16, kind: &str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status.try_into().unwrap();
    if !kind.is_empty() {
        response.headers_mut().insert("content-type", kind.parse().unwrap());
    }
    response
}
