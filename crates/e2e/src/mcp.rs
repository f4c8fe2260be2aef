//! A foreign MCP client, spelled out by hand (revision 2025-11-25).

use bailiwick_net::Http;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

/// What stands for the status of an answer that was cut off on its way, or never came.
pub const CUT_OFF: u16 = 599;

/// What the gateway answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// The challenge of a 401 or 403.
    pub fn challenge(&self) -> &str {
        self.headers.get(header::WWW_AUTHENTICATE).map_or("", |value| value.to_str().unwrap())
    }

    /// True when a tool ran and answered.
    pub fn is_result(&self) -> bool {
        self.status == StatusCode::OK && self.body["result"].is_object() && self.body["result"]["isError"] != true
    }

    /// The rule that refused, if the gateway says one.
    pub fn rule(&self) -> Option<&str> {
        self.body["result"]["_meta"]["bailiwick/rule"].as_str()
    }
}

/// One conversation.
#[derive(Clone)]
pub struct Mcp {
    pub url: String,
    pub token: Option<String>,
    pub session: Option<String>,
    pub headers: Vec<(String, String)>,
    http: Http,
}

impl Mcp {
    pub fn new(url: &str, token: Option<&str>) -> Self {
        Self {
            url: url.to_owned(),
            token: token.map(str::to_owned),
            session: None,
            headers: Vec::new(),
            http: Http::new(),
        }
    }

    /// Over this client from now on.
    #[must_use]
    pub fn over(mut self, http: Http) -> Self {
        self.http = http;
        self
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `initialize` and `initialized`; keeps the session.
    pub async fn begin(&mut self) -> Answer {
        let answer = self
            .request("initialize", json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "probe", "version": "1" } }))
            .await;
        self.session = answer.headers.get("mcp-session-id").map(|value| value.to_str().unwrap().to_owned());
        if answer.status == StatusCode::OK {
            self.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        }
        answer
    }

    /// The names a listing shows.
    pub async fn tools(&self) -> Vec<String> {
        let answer = self.request("tools/list", json!({})).await;
        let tools = answer.body["result"]["tools"].as_array().cloned().unwrap_or_default();
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    /// `tools/call`.
    pub async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// One request.
    pub async fn request(&self, method: &str, params: Value) -> Answer {
        self.send(json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })).await
    }

    /// One message.
    pub async fn send(&self, message: Value) -> Answer {
        self.raw(Method::POST, message.to_string()).await
    }

    /// One HTTP request.
    pub async fn raw(&self, method: Method, body: String) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(&self.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-11-25");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        match self.http.fetch(request, 8 << 20).await {
            Ok((parts, bytes)) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                Answer { status: parts.status, headers: parts.headers, body: message_in(&text), text }
            }
            Err(error) => Answer {
                status: StatusCode::from_u16(CUT_OFF).unwrap(),
                headers: HeaderMap::new(),
                body: Value::Null,
                text: error.to_string(),
            },
        }
    }
}

/// The answer in a JSON body or in the last event of a stream.
fn message_in(text: &str) -> Value {
    if let Ok(value) = serde_json::from_str(text) {
        return value;
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    data.filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .rfind(|value| value.get("id").is_some())
        .unwrap_or(Value::Null)
}
