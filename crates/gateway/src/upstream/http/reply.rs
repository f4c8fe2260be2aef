//! The answer of a server behind, on its way to the caller: a few headers, and the body as it comes. What the server
//! says of its own credentials, cookies and connections concerns nobody but us.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::mcp::Method;
use bailiwick_net::scrub::{Scrubber, Stream};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::header::{
    ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;

use super::super::Trouble;
use crate::call::{Aim, Call, SESSION, Said};
use crate::gateway::Gateway;
use crate::listing::{Lens, Seen};
use crate::sse::{self, Splitter};
use crate::streams::Ticket;

/// How long a stream may be silent.
const IDLE: Duration = Duration::from_mins(5);
/// Up to how many bytes an answer is taken in whole.
const SHORT: u64 = 64 * 1024;
/// The longest listing, in bytes.
const MOST_LISTING: usize = 16 * 1024 * 1024;
const REVISION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// Gives an answer on.
pub(super) async fn give(
    gateway: &Arc<Gateway>,
    call: Call,
    answer: http::Response<Incoming>,
    scrubber: &Scrubber,
) -> Result<Response, Trouble> {
    let (parts, body) = answer.into_parts();
    let kind = acceptable(parts.status, &parts.headers)?;
    let mut headers = kept(&parts.headers, scrubber);
    if let Some(id) = session(gateway, &call, &parts)? {
        headers.insert(SESSION, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let listing = call.said().is_some_and(Said::lists_tools);
    let ticket = gateway.open_stream(&call);
    let lens = || Lens {
        gateway: Arc::clone(gateway),
        server: Arc::clone(&call.server),
        caller: call.caller.clone(),
        holder: call.holder.clone(),
    };
    let body = match kind {
        Kind::Events => {
            sse::announce(&mut headers);
            // A listing can also come late, on a stream that was resumed.
            if listing || matches!(call.aim, Aim::Listen) {
                events((body, ticket), lens(), listing, scrubber.stream())
            } else {
                through(body, ticket, scrubber.stream())
            }
        }
        Kind::Message if listing => Body::from(scrubber.whole(&message(body, &lens()).await?).into_owned()),
        // What is cleared may be shorter afterwards: with its length unsaid it would take two packets where one will do.
        Kind::Message | Kind::Other => {
            let said = body.size_hint().exact();
            if let Some(length) = said.filter(|length| *length <= SHORT && !scrubber.is_idle()) {
                Body::from(whole((body, length), &ticket, scrubber).await?)
            } else {
                let length = parts.headers.get(CONTENT_LENGTH).filter(|_| scrubber.is_idle());
                headers.extend(length.cloned().map(|length| (CONTENT_LENGTH, length)));
                through(body, ticket, scrubber.stream())
            }
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    *response.headers_mut() = headers;
    Ok(response)
}

enum Kind {
    Message,
    Events,
    /// An empty body, or a few words.
    Other,
}

/// Says what an answer is, where it is one that callers may see.
fn acceptable(status: StatusCode, headers: &HeaderMap) -> Result<Kind, Trouble> {
    if status.is_redirection() {
        let to = headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
        return Err(Trouble::Moved { status, to: to.to_owned() });
    }
    let closed = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::PROXY_AUTHENTICATION_REQUIRED];
    if closed.contains(&status) || headers.contains_key(WWW_AUTHENTICATE) {
        return Err(Trouble::Closed(status));
    }
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Trouble::Nonsense("it compressed an answer though nobody asked for that".to_owned()));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    match kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase().as_str() {
        "application/json" => Ok(Kind::Message),
        _ if status.is_server_error() => Err(Trouble::Down(format!("it answered {status}"))),
        "text/event-stream" => Ok(Kind::Events),
        "" | "text/plain" => Ok(Kind::Other),
        other => {
            Err(Trouble::Nonsense(format!("it answered {status} with {other}: is this the URL of an MCP server?")))
        }
    }
}

/// The headers that are given on.
fn kept(headers: &HeaderMap, scrubber: &Scrubber) -> HeaderMap {
    let kept = [CONTENT_TYPE, REVISION, ALLOW, RETRY_AFTER].into_iter();
    let kept = kept.chain((!holds(Control::CookieStrip)).then_some(SET_COOKIE));
    let clean = |value: &&HeaderValue| scrubber.whole(value.as_bytes()) == value.as_bytes();
    kept.filter_map(|name| headers.get(&name).filter(clean).cloned().map(|value| (name, value))).collect()
}

/// The session id for the caller: the one it knows already, or a new one sealed around the server's own.
fn session(gateway: &Gateway, call: &Call, answer: &Parts) -> Result<Option<HeaderValue>, Trouble> {
    let opens_urls = call.opens_urls();
    let inner = match answer.headers.get(SESSION).and_then(|id| id.to_str().ok()) {
        Some(inner) => inner,
        // The server keeps no sessions; what its client can do must be remembered all the same.
        None if opens_urls
            && answer.status.is_success()
            && call.said().is_some_and(|said| said.known == Method::Initialize) =>
        {
            ""
        }
        None => return Ok(None),
    };
    let outward = match &call.session {
        Some(session) if session.inner == inner => Some(session.outward.clone()),
        Some(_) | None => gateway.sessions.seal(&call.server.resource, &call.owner(), (inner, opens_urls)),
    };
    let outward = outward.and_then(|id| HeaderValue::try_from(id).ok());
    outward.map(Some).ok_or_else(|| Trouble::Nonsense("its session id is too long".to_owned()))
}

/// A short body of that length, cleared; nothing of one that was cut.
async fn whole((mut body, length): (Incoming, u64), ticket: &Ticket, scrubber: &Scrubber) -> Result<Vec<u8>, Trouble> {
    let mut read = BytesMut::new();
    while let Some(chunk) = next(&mut body, ticket).await {
        read.extend_from_slice(&chunk.map_err(|error| Trouble::Down(format!("its answer broke off: {error}")))?);
    }
    match u64::try_from(read.len()) {
        _ if !ticket.flows() => Ok(Vec::new()),
        Ok(got) if got == length => Ok(scrubber.whole(&read).into_owned()),
        Ok(_) | Err(_) => Err(Trouble::Slow("its answer never ended".to_owned())),
    }
}

/// The body as it comes, until it ends, falls silent or is cut.
fn through(body: Incoming, ticket: Ticket, scrub: Stream) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    Body::from_stream(stream::unfold(Some((body, ticket, scrub)), async |flow| {
        let (mut body, ticket, mut scrub) = flow?;
        loop {
            match next(&mut body, &ticket).await {
                Some(Ok(chunk)) => {
                    let clean = scrub.push(chunk);
                    if !clean.is_empty() {
                        return Some((Ok(clean), Some((body, ticket, scrub))));
                    }
                }
                Some(Err(error)) => return Some((Err(error), None)),
                None => return Some(scrub.finish()).filter(|rest| !rest.is_empty()).map(|rest| (Ok(rest), None)),
            }
        }
    }))
}

/// A stream of events, in which listings show what the caller may see.
fn events((body, ticket): (Incoming, Ticket), lens: Lens, strict: bool, scrub: Stream) -> Body {
    let events = Events { body: Some(body), splitter: Splitter::default(), ticket, lens, strict, scrub };
    Body::from_stream(stream::unfold(events, async |mut events| events.next().await.map(|chunk| (chunk, events))))
}

struct Events {
    /// Absent once it has ended or broken off.
    body: Option<Incoming>,
    splitter: Splitter,
    ticket: Ticket,
    lens: Lens,
    strict: bool,
    scrub: Stream,
}

impl Events {
    async fn next(&mut self) -> Option<Result<Bytes, std::io::Error>> {
        loop {
            let mut whole = BytesMut::new();
            while let Some(event) = self.splitter.next() {
                whole.extend_from_slice(&self.lens.see_event(event, self.strict).await);
            }
            let clean = self.scrub.push(whole.freeze());
            if !clean.is_empty() {
                return Some(Ok(clean));
            }
            match next(self.body.as_mut()?, &self.ticket).await {
                Some(Ok(chunk)) => {
                    if let Err(error) = self.splitter.push(&chunk) {
                        self.body = None;
                        return Some(Err(std::io::Error::other(error)));
                    }
                }
                Some(Err(error)) => {
                    self.body = None;
                    return Some(Err(error));
                }
                None => {
                    self.body = None;
                    // An event that was never finished is none, to whoever reads by the book.
                    let rest = self.splitter.rest();
                    let rest = if self.strict { Bytes::new() } else { self.scrub.push(rest) };
                    let rest = [rest, self.scrub.finish()].concat();
                    return (!rest.is_empty()).then_some(Ok(rest.into()));
                }
            }
        }
    }
}

/// A listing that came as one message.
async fn message(body: Incoming, lens: &Lens) -> Result<Vec<u8>, Trouble> {
    let whole = timeout(IDLE, Limited::new(body, MOST_LISTING).collect()).await;
    let whole = whole.map_err(|_| Trouble::Slow("its listing never ended".to_owned()))?;
    let whole = whole.map_err(|error| Trouble::Nonsense(format!("its listing cannot be read: {error}")))?.to_bytes();
    match lens.see(&whole).await {
        Seen::Listing(kept) => Ok(kept.into_bytes()),
        Seen::Other => Ok(whole.to_vec()),
        Seen::Unreadable => Err(Trouble::Nonsense("its listing is no JSON-RPC message".to_owned())),
    }
}

/// The next bytes; an error once the server broke off, nothing once it ended, fell silent or was cut.
async fn next(body: &mut Incoming, ticket: &Ticket) -> Option<Result<Bytes, std::io::Error>> {
    loop {
        let frame = tokio::select! {
            biased;
            () = ticket.cut() => return None,
            frame = timeout(IDLE, body.frame()) => frame,
        };
        match frame {
            // Trailers concern nobody.
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return ticket.flows().then_some(Ok(data));
                }
            }
            Ok(Some(Err(error))) => return Some(Err(std::io::Error::other(error))),
            Ok(None) | Err(_) => return None,
        }
    }
}
