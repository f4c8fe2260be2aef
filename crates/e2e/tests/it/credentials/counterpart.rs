//! The other side of every credential: an MCP server, an API and an authorization server that write down what they are
//! sent, and a gate in front that only a certificate opens.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Json, Router};
use bailiwick_e2e::gate::Gate;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

/// One request, as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Arrived {
    /// Its method and its path, with the query.
    pub(super) line: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Arrived {
    /// The field of a form.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let mut fields = url::form_urlencoded::parse(self.body.as_bytes());
        fields.find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
    }

    /// Which MCP request it is, and of which tool.
    pub(super) fn rpc(&self) -> String {
        let message: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let words = [message["method"].as_str(), message["params"]["name"].as_str()];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

#[derive(Default)]
struct Inner {
    base: String,
    arrived: Mutex<Vec<Arrived>>,
    given: Mutex<usize>,
}

/// All of them, on one port, and the gate on another.
pub(super) struct Counterpart {
    pub(super) base: String,
    pub(super) gate: Gate,
    inner: Arc<Inner>,
    stop: CancellationToken,
}

impl Counterpart {
    /// Starts them; what opens the gate is left in that directory.
    pub(super) async fn start(directory: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let base = format!("http://{address}");
        let inner = Arc::new(Inner { base: base.clone(), ..Inner::default() });
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        let stop = CancellationToken::new();
        tokio::spawn(bailiwick_net::serve(bailiwick_net::Listener::Tcp(listener), routes, stop.clone()));
        let gate = Gate::start(address, directory).await;
        Self { base, gate, inner, stop }
    }

    /// Every request so far.
    pub(super) fn arrived(&self) -> Vec<Arrived> {
        self.inner.arrived.lock().unwrap().clone()
    }

    /// The token that was given last.
    pub(super) fn token(&self) -> String {
        token(*self.inner.given.lock().unwrap())
    }
}

impl Drop for Counterpart {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn token(number: usize) -> String {
    format!("given-{number}")
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    let arrived = Arrived { line: format!("{} {}", parts.method, parts.uri), headers: parts.headers, body };
    inner.arrived.lock().unwrap().push(arrived.clone());
    match parts.uri.path() {
        "/.well-known/oauth-authorization-server" => metadata(&inner.base).into_response(),
        // The one that says who it is promises so in its metadata.
        "/auth" => back(parts.uri.query().unwrap_or(""), Some(&inner.base)),
        "/authorize" => back(parts.uri.query().unwrap_or(""), None),
        "/token" => {
            let mut given = inner.given.lock().unwrap();
            *given += 1;
            let answer = json!({ "access_token": token(*given), "token_type": "Bearer", "expires_in": 3600 });
            Json(answer).into_response()
        }
        "/mcp" => mcp(&arrived),
        path if path.starts_with("/.well-known/") => StatusCode::NOT_FOUND.into_response(),
        _ => Json(json!({})).into_response(),
    }
}

fn metadata(base: &str) -> Json<Value> {
    Json(json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/auth"),
        "token_endpoint": format!("{base}/token"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

fn back(query: &str, issuer: Option<&str>) -> Response {
    let asked: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut url = Url::parse(&asked["redirect_uri"]).unwrap();
    url.query_pairs_mut().append_pair("code", "a-code").append_pair("state", &asked["state"]);
    if let Some(issuer) = issuer {
        url.query_pairs_mut().append_pair("iss", issuer);
    }
    Redirect::to(url.as_str()).into_response()
}

fn mcp(arrived: &Arrived) -> Response {
    let message: Value = serde_json::from_str(&arrived.body).unwrap_or_default();
    let tool = |name: &str, reads: bool| {
        json!({ "name": name, "inputSchema": { "type": "object" },
            "annotations": { "readOnlyHint": reads, "destructiveHint": false } })
    };
    let result = match message["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
            "serverInfo": { "name": "crm", "version": "1" } }),
        Some("tools/list") => json!({ "tools": [tool("look", true), tool("change", false)] }),
        Some("tools/call") => json!({ "content": [{ "type": "text", "text": "done" }] }),
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
}
