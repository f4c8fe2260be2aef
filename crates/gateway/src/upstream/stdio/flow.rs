//! What a child says, as streams of events: one that answers a request, one that carries what belongs to none.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::{Child, Hung, Placed};
use crate::listing::Lens;
use crate::refuse::{Trail, rpc_body};
use crate::sse;
use crate::streams::Ticket;

/// How long a stream may be silent.
const IDLE: Duration = Duration::from_mins(5);
/// How often a silent stream shows that it is alive.
const ALIVE: Duration = Duration::from_secs(15);

/// What happens when the caller goes before the answer comes.
pub(super) struct Hangup {
    child: Arc<Child>,
    number: u64,
    then: Then,
}

#[derive(Clone, Copy)]
pub(super) enum Then {
    /// The child is told: since 2026-07-28 a caller that goes cancels its request.
    Cancel,
    /// The child goes on: before that it did not.
    Continue,
    /// The child ends: nobody will ever know the session it was started for.
    End,
}

impl Hangup {
    pub(super) fn new(child: Arc<Child>, number: u64, then: Then) -> Self {
        Self { child, number, then }
    }

    /// The answer came; now nothing happens.
    pub(super) fn answered(mut self) {
        self.then = Then::Continue;
    }
}

impl Drop for Hangup {
    fn drop(&mut self) {
        match self.then {
            Then::Cancel => self.child.forget(self.number, true),
            Then::Continue => {}
            Then::End => self.child.end(),
        }
    }
}

/// The stream that answers one request.
pub(super) struct Flow {
    /// For a listing: what the caller sees of it.
    pub(super) lens: Option<Lens>,
    pub(super) hangup: Hangup,
    pub(super) ticket: Ticket,
    /// What came before the stream began.
    pub(super) first: Option<String>,
    /// Absent once the stream is over.
    pub(super) placed: Option<Placed>,
    pub(super) trail: Trail,
}

impl Flow {
    /// The response that streams it.
    pub(super) fn into_response(self) -> Response {
        let state = (self, Instant::now());
        event_stream(Body::from_stream(stream::unfold(state, async |(mut flow, mut heard)| {
            let bytes = flow.next(&mut heard).await?;
            Some((Ok::<_, Infallible>(bytes), (flow, heard)))
        })))
    }

    async fn next(&mut self, heard: &mut Instant) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return self.ticket.flows().then(|| sse::message(&first));
        }
        let placed = self.placed.as_mut()?;
        let said = tokio::select! {
            biased;
            () = self.ticket.cut() => return None,
            Some(aside) = placed.asides.recv() => {
                *heard = Instant::now();
                return self.ticket.flows().then(|| sse::message(&aside));
            }
            answer = &mut placed.answer => answer.map_err(|_| Hung::Ended),
            () = sleep(ALIVE) => {
                if heard.elapsed() < IDLE {
                    return Some(sse::comment());
                }
                Err(Hung::Silent(IDLE))
            }
        };
        if !self.ticket.flows() {
            return None;
        }
        let mut out = Vec::new();
        // What came together with the answer goes before it.
        while let Ok(aside) = placed.asides.try_recv() {
            out.extend_from_slice(&sse::message(&aside));
        }
        self.placed = None;
        out.extend_from_slice(&sse::message(&self.last(said).await));
        Some(out.into())
    }

    /// What the stream ends with.
    async fn last(&mut self, said: Result<String, Hung>) -> String {
        let answer = match (said, &self.lens) {
            (Ok(answer), None) => Some(answer),
            (Ok(answer), Some(lens)) => lens.show(answer).await,
            (Err(hung), _) => {
                let (correlation, last_words) = (&self.trail.correlation, self.hangup.child.last_words());
                tracing::warn!(%correlation, reason = %hung, last_words, "a child did not answer");
                None
            }
        };
        if let Some(answer) = answer {
            self.hangup.then = Then::Continue;
            return answer;
        }
        let says = "the MCP server behind the gateway did not answer";
        String::from_utf8(rpc_body(-32603, says, &self.trail, json!({}))).unwrap_or_default()
    }
}

/// Streams what belongs to no request; nothing once the child has ended.
pub(super) fn listen(child: Arc<Child>, ticket: Ticket) -> Option<Response> {
    let listening = child.listen()?;
    let ear = Ear { child, number: listening.number, messages: listening.messages };
    Some(event_stream(Body::from_stream(stream::unfold((ear, ticket), async |(mut ear, ticket)| {
        let bytes = tokio::select! {
            () = ticket.cut() => return None,
            message = ear.messages.recv() => {
                let message = message?;
                ticket.flows().then(|| sse::message(&message))?
            }
            () = sleep(ALIVE) => sse::comment(),
        };
        Some((Ok::<_, Infallible>(bytes), (ear, ticket)))
    }))))
}

/// A listener; hushed when it goes.
struct Ear {
    child: Arc<Child>,
    number: u64,
    messages: mpsc::Receiver<String>,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.child.hush(self.number);
    }
}

fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    sse::announce(headers);
    response
}
