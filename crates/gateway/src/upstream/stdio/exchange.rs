//! One call of a child, as HTTP sees it: a message goes in, and one JSON object or a stream of events comes out.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bailiwick_domain::ids::{Id, Session};
use bailiwick_domain::mcp::{Envelope, Message, Method, Revision};
use bailiwick_domain::time::Timestamp;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use tokio::time::{sleep, timeout};

use super::flow::{self, Flow, Hangup, Then};
use super::{Asks, Child, Children, Hung, Own, Placed, Start};
use crate::call::{Aim, Call, SESSION, Said};
use crate::gateway::Gateway;
use crate::listing::Lens;
use crate::permit::Permit;
use crate::refuse::{Refusal, Trail};
use crate::upstream::Trouble;

/// How long a child may take over an answer that comes as one object.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first answer may have to wait until a package was downloaded.
const FIRST: Duration = Duration::from_mins(2);
/// How soon an answer must come to be one object where it could be a stream.
const SOON: Duration = Duration::from_secs(1);

/// Forwards a permitted call.
pub(crate) async fn forward(
    gateway: &Arc<Gateway>,
    children: &Children,
    permit: Permit,
    trail: &Trail,
) -> Result<Response, Refusal> {
    let call = permit.spend();
    let own = Own::of(gateway, children.program(), &call).await?;
    let now = gateway.clock.now();
    let child = child(gateway, children, (&call, own), now)?;
    child.touch(&call.caller, now);
    match &call.aim {
        Aim::Leave => {
            if !child.shared {
                child.end();
            }
            Ok(empty(StatusCode::NO_CONTENT))
        }
        Aim::Listen => {
            let ticket = gateway.open_stream(&call);
            flow::listen(child, ticket).ok_or(Refusal::NoSession)
        }
        Aim::Say(said) => {
            let envelope = Envelope::parse(&said.body)?;
            if said.id.is_some() {
                return Exchange { gateway, call: &call, said, child, trail }.ask(&envelope.line()).await;
            }
            child.pass(&envelope.line()).await.map_err(Trouble::from)?;
            Ok(empty(StatusCode::ACCEPTED))
        }
    }
}

/// The child that is meant: a new one for a handshake, the session's, or the owner's where requests stand alone.
fn child(
    gateway: &Gateway,
    children: &Children,
    (call, own): (&Call, Own),
    now: Timestamp,
) -> Result<Arc<Child>, Refusal> {
    let failed = |start| match start {
        Start::Crowded => Refusal::Crowded,
        Start::Failed(says) => Refusal::Upstream(Trouble::Down(says)),
    };
    if let Some(session) = &call.session {
        return children.of_session(&session.inner, &own).ok_or(Refusal::NoSession);
    }
    let asks = Asks { owner: call.owner(), caller: call.caller.clone(), own };
    if call.said().is_some_and(|said| said.known == Method::Initialize) {
        let id: Id<Session> = Id::draw(gateway.entropy.as_ref());
        return children.start(id.as_str().to_owned(), asks, now).map_err(failed);
    }
    if !call.revision.is_some_and(Revision::is_modern) {
        return Err(Refusal::SessionNeeded);
    }
    children.of_owner(asks, now).map_err(failed)
}

/// A request in the making.
struct Exchange<'a> {
    gateway: &'a Arc<Gateway>,
    call: &'a Call,
    said: &'a Said,
    child: Arc<Child>,
    trail: &'a Trail,
}

impl Exchange<'_> {
    async fn ask(self, line: &str) -> Result<Response, Refusal> {
        // A handshake's answer names the session in its head, so its head must wait for it.
        let streams = self.call.accepts("text/event-stream") && !self.shakes_hands();
        let placed = self.child.ask(line, streams).await.map_err(Trouble::from)?;
        if streams { self.stream(placed).await } else { self.object(placed).await }
    }

    /// Waits for the answer and gives it as one object.
    async fn object(self, placed: Placed) -> Result<Response, Refusal> {
        let patience = if self.shakes_hands() { FIRST } else { PATIENCE };
        let hangup = self.hangup(placed.number);
        match timeout(patience, placed.answer).await {
            Ok(Ok(answer)) => {
                hangup.answered();
                self.give(answer).await
            }
            Ok(Err(_)) => Err(self.lost(&Hung::Ended).into()),
            Err(_) => {
                self.child.forget(placed.number, !self.shakes_hands());
                Err(self.lost(&Hung::Silent(patience)).into())
            }
        }
    }

    /// Streams what comes before the answer, then the answer. One that comes soon and alone is given as one object.
    async fn stream(self, mut placed: Placed) -> Result<Response, Refusal> {
        let hangup = self.hangup(placed.number);
        let soon =
            if self.call.accepts("application/json") || self.call.accepts("*/*") { SOON } else { Duration::ZERO };
        let first = tokio::select! {
            biased;
            Some(aside) = placed.asides.recv() => Some(aside),
            answer = &mut placed.answer, if !soon.is_zero() => {
                hangup.answered();
                return match answer {
                    Ok(answer) => self.give(answer).await,
                    Err(_) => Err(self.lost(&Hung::Ended).into()),
                };
            }
            () = sleep(soon) => None,
        };
        let flow = Flow {
            lens: self.said.lists_tools().then(|| self.lens()),
            hangup,
            ticket: self.gateway.open_stream(self.call),
            first,
            placed: Some(placed),
            trail: self.trail.clone(),
        };
        Ok(flow.into_response())
    }

    /// Gives an answer as one object.
    async fn give(&self, answer: String) -> Result<Response, Refusal> {
        let answer = if self.said.lists_tools() {
            self.lens().show(answer).await.ok_or_else(|| nonsense("its listing cannot be read"))?
        } else {
            answer
        };
        let session = if self.shakes_hands() { self.welcome(&answer)? } else { None };
        let modern = self.call.revision.is_some_and(Revision::is_modern);
        let status = if modern { modern_status(&answer) } else { StatusCode::OK };
        let mut response = Response::new(Body::from(answer));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.extend(session.map(|id| (SESSION, id)));
        Ok(response)
    }

    /// A handshake that succeeded opens a session; one that failed leaves no child behind.
    fn welcome(&self, answer: &str) -> Result<Option<HeaderValue>, Refusal> {
        let envelope = Envelope::parse(answer.as_bytes());
        if !envelope.is_ok_and(|envelope| matches!(envelope.message(), Message::Response { result: Some(_), .. })) {
            if !self.child.shared {
                self.child.end();
            }
            return Ok(None);
        }
        let inner = (self.child.id.as_str(), self.said.opens_urls);
        let id = self.gateway.sessions.seal(&self.call.server.resource, &self.call.owner(), inner);
        let id = id.and_then(|id| HeaderValue::try_from(id).ok());
        id.map(Some).ok_or_else(|| nonsense("its session has no id"))
    }

    fn shakes_hands(&self) -> bool {
        self.said.known == Method::Initialize
    }

    fn hangup(&self, number: u64) -> Hangup {
        let then = match self.call.revision {
            _ if self.shakes_hands() && !self.child.shared => Then::End,
            Some(revision) if revision.is_modern() => Then::Cancel,
            Some(_) | None => Then::Continue,
        };
        Hangup::new(Arc::clone(&self.child), number, then)
    }

    fn lens(&self) -> Lens {
        Lens {
            gateway: Arc::clone(self.gateway),
            server: Arc::clone(&self.call.server),
            caller: self.call.caller.clone(),
            holder: self.call.holder.clone(),
        }
    }

    fn lost(&self, hung: &Hung) -> Trouble {
        let says = format!("{hung}; it last said: {:?}", self.child.last_words());
        match hung {
            Hung::Ended => Trouble::Down(says),
            Hung::Silent(_) => Trouble::Slow(says),
        }
    }
}

/// The HTTP status that an error has since 2026-07-28.
fn modern_status(answer: &str) -> StatusCode {
    #[derive(Deserialize)]
    struct Answer {
        error: Option<Fault>,
    }
    #[derive(Deserialize)]
    struct Fault {
        code: i64,
    }
    let answer = serde_json::from_str::<Answer>(answer).ok();
    match answer.and_then(|answer| answer.error).map(|fault| fault.code) {
        Some(-32601) => StatusCode::NOT_FOUND,
        Some(-32022..=-32020) => StatusCode::BAD_REQUEST,
        Some(_) | None => StatusCode::OK,
    }
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn nonsense(says: &str) -> Refusal {
    Trouble::Nonsense(says.to_owned()).into()
}
