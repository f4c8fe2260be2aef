//! Refusals: what a caller is told when a request goes no further. Who reads the log with the correlation id learns the
//! rest.

use axum::body::Body;
use axum::response::Response;
use bailiwick_broker::BrokerError;
use bailiwick_domain::error::ErrorCode;
use bailiwick_domain::ids::CorrelationId;
use bailiwick_domain::mcp::{EnvelopeError, HeaderError, Id, reply};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::connect::Asked;
use crate::upstream::Trouble;

/// What ties the answer to its request.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    /// Finds the request in log and audit.
    pub(crate) correlation: CorrelationId,
    /// The id of the JSON-RPC request, once it could be read.
    pub(crate) id: Option<Id>,
}

/// Why a request goes no further.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The request was meant for another host.
    #[error("this host is not served here")]
    Host,
    /// The request comes from a page of a stranger.
    #[error("this origin may not call this server")]
    Origin,
    /// There is no such server.
    #[error("there is no MCP server at this path")]
    NoServer,
    /// The request has no good token.
    #[error("{}", .error.map_or("an access token is needed", |(_, says)| says))]
    Unauthorized {
        /// How to get one.
        challenge: String,
        /// What was wrong with the one that came.
        error: Option<(ErrorCode, &'static str)>,
    },
    /// Whether the token was revoked is not known right now.
    #[error("whether the access token was revoked is not known right now")]
    Stale,
    /// The token does not reach this far.
    #[error("{says}")]
    Scope {
        /// How to get one that does.
        challenge: String,
        /// What is missing.
        says: String,
        /// Which rule says so.
        rule: String,
    },
    /// A rule says no to a call.
    #[error("{says}")]
    Denied {
        /// Which one.
        rule: String,
        /// In words.
        says: String,
    },
    /// A rule says no to what is no call of a tool.
    #[error("{says}")]
    Shut {
        /// Which one.
        rule: String,
        /// In words.
        says: String,
    },
    /// The job has made every call it was given. Waiting does not help, so nothing says when to come again.
    #[error("{says}")]
    Spent {
        /// Which rule says so.
        rule: &'static str,
        /// In words: who can give it more.
        says: String,
    },
    /// The HTTP method is none of ours.
    #[error("this method is not served here")]
    Method,
    /// There is nothing to listen to for this caller.
    #[error("there is no stream of events here before an account is connected")]
    NoStream,
    /// The body is of another type.
    #[error("the body must be application/json")]
    MediaType,
    /// The body is too long.
    #[error("the body is longer than 4 MiB")]
    TooBig,
    /// The body broke off.
    #[error("the body ended early")]
    Broken,
    /// The body is no message.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The headers do not fit the body.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The message is not what its method needs.
    #[error("{0}")]
    Params(&'static str),
    /// There is no such session, or it is somebody else's.
    #[error("there is no such session; begin a new one with initialize")]
    NoSession,
    /// The request belongs to a session, and names none.
    #[error("the Mcp-Session-Id header is required")]
    SessionNeeded,
    /// A person must connect an account of theirs first.
    #[error("{}", .0.says())]
    Connect(Box<Asked>),
    /// What cannot be recorded is not done.
    #[error("the call could not be recorded")]
    Unrecorded,
    /// The server behind cannot take more.
    #[error("too many sessions with this server are in use")]
    Crowded,
    /// There is no credential for the server behind.
    #[error("{}", .0.told())]
    Credential(#[from] BrokerError),
    /// The server behind failed us.
    #[error("{}", .0.told())]
    Upstream(#[from] Trouble),
}

impl Refusal {
    /// The answer.
    pub(crate) fn respond(&self, trail: &Trail) -> Response {
        let mut response = Response::new(Body::from(self.body(trail)));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some((name, value)) = self.header().and_then(|(name, value)| Some((name, value.try_into().ok()?))) {
            let value: HeaderValue = value;
            headers.insert(name, value);
        }
        response
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Denied { .. } | Self::Shut { .. } | Self::Connect(_) => StatusCode::OK,
            Self::Broken | Self::Envelope(_) | Self::Header(_) | Self::Params(_) | Self::SessionNeeded => {
                StatusCode::BAD_REQUEST
            }
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::Host | Self::Origin | Self::Scope { .. } => StatusCode::FORBIDDEN,
            Self::NoServer | Self::NoSession => StatusCode::NOT_FOUND,
            Self::Method | Self::NoStream => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooBig => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Spent { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Stale | Self::Unrecorded | Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Upstream(trouble) => trouble.status(),
            Self::Credential(error) => credential_status(error),
        }
    }

    /// What the server behind answered, where it answered and that was the trouble.
    pub(crate) fn upstream_status(&self) -> Option<StatusCode> {
        if let Self::Upstream(trouble) = self { trouble.answered() } else { None }
    }

    fn header(&self) -> Option<(HeaderName, String)> {
        match self {
            Self::Unauthorized { challenge, .. } | Self::Scope { challenge, .. } => {
                Some((WWW_AUTHENTICATE, challenge.clone()))
            }
            Self::Method => Some((ALLOW, "GET, POST, DELETE, OPTIONS".to_owned())),
            Self::NoStream => Some((ALLOW, "POST, DELETE, OPTIONS".to_owned())),
            Self::Stale | Self::Unrecorded => Some((RETRY_AFTER, "1".to_owned())),
            Self::Crowded => Some((RETRY_AFTER, "10".to_owned())),
            Self::Credential(BrokerError::Later(_)) => Some((RETRY_AFTER, "2".to_owned())),
            Self::Host
            | Self::Origin
            | Self::NoServer
            | Self::Denied { .. }
            | Self::Shut { .. }
            | Self::Connect(_)
            | Self::Spent { .. }
            | Self::MediaType
            | Self::TooBig
            | Self::Broken
            | Self::Envelope(_)
            | Self::Header(_)
            | Self::Params(_)
            | Self::NoSession
            | Self::SessionNeeded
            | Self::Credential(_)
            | Self::Upstream(_) => None,
        }
    }

    fn body(&self, trail: &Trail) -> Vec<u8> {
        match self {
            Self::Unauthorized { error, .. } => {
                let code = error.map_or("unauthorized", |(code, _)| code.as_str());
                oauth_body(code, &self.to_string(), &json!({}), trail)
            }
            Self::Scope { says, rule, .. } => {
                oauth_body(ErrorCode::InsufficientScope.as_str(), says, &json!({ "rule": rule }), trail)
            }
            Self::Denied { rule, says } => match &trail.id {
                Some(id) => reply::tool_error(id, &format!("{says} ({})", trail.correlation), rule),
                None => rpc_body(-32603, says, trail, json!({})),
            },
            Self::Connect(asked) => asked.body(trail),
            Self::Shut { rule, says } => rpc_body(-32603, says, trail, json!({ "rule": rule })),
            Self::Spent { rule, says } => rpc_body(-32603, says, trail, json!({ "rule": rule })),
            Self::Envelope(error) => rpc_body(error.code(), &error.to_string(), trail, json!({})),
            Self::Header(error) => {
                rpc_body(error.code(), &error.to_string(), trail, error.data().unwrap_or_else(|| json!({})))
            }
            Self::Params(says) => rpc_body(-32602, says, trail, json!({})),
            Self::Host
            | Self::Origin
            | Self::NoServer
            | Self::Method
            | Self::NoStream
            | Self::MediaType
            | Self::TooBig
            | Self::Broken
            | Self::NoSession
            | Self::SessionNeeded => rpc_body(-32600, &self.to_string(), trail, json!({})),
            Self::Credential(error) => match (&trail.id, self.status()) {
                (Some(id), StatusCode::OK) => {
                    reply::tool_error(id, &format!("{self} ({})", trail.correlation), error.rule())
                }
                _ => rpc_body(-32603, &self.to_string(), trail, json!({ "rule": error.rule() })),
            },
            Self::Stale | Self::Unrecorded | Self::Crowded | Self::Upstream(_) => {
                rpc_body(-32603, &self.to_string(), trail, json!({}))
            }
        }
    }
}

/// What the person can mend is an answer of the tool; the rest is trouble of ours or of the tool's authorization server.
fn credential_status(error: &BrokerError) -> StatusCode {
    match error {
        BrokerError::Unconnected { .. } | BrokerError::Lost { .. } | BrokerError::Nobody | BrokerError::Nothing(_) => {
            StatusCode::OK
        }
        BrokerError::Later(_) | BrokerError::Unfit(_) => StatusCode::SERVICE_UNAVAILABLE,
        BrokerError::Overgrant(_) | BrokerError::Refused(_) => StatusCode::BAD_GATEWAY,
    }
}

/// The body of a refusal that OAuth has words for.
fn oauth_body(code: &str, says: &str, more: &Value, trail: &Trail) -> Vec<u8> {
    let mut body = json!({ "error": code, "error_description": says, "correlation_id": trail.correlation.as_str() });
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    body.to_string().into_bytes()
}

/// A JSON-RPC error whose `data` names the correlation id.
pub(crate) fn rpc_body(code: i64, says: &str, trail: &Trail, mut data: Value) -> Vec<u8> {
    if let Some(data) = data.as_object_mut() {
        data.insert("correlation_id".to_owned(), trail.correlation.as_str().into());
    }
    reply::error_with(trail.id.as_ref(), code, says, Some(data))
}
