//! Asking a server over HTTP.

use std::time::Duration;

use bailiwick_broker::Obtained;
use bailiwick_domain::mcp::{Envelope, Id, Message, Revision};
use bailiwick_net::Http;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::survey::{Conversation, Mute};
use crate::call::SESSION;
use crate::credential;
use crate::gateway::Gateway;
use crate::hosted::Hosted;
use crate::sse::{self, MOST_EVENT, Splitter};
use crate::upstream;
use crate::upstream::http::with_query;

/// How long an answer may take to come whole.
const PATIENCE: Duration = Duration::from_secs(30);
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A conversation over HTTP.
pub(super) struct Talk {
    http: Http,
    uri: Uri,
    own: HeaderMap,
    session: Option<HeaderValue>,
    revision: Option<Revision>,
    last: u64,
}

impl Talk {
    /// A conversation with the server at that URL, to which this credential is shown.
    pub(super) fn to(gateway: &Gateway, server: &Hosted, (uri, shown): (&Uri, &Obtained)) -> Self {
        let http = shown.http.as_ref().unwrap_or(&gateway.http).clone();
        let (uri, own) = (with_query(uri, &shown.query), credential::headers(server, shown));
        Self { http, uri, own, session: None, revision: None, last: 0 }
    }

    async fn send(&self, method: Method, about: Option<&str>, body: String) -> Result<Response<Incoming>, Mute> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, upstream::http::USER_AGENT);
        headers.insert(ACCEPT, BOTH);
        headers.insert(CONTENT_TYPE, JSON);
        headers.extend(self.own.clone());
        if let Some(session) = &self.session {
            headers.insert(SESSION, session.clone());
        }
        if let Some(revision) = self.revision {
            headers.insert("mcp-protocol-version", HeaderValue::from_static(revision.as_str()));
            if let Some(about) = about.filter(|_| revision.is_modern()).and_then(|about| about.try_into().ok()) {
                headers.insert("mcp-method", about);
            }
        }
        self.http.send(request).await.map_err(|error| Mute::Unreachable(error.to_string()))
    }
}

impl Conversation for Talk {
    async fn ask(&mut self, method: &str, params: Value) -> Result<Box<RawValue>, Mute> {
        self.last += 1;
        let body = json!({ "jsonrpc": "2.0", "id": self.last, "method": method, "params": params }).to_string();
        let (parts, body) = self.send(Method::POST, Some(method), body).await?.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        let events = kind.to_ascii_lowercase().starts_with("text/event-stream");
        if parts.status.is_success() {
            if let Some(session) = parts.headers.get(SESSION) {
                self.session = Some(session.clone());
            }
        } else if !kind.starts_with("application/json") {
            return Err(refused(parts.status));
        }
        let answer = timeout(PATIENCE, answer(body, events, &Id::number(self.last))).await;
        let answer = answer.map_err(|_| Mute::Unreachable("it did not answer in time".to_owned()))?;
        match answer {
            Err(Mute::Unreachable(_)) if !parts.status.is_success() => Err(refused(parts.status)),
            answer => answer,
        }
    }

    async fn tell(&mut self, method: &str) -> Result<(), Mute> {
        let body = json!({ "jsonrpc": "2.0", "method": method }).to_string();
        let response = self.send(Method::POST, Some(method), body).await?;
        let status = response.status();
        // Read to its end, so that the connection can be used again.
        drop(timeout(PATIENCE, response.into_body().collect()).await);
        if status.is_success() { Ok(()) } else { Err(refused(status)) }
    }

    fn settle(&mut self, revision: Revision) {
        self.revision = Some(revision);
    }

    async fn leave(&mut self) {
        if self.session.is_some() {
            // A server need not let sessions be ended.
            drop(self.send(Method::DELETE, None, String::new()).await);
        }
    }
}

fn refused(status: StatusCode) -> Mute {
    match status {
        // What servers without handshakes say to one, in a body that is not theirs to read.
        StatusCode::BAD_REQUEST => Mute::Refused(-32600),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Mute::Closed(status),
        StatusCode::NOT_FOUND => Mute::Unreachable(format!("it answered {status}: is this the URL of an MCP server?")),
        other => Mute::Unreachable(format!("it answered {other}")),
    }
}

/// The answer to that request, in one object or in a stream of events.
async fn answer(mut body: Incoming, events: bool, id: &Id) -> Result<Box<RawValue>, Mute> {
    let (mut splitter, mut whole) = (Splitter::default(), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Mute::Unreachable(format!("its answer broke off: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        if !events {
            whole.extend_from_slice(&data);
            if whole.len() > MOST_EVENT {
                return Err(Mute::Unreachable("its answer is too long".to_owned()));
            }
            continue;
        }
        splitter.push(&data).map_err(|error| Mute::Unreachable(error.to_string()))?;
        while let Some(event) = splitter.next() {
            if let Some(found) = sse::data(&event).and_then(|data| result(&data, id)) {
                return found;
            }
        }
    }
    result(&whole, id).unwrap_or_else(|| Err(Mute::Unreachable("it gave no answer".to_owned())))
}

/// What a message says to that request; nothing where it is another.
pub(super) fn result(message: &[u8], id: &Id) -> Option<Result<Box<RawValue>, Mute>> {
    let envelope = Envelope::parse(message).ok()?;
    let Message::Response { id: answered, result, error } = envelope.message() else {
        return None;
    };
    match (result, error) {
        (Some(result), _) if answered.as_ref() == Some(id) => Some(Ok((*result).to_owned())),
        (None, Some(error)) if answered.as_ref().is_none_or(|answered| answered == id) => {
            let error: Value = serde_json::from_str(error.get()).unwrap_or_default();
            Some(Err(Mute::Refused(error.get("code").and_then(Value::as_i64).unwrap_or(-32603))))
        }
        _ => None,
    }
}
