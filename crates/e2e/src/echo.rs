//! A server behind that tells whoever asks all that it was shown, in every spelling, as MCP and as a plain API; that
//! hands out cookies; and that sends people elsewhere.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::stream;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// A running one.
pub struct Echo {
    pub origin: String,
    seen: Seen,
}

#[derive(Clone)]
struct Seen {
    shown: Arc<Mutex<Vec<String>>>,
    elsewhere: String,
}

/// What it is shown in.
const SHOWN: [&str; 3] = ["authorization", "x-api-key", "cookie"];

impl Echo {
    /// Redirects lead to `elsewhere`.
    pub async fn start(elsewhere: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let seen = Seen { shown: Arc::default(), elsewhere: elsewhere.to_owned() };
        let routes = Router::new().route("/mcp", any(mcp)).route("/moved", any(moved)).fallback(api);
        let routes = routes.with_state(seen.clone());
        let stop = tokio_util::sync::CancellationToken::new();
        tokio::spawn(bailiwick_net::serve(bailiwick_net::Listener::Tcp(listener), routes, stop));
        Self { origin, seen }
    }

    /// Each thing it was shown, in the order it came.
    pub fn shown(&self) -> Vec<String> {
        self.seen.shown.lock().unwrap().clone()
    }
}

impl Seen {
    fn note(&self, headers: &HeaderMap, query: &str) -> String {
        let shown = SHOWN.into_iter().filter_map(|name| headers.get(name)).filter_map(|value| value.to_str().ok());
        let mut shown: Vec<String> = shown.map(str::to_owned).collect();
        shown.extend(query.split('&').filter_map(|pair| pair.strip_prefix("key=")).map(str::to_owned));
        let told = shown.iter().map(|secret| everyhow(secret)).collect::<Vec<_>>().join("\n");
        // A request that shows nothing is on record, too.
        self.shown.lock().unwrap().push(shown.join(" "));
        told
    }
}

/// A secret in every spelling.
fn everyhow(secret: &str) -> String {
    let percent = secret.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let wide = secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
    let code = [format!("{secret}."), format!("x{secret}."), format!("xy{secret}.")].map(|text| STANDARD.encode(text));
    let web = URL_SAFE_NO_PAD.encode(secret);
    format!("{secret} {percent} {wide} {} {} {} {web}", code[0], code[1], code[2])
}

fn answer(body: &Value) -> Response {
    let response = Response::builder().header("content-type", "application/json").header("set-cookie", "theirs=1");
    response.body(Body::from(body.to_string())).unwrap()
}

async fn mcp(State(seen): State<Seen>, headers: HeaderMap, Json(message): Json<Value>) -> Response {
    let told = seen.note(&headers, "");
    let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" }, "annotations": { "readOnlyHint": true } });
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => {
            json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "echo", "version": "1" } })
        }
        "tools/list" => json!({ "tools": [tool("tell"), tool("tell_slowly")] }),
        "tools/call" => json!({ "content": [{ "type": "text", "text": told }], "structuredContent": { "told": told } }),
        _ => return Response::builder().status(StatusCode::ACCEPTED).body(Body::empty()).unwrap(),
    };
    let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
    if message["params"]["name"] != "tell_slowly" {
        return answer(&body);
    }
    let event = format!("event: message\ndata: {body}\n\n");
    // No piece holds a whole secret.
    let pieces: Vec<Bytes> = event.as_bytes().chunks(7).map(Bytes::copy_from_slice).collect();
    let body = Body::from_stream(stream::unfold(pieces.into_iter(), async |mut pieces| {
        tokio::time::sleep(Duration::from_millis(1)).await;
        pieces.next().map(|piece| (Ok::<_, std::io::Error>(piece), pieces))
    }));
    Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
}

async fn api(State(seen): State<Seen>, request: Request) -> Response {
    let told = seen.note(request.headers(), request.uri().query().unwrap_or_default());
    let mut response = answer(&json!({ "told": told, "long": ".".repeat(1_900), "again": told }));
    if request.uri().path().ends_with("/refuses") {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    response
}

async fn moved(State(seen): State<Seen>, headers: HeaderMap) -> Response {
    seen.note(&headers, "");
    Response::builder()
        .status(StatusCode::TEMPORARY_REDIRECT)
        .header("location", &seen.elsewhere)
        .body(Body::empty())
        .unwrap()
}
