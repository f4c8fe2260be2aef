//! One call of a child, as HTTP sees it: a message goes in, and one JSON object or a stream of events comes out.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bailiwick_domain::ids::{Id, Session};
use bailiwick_domain::mcp::{Envelope, Method, Revision};
use bailiwick_domain::time::Timestamp;
use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::{Child, Children, Hung, Placed, Start};
use crate::call::{Aim, Call, SESSION, Said};
use crate::gateway::Gateway;
use crate::listing::{Lens, Seen};
use crate::permit::Permit;
use crate::refuse::{Refusal, Trail, rpc_body};
use crate::sse;
use crate::streams::Ticket;
use crate::upstream::Trouble;

/// How long a child may take over an answer that comes as one object.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first answer may have to wait until a package was downloaded.
const FIRST: Duration = Duration::from_mins(2);
/// How long a stream may be silent.
const IDLE: Duration = Duration::from_mins(5);
/// How often a silent stream shows that it is alive.
const ALIVE: Duration = Duration::from_secs(15);

/// Forwards a permitted call.
pub(crate) async fn forward(
    gateway: &Arc<Gateway>,
    children: &Children,
    permit: Permit,
    trail: &Trail,
) -> Result<Response, Refusal> {
    let call = permit.spend();
    let now = gateway.clock.now();
    let child = child(gateway, children, &call, now)?;
    child.touch(&call.caller, now);
    match &call.aim {
        Aim::Leave => {
            child.end();
            Ok(empty(StatusCode::NO_CONTENT))
        }
        Aim::Listen => listen(gateway, &call, child),
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
fn child(gateway: &Gateway, children: &Children, call: &Call, now: Timestamp) -> Result<Arc<Child>, Refusal> {
    let failed = |start| match start {
        Start::Crowded => Refusal::Crowded,
        Start::Failed(says) => Refusal::Upstream(Trouble::Down(says)),
    };
    if let Some(session) = &call.session {
        return children.of_session(&session.inner).ok_or(Refusal::NoSession);
    }
    if call.said().is_some_and(|said| said.known == Method::Initialize) {
        let id: Id<Session> = Id::draw(gateway.entropy.as_ref());
        return children.start(id.as_str().to_owned(), call.owner(), call.caller.clone(), now).map_err(failed);
    }
    if !call.revision.is_some_and(Revision::is_modern) {
        return Err(Refusal::SessionNeeded);
    }
    children.of_owner(&call.owner(), &call.caller, now).map_err(failed)
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
        let streaming = self.call.accepts("text/event-stream") && !is_quick(self.said.known);
        let placed = self.child.ask(line, streaming).await.map_err(Trouble::from)?;
        if streaming { Ok(self.stream(placed)) } else { self.object(placed).await }
    }

    /// Waits for the answer and gives it as one object.
    async fn object(self, placed: Placed) -> Result<Response, Refusal> {
        let first = self.said.known == Method::Initialize;
        let patience = if first { FIRST } else { PATIENCE };
        let hangup = self.hangup(placed.number);
        let answer = match timeout(patience, placed.answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => return Err(self.lost(&Hung::Ended).into()),
            Err(_) => {
                hangup.child.forget(placed.number, !first);
                return Err(self.lost(&Hung::Silent(patience)).into());
            }
        };
        hangup.answered();
        let answer = if self.said.lists_tools() {
            shown(&self.lens(), answer).await.ok_or_else(|| nonsense("its listing cannot be read"))?
        } else {
            answer
        };
        let mut response = Response::new(Body::from(answer.clone()));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if first {
            self.welcome(&answer, &mut response)?;
        }
        Ok(response)
    }

    /// A handshake that succeeded opens a session; one that failed leaves no child behind.
    fn welcome(&self, answer: &str, response: &mut Response) -> Result<(), Refusal> {
        let succeeded = Envelope::parse(answer.as_bytes()).is_ok_and(|envelope| {
            matches!(envelope.message(), bailiwick_domain::mcp::Message::Response { result: Some(_), .. })
        });
        if !succeeded {
            self.child.end();
            return Ok(());
        }
        let id = self.gateway.sessions.seal(&self.call.server.resource, &self.call.owner(), &self.child.id);
        let id = id.and_then(|id| HeaderValue::try_from(id).ok()).ok_or_else(|| nonsense("its session has no id"))?;
        response.headers_mut().insert(SESSION, id);
        Ok(())
    }

    /// Streams what comes before the answer, then the answer.
    fn stream(self, placed: Placed) -> Response {
        let flow = Flow {
            lens: self.said.lists_tools().then(|| self.lens()),
            hangup: self.hangup(placed.number),
            ticket: self.gateway.streams.open(&self.call.caller),
            asides: placed.asides,
            answer: Some(placed.answer),
            heard: Instant::now(),
            trail: self.trail.clone(),
        };
        event_stream(Body::from_stream(stream::unfold(flow, async |mut flow| {
            flow.next().await.map(|bytes| (Ok::<_, Infallible>(bytes), flow))
        })))
    }

    fn hangup(&self, number: u64) -> Hangup {
        let then = match self.call.revision {
            _ if self.said.known == Method::Initialize => Then::End,
            Some(revision) if revision.is_modern() => Then::Cancel,
            Some(_) | None => Then::Continue,
        };
        Hangup { child: Arc::clone(&self.child), number, then, done: false }
    }

    fn lens(&self) -> Lens {
        Lens {
            gateway: Arc::clone(self.gateway),
            server: Arc::clone(&self.call.server),
            caller: self.call.caller.clone(),
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

/// What happens when the caller goes before the answer comes.
struct Hangup {
    child: Arc<Child>,
    number: u64,
    then: Then,
    done: bool,
}

#[derive(Clone, Copy)]
enum Then {
    /// The child is told: since 2026-07-28 a caller that goes cancels its request.
    Cancel,
    /// The child goes on: before that it did not.
    Continue,
    /// The child ends: nobody will ever know the session it was started for.
    End,
}

impl Hangup {
    fn answered(mut self) {
        self.done = true;
    }
}

impl Drop for Hangup {
    fn drop(&mut self) {
        match self.then {
            _ if self.done => {}
            Then::Cancel => self.child.forget(self.number, true),
            Then::Continue => {}
            Then::End => self.child.end(),
        }
    }
}

/// The stream that answers one request.
struct Flow {
    lens: Option<Lens>,
    hangup: Hangup,
    ticket: Ticket,
    asides: mpsc::Receiver<String>,
    /// Absent once the stream is over.
    answer: Option<oneshot::Receiver<String>>,
    heard: Instant,
    trail: Trail,
}

impl Flow {
    async fn next(&mut self) -> Option<Bytes> {
        let answer = self.answer.as_mut()?;
        let said = tokio::select! {
            biased;
            () = self.ticket.cut() => return None,
            Some(aside) = self.asides.recv() => {
                self.heard = Instant::now();
                return Some(sse::message(&aside));
            }
            answer = answer => answer.map_err(|_| Hung::Ended),
            () = sleep(ALIVE) => {
                if self.heard.elapsed() < IDLE {
                    return Some(sse::comment());
                }
                Err(Hung::Silent(IDLE))
            }
        };
        self.answer = None;
        Some(self.last(said).await)
    }

    /// What the stream ends with; asides that came together with the answer go before it.
    async fn last(&mut self, said: Result<String, Hung>) -> Bytes {
        let mut out = Vec::new();
        while let Ok(aside) = self.asides.try_recv() {
            out.extend_from_slice(&sse::message(&aside));
        }
        let answer = match (said, &self.lens) {
            (Ok(answer), None) => Some(answer),
            (Ok(answer), Some(lens)) => shown(lens, answer).await,
            (Err(hung), _) => {
                let last_words = self.hangup.child.last_words();
                tracing::warn!(correlation = %self.trail.correlation, %hung, last_words, "a child did not answer");
                None
            }
        };
        self.hangup.done = answer.is_some();
        let answer = answer.unwrap_or_else(|| {
            let says = "the MCP server behind the gateway did not answer";
            let body = rpc_body(-32603, says, &self.trail, serde_json::json!({}));
            String::from_utf8(body).unwrap_or_default()
        });
        out.extend_from_slice(&sse::message(&answer));
        out.into()
    }
}

/// Streams what belongs to no request.
fn listen(gateway: &Arc<Gateway>, call: &Call, child: Arc<Child>) -> Result<Response, Refusal> {
    let listening = child.listen().ok_or(Refusal::NoSession)?;
    let ear = Ear { child, number: listening.number, messages: listening.messages };
    let ticket = gateway.streams.open(&call.caller);
    Ok(event_stream(Body::from_stream(stream::unfold((ear, ticket), async |(mut ear, ticket)| {
        let bytes = tokio::select! {
            () = ticket.cut() => return None,
            message = ear.messages.recv() => sse::message(&message?),
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

/// What a caller sees of a listing; an answer that is none, such as an error, is seen as it is.
async fn shown(lens: &Lens, answer: String) -> Option<String> {
    match lens.see(answer.as_bytes()).await {
        Seen::Listing(kept) => Some(kept),
        Seen::Other => Some(answer),
        Seen::Unreadable => None,
    }
}

/// True for methods that a server answers at once, without a word before.
fn is_quick(method: Method) -> bool {
    match method {
        Method::Initialize
        | Method::Ping
        | Method::Discover
        | Method::ToolsList
        | Method::PromptsList
        | Method::ResourcesList
        | Method::ResourceTemplatesList
        | Method::ResourcesSubscribe
        | Method::ResourcesUnsubscribe
        | Method::SetLevel
        | Method::TasksGet
        | Method::TasksUpdate
        | Method::TasksCancel => true,
        Method::Initialized
        | Method::Cancelled
        | Method::ToolsCall
        | Method::PromptsGet
        | Method::ResourcesRead
        | Method::Complete
        | Method::Listen
        | Method::Other => false,
    }
}

fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    sse::announce(headers);
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn nonsense(says: &str) -> Refusal {
    Trouble::Nonsense(says.to_owned()).into()
}
