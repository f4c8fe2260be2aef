//! A small server that is both: an MCP server that wants tokens, and the authorization server that grants them.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::form_urlencoded;

/// What happened, and what shall happen.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) logins: u32,
    pub(crate) registrations: u32,
    pub(crate) refreshes: u32,
    pub(crate) revoked: Vec<String>,
    pub(crate) asked_scopes: Vec<String>,
    pub(crate) pongs: u32,
    pub(crate) sessions_opened: u32,
    pub(crate) refuses_refresh: bool,
    pub(crate) grants_no_more_than: Option<String>,
    /// Access token → scope.
    pub(crate) access: BTreeMap<String, String>,
    pub(crate) sessions: BTreeSet<String>,
    codes: BTreeMap<String, (String, String)>,
    drawn: u32,
}

#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) origin: String,
    state: Arc<Mutex<State>>,
}

type Reply = Response<Full<Bytes>>;

impl Fixture {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let fixture = Self { origin, state: Arc::default() };
        tokio::spawn(fixture.clone().serve(listener));
        fixture
    }

    async fn serve(self, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let fixture = self.clone();
            let service = service_fn(move |request| fixture.clone().answer(request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Reply, Infallible> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let form: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
        let query = parts.uri.query().unwrap_or_default();
        let query: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let origin = &self.origin;
        Ok(match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/.well-known/oauth-protected-resource/mcp") => json_reply(&json!({
                "resource": format!("{origin}/mcp"), "authorization_servers": [origin],
                "scopes_supported": ["x:read", "x:destroy"], "resource_name": "Fixture",
            })),
            (&Method::GET, "/.well-known/oauth-authorization-server") => json_reply(&json!({
                "issuer": origin, "authorization_endpoint": format!("{origin}/authorize"),
                "token_endpoint": format!("{origin}/token"), "registration_endpoint": format!("{origin}/register"),
                "revocation_endpoint": format!("{origin}/revoke"), "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": true,
                "token_endpoint_auth_methods_supported": ["none"],
            })),
            (&Method::POST, "/register") => {
                let mut state = self.state();
                state.registrations += 1;
                json_reply(&json!({ "client_id": format!("client-{}", state.registrations) }))
            }
            (&Method::GET, "/authorize") => self.authorize(&query),
            (&Method::POST, "/token") => self.token(&form),
            (&Method::POST, "/revoke") => {
                self.state().revoked.push(form["token"].clone());
                empty(StatusCode::OK)
            }
            (&Method::DELETE, "/mcp") => empty(StatusCode::NO_CONTENT),
            (&Method::POST, "/mcp") => self.mcp(&parts.headers, &body),
            _ => empty(StatusCode::NOT_FOUND),
        })
    }

    fn authorize(&self, query: &BTreeMap<String, String>) -> Reply {
        let mut state = self.state();
        state.logins += 1;
        state.drawn += 1;
        let code = format!("code-{}", state.drawn);
        let asked = query.get("scope").cloned().unwrap_or_default();
        let granted = state.grants_no_more_than.clone().unwrap_or_else(|| asked.clone());
        state.asked_scopes.push(asked);
        state.codes.insert(code.clone(), (query["code_challenge"].clone(), granted));
        let back = form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &query["state"])
            .append_pair("iss", &self.origin)
            .finish();
        let to = format!("{}?{back}", query["redirect_uri"]);
        Response::builder().status(302).header("location", to).body(Full::default()).unwrap()
    }

    fn token(&self, form: &BTreeMap<String, String>) -> Reply {
        let mut state = self.state();
        assert_eq!(form["resource"], format!("{}/mcp", self.origin));
        let scope = if form["grant_type"] == "refresh_token" {
            state.refreshes += 1;
            if state.refuses_refresh {
                return status(StatusCode::BAD_REQUEST, &json!({ "error": "invalid_grant" }));
            }
            "x:read".to_owned()
        } else {
            let verifier = bailiwick_domain::pkce::Verifier::parse(&form["code_verifier"]).unwrap();
            let (challenge, scope) = state.codes.remove(&form["code"]).unwrap();
            assert_eq!(challenge, verifier.challenge().as_str());
            scope
        };
        state.drawn += 1;
        let (access, refresh) = (format!("access-{}", state.drawn), format!("refresh-{}", state.drawn));
        state.access.insert(access.clone(), scope.clone());
        json_reply(&json!({
            "access_token": access, "token_type": "Bearer", "expires_in": 300, "refresh_token": refresh, "scope": scope,
        }))
    }

    fn mcp(&self, headers: &http::HeaderMap, body: &[u8]) -> Reply {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut state = self.state();
        let Some(scope) =
            text("authorization").strip_prefix("Bearer ").and_then(|token| state.access.get(token)).cloned()
        else {
            return challenge(StatusCode::UNAUTHORIZED, r#"scope="x:read""#, &self.origin);
        };
        let message: Value = serde_json::from_slice(body).unwrap();
        let (id, method) = (&message["id"], message["method"].as_str().unwrap_or_default());
        if method == "initialize" {
            state.sessions_opened += 1;
            let session = format!("session-{}", state.sessions_opened);
            state.sessions.insert(session.clone());
            let mut reply = result(id, &json!({ "protocolVersion": "2025-11-25", "capabilities": {} }));
            reply.headers_mut().insert("mcp-session-id", session.parse().unwrap());
            return reply;
        }
        if !state.sessions.contains(text("mcp-session-id")) {
            return empty(StatusCode::NOT_FOUND);
        }
        assert_eq!(text("mcp-protocol-version"), "2025-11-25");
        match (method, message["params"]["name"].as_str().unwrap_or_default()) {
            ("", _) => {
                state.pongs += u32::from(message["id"] == "ping-1" && message.get("result").is_some());
                empty(StatusCode::ACCEPTED)
            }
            ("tools/list", _) => result(id, &page(&message["params"])),
            ("tools/call", "destroy") if !scope.contains("x:destroy") => {
                let says = r#"error="insufficient_scope", scope="x:destroy""#;
                challenge(StatusCode::FORBIDDEN, says, &self.origin)
            }
            ("tools/call", "stream") => streamed(id),
            ("tools/call", name) => {
                let said = format!("{name} {}", message["params"]["arguments"]);
                result(id, &json!({ "content": [{ "type": "text", "text": said }] }))
            }
            _ => empty(StatusCode::ACCEPTED),
        }
    }
}

fn page(params: &Value) -> Value {
    let tool = |name: &str| {
        let properties = json!({ "count": { "type": "integer" } });
        json!({ "name": name, "inputSchema": { "type": "object", "properties": properties } })
    };
    if params["cursor"] == "two" {
        json!({ "tools": [tool("destroy")] })
    } else {
        json!({ "tools": [tool("list")], "nextCursor": "two" })
    }
}

fn streamed(id: &Value) -> Reply {
    let ping = json!({ "jsonrpc": "2.0", "id": "ping-1", "method": "ping" });
    let content = json!({ "content": [{ "type": "text", "text": "streamed" }] });
    let answer = json!({ "jsonrpc": "2.0", "id": id, "result": content });
    let body = format!(": hello\r\n\r\ndata: {ping}\r\n\r\nevent: message\ndata: {answer}\n\n");
    Response::builder().header("content-type", "text/event-stream").body(Full::from(body)).unwrap()
}

fn challenge(status: StatusCode, rest: &str, origin: &str) -> Reply {
    let metadata = format!("{origin}/.well-known/oauth-protected-resource/mcp");
    let value = format!(r#"Bearer resource_metadata="{metadata}", {rest}"#);
    Response::builder().status(status).header("www-authenticate", value).body(Full::default()).unwrap()
}

fn result(id: &Value, result: &Value) -> Reply {
    json_reply(&json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

fn json_reply(body: &Value) -> Reply {
    status(StatusCode::OK, body)
}

fn status(status: StatusCode, body: &Value) -> Reply {
    let builder = Response::builder().status(status).header("content-type", "application/json");
    builder.body(Full::from(body.to_string())).unwrap()
}

fn empty(status: StatusCode) -> Reply {
    Response::builder().status(status).body(Full::default()).unwrap()
}
