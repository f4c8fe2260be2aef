//! A session with one server: the handshake, requests and their answers, streams taken up again where they broke.

use std::time::Duration;

use bailiwick_net::Http;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Builder;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::sse::SseReader;
use super::trouble::Trouble;
use crate::ask;
use crate::challenge::Challenge;
use crate::server_url::ServerUrl;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const REVISION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The revisions spoken, the preferred one first.
const REVISIONS: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];
/// The longest answer taken.
const MOST: usize = 16 * 1024 * 1024;
/// How long an answer may pause.
const IDLE: Duration = Duration::from_mins(5);
/// How long a server may make us wait before a stream is taken up again.
const MOST_RETRY: Duration = Duration::from_secs(30);
/// How often one answer's stream is taken up again.
const MOST_RESUMES: usize = 20;

/// Where requests go, and as whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire<'a> {
    pub(crate) http: &'a Http,
    pub(crate) server: &'a ServerUrl,
    pub(crate) bearer: Option<&'a HeaderValue>,
}

/// An initialised session.
#[derive(Debug)]
pub(crate) struct Session {
    id: Option<HeaderValue>,
    revision: Option<HeaderValue>,
    next: u64,
}

/// Asks for a session without a token, to see who guards the server.
pub(crate) async fn knock(
    http: &Http,
    server: &ServerUrl,
) -> Result<(StatusCode, Option<Challenge>), bailiwick_net::HttpError> {
    let wire = Wire { http, server, bearer: None };
    let body = message(1, "initialize", &hello());
    let builder = Session::new().decorated(wire, Method::POST).header(CONTENT_TYPE, "application/json");
    let response = http.send(ask::with_body(builder, body)?).await?;
    Ok((response.status(), Challenge::of(response.headers())))
}

impl Session {
    fn new() -> Self {
        Self { id: None, revision: None, next: 1 }
    }

    /// Does the handshake.
    pub(crate) async fn open(wire: Wire<'_>) -> Result<Self, Trouble> {
        let mut session = Self::new();
        let body = message(session.next, "initialize", &hello());
        let response = session.post(wire, body).await?;
        session.id = response.headers().get(&SESSION_ID).cloned();
        let result = session.answer(wire, response).await?;
        let revision = result.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
        let known = REVISIONS.into_iter().find(|known| *known == revision);
        session.revision =
            Some(HeaderValue::from_static(known.ok_or(Trouble::Malformed("it speaks no revision of MCP that we do"))?));
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        session.post(wire, note.to_string().into_bytes()).await?;
        Ok(session)
    }

    /// Sends one request and waits for its result.
    pub(crate) async fn request(&mut self, wire: Wire<'_>, method: &str, params: &Value) -> Result<Value, Trouble> {
        self.next += 1;
        let response = self.post(wire, message(self.next, method, params)).await?;
        self.answer(wire, response).await
    }

    /// Tells the server that we are done; whether it minds is its own affair.
    pub(crate) async fn close(self, wire: Wire<'_>) {
        if self.id.is_none() {
            return;
        }
        if let Ok(request) = ask::with_body(self.decorated(wire, Method::DELETE), Vec::new()) {
            let _ = timeout(Duration::from_secs(2), wire.http.send(request)).await;
        }
    }

    fn decorated(&self, wire: Wire<'_>, method: Method) -> Builder {
        let mut builder = ask::request(method, wire.server.url()).header(ACCEPT, "application/json, text/event-stream");
        for (name, value) in
            [(AUTHORIZATION, wire.bearer), (SESSION_ID, self.id.as_ref()), (REVISION, self.revision.as_ref())]
        {
            if let Some(value) = value {
                builder = builder.header(name, value);
            }
        }
        builder
    }

    async fn post(&self, wire: Wire<'_>, body: Vec<u8>) -> Result<Response<Incoming>, Trouble> {
        let builder = self.decorated(wire, Method::POST).header(CONTENT_TYPE, "application/json");
        self.judged(wire.http.send(ask::with_body(builder, body)?).await?).await
    }

    /// Sorts an answer's status.
    async fn judged(&self, response: Response<Incoming>) -> Result<Response<Incoming>, Trouble> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let challenge = Challenge::of(response.headers());
        let body = whole(response).await.unwrap_or_default();
        Err(match (status, challenge) {
            (StatusCode::UNAUTHORIZED, challenge) => Trouble::Unauthorized(challenge),
            (StatusCode::FORBIDDEN, Some(challenge)) if challenge.asks_for_scope() => {
                Trouble::Scope(challenge, Trouble::rule_in(&body))
            }
            (StatusCode::NOT_FOUND, _) if self.id.is_some() => Trouble::Gone,
            (status, _) => Trouble::of_status(status.as_u16(), &body),
        })
    }

    /// Reads the answer to the last request, whatever its form.
    async fn answer(&self, wire: Wire<'_>, response: Response<Incoming>) -> Result<Value, Trouble> {
        let form = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let form = form.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match form.as_str() {
            "application/json" => {
                let body = whole(response).await?;
                let message = serde_json::from_slice(&body).map_err(|_| Trouble::Malformed("it is not JSON"))?;
                self.result_in(message).unwrap_or(Err(Trouble::Malformed("it answers another request")))
            }
            "text/event-stream" => self.streamed(wire, response).await,
            _ => Err(Trouble::Malformed("it is neither JSON nor an event stream")),
        }
    }

    async fn streamed(&self, wire: Wire<'_>, response: Response<Incoming>) -> Result<Value, Trouble> {
        let mut reader = SseReader::default();
        let mut response = response;
        for _ in 0..MOST_RESUMES {
            if let Some(result) = self.read_stream(wire, response, &mut reader).await? {
                return result;
            }
            let Some(id) = reader.last_id.as_deref().and_then(|id| HeaderValue::from_str(id).ok()) else {
                return Err(Trouble::Malformed("its stream ended before the answer"));
            };
            let wait = reader.retry.map_or(Duration::from_secs(1), Duration::from_millis);
            sleep(wait.min(MOST_RETRY)).await;
            let builder = self.decorated(wire, Method::GET).header(LAST_EVENT_ID, id);
            response = self.judged(wire.http.send(ask::with_body(builder, Vec::new())?).await?).await?;
            reader = reader.resumed();
        }
        Err(Trouble::Malformed("its stream broke too often"))
    }

    /// Reads one stream until our answer or its end.
    async fn read_stream(
        &self,
        wire: Wire<'_>,
        response: Response<Incoming>,
        reader: &mut SseReader,
    ) -> Result<Option<Result<Value, Trouble>>, Trouble> {
        let mut body = response.into_body();
        loop {
            let frame = timeout(IDLE, body.frame()).await.map_err(|_| Trouble::Malformed("its stream fell silent"))?;
            // A broken stream is taken up again like one that ended.
            let Some(Ok(frame)) = frame else {
                return Ok(None);
            };
            let Some(bytes) = frame.data_ref() else {
                continue;
            };
            let events = reader.push(bytes).map_err(|_| Trouble::Malformed("an event is too long"))?;
            for message in events.iter().filter_map(|event| serde_json::from_str::<Value>(&event.data).ok()) {
                if message.get("method").is_some() {
                    self.serve(wire, &message).await;
                } else if let Some(result) = self.result_in(message) {
                    return Ok(Some(result));
                }
            }
        }
    }

    /// Answers what the server asks of us: a ping; nothing else is offered.
    async fn serve(&self, wire: Wire<'_>, asked: &Value) {
        let Some(id) = asked.get("id") else { return };
        let answer = if asked.get("method").and_then(Value::as_str) == Some("ping") {
            json!({ "jsonrpc": "2.0", "id": id, "result": {} })
        } else {
            let error = json!({ "code": -32601, "message": "this client offers no such method" });
            json!({ "jsonrpc": "2.0", "id": id, "error": error })
        };
        if let Err(error) = self.post(wire, answer.to_string().into_bytes()).await {
            tracing::debug!(%error, "the server did not take our answer");
        }
    }

    /// The outcome in `message`, if it is the answer to the last request.
    fn result_in(&self, mut message: Value) -> Option<Result<Value, Trouble>> {
        let ours = message.get("id").and_then(Value::as_u64) == Some(self.next);
        let anonymous = message.get("id").is_none_or(Value::is_null) && message.get("error").is_some();
        if !ours && !anonymous {
            return None;
        }
        if let Some(error) = message.get("error") {
            return Some(Err(Trouble::told(error)));
        }
        let result = message.get_mut("result").map(Value::take);
        Some(result.ok_or(Trouble::Malformed("it carries neither result nor error")))
    }
}

fn hello() -> Value {
    let [revision, ..] = REVISIONS;
    json!({
        "protocolVersion": revision,
        "capabilities": {},
        "clientInfo": { "name": "bailiwick", "title": "Bailiwick CLI", "version": env!("CARGO_PKG_VERSION") },
    })
}

fn message(id: u64, method: &str, params: &Value) -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string().into_bytes()
}

async fn whole(response: Response<Incoming>) -> Result<bytes::Bytes, Trouble> {
    let body = timeout(IDLE, Limited::new(response.into_body(), MOST).collect()).await;
    let body = body.map_err(|_| Trouble::Malformed("it did not end"))?;
    body.map(http_body_util::Collected::to_bytes).map_err(|_| Trouble::Malformed("it broke off or is too long"))
}
