//! The call: what a caller asks for, read and checked against its headers. From here on the headers it came with are
//! gone, but for the few that may travel.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use bailiwick_domain::canonical;
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::mcp::{Envelope, Id, Message, Method, Mirrored, Revision};
use bailiwick_domain::policy::Holder;
use bailiwick_resource::Caller;
use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::connect;
use crate::door::Raw;
use crate::gateway::Gateway;
use crate::hosted::Hosted;
use crate::refuse::{Refusal, Trail};
use crate::session::{Owner, Session};

/// The longest message, in bytes.
const MOST_BODY: usize = 4 * 1024 * 1024;
/// What a session is named in.
pub(crate) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// The headers that may travel, beside those that mirror parameters.
const TRAVELLERS: [&str; 6] =
    ["content-type", "accept", "mcp-protocol-version", "mcp-method", "mcp-name", "last-event-id"];
const MIRRORS: &str = "mcp-param-";

/// What a caller asks of a server.
#[derive(Debug)]
pub(crate) struct Call {
    /// Who asks.
    pub(crate) caller: Caller,
    /// Whose authority that is.
    pub(crate) holder: Holder,
    /// Whom.
    pub(crate) server: Arc<Hosted>,
    /// What.
    pub(crate) aim: Aim,
    /// The session it belongs to, which is the caller's own.
    pub(crate) session: Option<Session>,
    /// The revision it is spelled in, where it names one.
    pub(crate) revision: Option<Revision>,
    /// The headers that may travel.
    pub(crate) carried: HeaderMap,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) enum Aim {
    /// To hear this message (POST).
    Say(Said),
    /// To be told what belongs to no request (GET).
    Listen,
    /// To end the session (DELETE).
    Leave,
}

/// One message.
#[derive(Debug)]
pub(crate) struct Said {
    /// As it came.
    pub(crate) body: Bytes,
    /// Its id, where it is a request.
    pub(crate) id: Option<Id>,
    /// Its method, where it has one.
    pub(crate) method: Option<String>,
    /// The same, as far as it matters here; [`Method::Other`] for an answer.
    pub(crate) known: Method,
    /// What the method is about.
    pub(crate) name: Option<String>,
    /// The digest of the arguments of a call, for the record.
    pub(crate) arguments: Option<String>,
    /// True when its client says with it that it leads its user to URLs.
    pub(crate) opens_urls: bool,
    /// What its client was told to bring back with it, by us or by the server behind.
    pub(crate) state: Option<String>,
}

impl Said {
    /// The tool it calls.
    pub(crate) fn tool(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| self.known == Method::ToolsCall)
    }

    /// True when it is a request for a list of tools.
    pub(crate) fn lists_tools(&self) -> bool {
        self.known == Method::ToolsList && self.id.is_some()
    }
}

impl Call {
    /// True for what opens, keeps and ends a session and lists its tools, and for answers.
    pub(crate) fn is_about_its_session(&self) -> bool {
        match &self.aim {
            Aim::Leave => true,
            Aim::Listen => false,
            Aim::Say(said) => match said.known {
                Method::Initialize
                | Method::Initialized
                | Method::Cancelled
                | Method::Ping
                | Method::Discover
                | Method::ToolsList => true,
                Method::Other => said.method.is_none(),
                Method::ToolsCall
                | Method::PromptsList
                | Method::PromptsGet
                | Method::ResourcesList
                | Method::ResourceTemplatesList
                | Method::ResourcesRead
                | Method::ResourcesSubscribe
                | Method::ResourcesUnsubscribe
                | Method::Complete
                | Method::SetLevel
                | Method::Listen
                | Method::TasksGet
                | Method::TasksUpdate
                | Method::TasksCancel => false,
            },
        }
    }

    /// Reads what the caller asks for.
    pub(crate) async fn read(
        gateway: &Gateway,
        raw: Raw,
        (caller, holder): (Caller, Holder),
        trail: &mut Trail,
    ) -> Result<Self, Refusal> {
        let Raw { server, parts, body } = raw;
        let (aim, revision) = match parts.method {
            http::Method::POST => {
                let (said, revision) = Self::hear(&parts.headers, body, trail).await?;
                (Aim::Say(said), revision)
            }
            http::Method::GET => (Aim::Listen, None),
            http::Method::DELETE => (Aim::Leave, None),
            _ => return Err(Refusal::Method),
        };
        let mut call = Self { carried: carried(&parts.headers), caller, holder, server, aim, session: None, revision };
        // Where every request stands alone, a session id means nothing and is not passed on.
        if !revision.is_some_and(Revision::is_modern) {
            call.session = call.open(gateway, &parts.headers)?;
        }
        connect::resume(gateway, &mut call)?;
        Ok(call)
    }

    /// The message, of a POST.
    pub(crate) fn said(&self) -> Option<&Said> {
        match &self.aim {
            Aim::Say(said) => Some(said),
            Aim::Listen | Aim::Leave => None,
        }
    }

    /// Whose sessions it may use.
    pub(crate) fn owner(&self) -> Owner {
        Owner { subject: self.caller.subject().to_owned(), client: self.caller.client().digest() }
    }

    /// True when its client leads its user to URLs: as it says with the request, or said when its session began.
    pub(crate) fn opens_urls(&self) -> bool {
        self.said().is_some_and(|said| said.opens_urls)
            || self.session.as_ref().is_some_and(|session| session.opens_urls)
    }

    /// True when its caller reads a stream of events.
    pub(crate) fn accepts(&self, kind: &str) -> bool {
        self.carried.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).any(|value| value.contains(kind))
    }

    async fn hear(headers: &HeaderMap, body: Body, trail: &mut Trail) -> Result<(Said, Option<Revision>), Refusal> {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        let kind = kind.split(';').next().unwrap_or("").trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Refusal::MediaType);
        }
        let body = match Limited::new(body, MOST_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(Refusal::TooBig),
            Err(_) => return Err(Refusal::Broken),
        };
        let envelope = Envelope::parse(&body)?;
        let id = match envelope.message() {
            Message::Request { id, .. } => Some(id.clone()),
            Message::Notification { .. } | Message::Response { .. } => None,
        };
        trail.id.clone_from(&id);
        let mirrored = Mirrored::gather(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())))?;
        let revision = mirrored.check(&envelope)?;
        let (method, known) = (envelope.method_name().map(str::to_owned), envelope.method());
        let name = envelope.name().map(str::to_owned);
        // A notification of a call would be a call that nobody answers for.
        if known == Method::ToolsCall && (id.is_none() || name.is_none()) {
            return Err(Refusal::Params("tools/call needs an id, and the name of a tool"));
        }
        let given = envelope.params().arguments.filter(|_| known == Method::ToolsCall);
        let arguments = given.map(|raw| canonical::digest_of_text(raw.get()));
        let opens_urls = envelope.params().opens_urls();
        let state = envelope.params().request_state().map(Cow::into_owned);
        Ok((Said { body: body.clone(), id, method, known, name, arguments, opens_urls, state }, revision))
    }

    fn open(&self, gateway: &Gateway, headers: &HeaderMap) -> Result<Option<Session>, Refusal> {
        let mut presented = headers.get_all(SESSION).iter();
        let Some(one) = presented.next() else {
            return Ok(None);
        };
        let one = one.to_str().ok().filter(|_| presented.next().is_none()).ok_or(Refusal::NoSession)?;
        let session = gateway.sessions.open(&self.server.resource, &self.owner(), one);
        session.map(Some).ok_or(Refusal::NoSession)
    }
}

/// Picks the headers that may travel. What is not named here stays behind: the caller's token, cookies and proofs above
/// all.
fn carried(headers: &HeaderMap) -> HeaderMap {
    let may = |name: &HeaderName| TRAVELLERS.contains(&name.as_str()) || name.as_str().starts_with(MIRRORS);
    let ours = |name: &HeaderName| [SESSION, HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(name);
    let wall = holds(Control::HeaderWall);
    let travelling = headers.iter().filter(|(name, _)| if wall { may(name) } else { !ours(name) });
    travelling.map(|(name, value)| (name.clone(), value.clone())).collect()
}
