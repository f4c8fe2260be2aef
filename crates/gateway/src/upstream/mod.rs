//! The servers behind: over HTTP, as children, or as APIs that know nothing of MCP.

pub(crate) mod http;
pub(crate) mod openapi;
pub(crate) mod stdio;

use ::http::StatusCode;
use bailiwick_net::HttpError;
use bailiwick_net::scrub::Scrubber;

/// A server behind that did not do its part. What it says is for the log; [`Trouble::told`] is for the caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// It cannot be reached.
    #[error("{0}")]
    Down(String),
    /// It takes too long.
    #[error("{0}")]
    Slow(String),
    /// It wants credentials of ours that it was not given, or refuses them.
    #[error(
        "it answered {0}: it wants credentials of the gateway's own; see the server's `upstream` in the configuration"
    )]
    Closed(StatusCode),
    /// It wants us elsewhere.
    #[error("it answered {status} to {to}: redirects are not followed; put the final URL into the configuration")]
    Moved {
        /// With which status.
        status: StatusCode,
        /// Whereto.
        to: String,
    },
    /// Its answer makes no sense.
    #[error("{0}")]
    Nonsense(String),
}

impl Trouble {
    /// The status for the caller.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Slow(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Down(_) | Self::Closed(_) | Self::Moved { .. } | Self::Nonsense(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// The status it answered with, where that is the trouble.
    pub(crate) fn answered(&self) -> Option<StatusCode> {
        match self {
            Self::Closed(status) | Self::Moved { status, .. } => Some(*status),
            Self::Down(_) | Self::Slow(_) | Self::Nonsense(_) => None,
        }
    }

    /// The same, without what lets us in, which may stand in the words of the server behind.
    pub(crate) fn scrubbed(self, scrubber: &Scrubber) -> Self {
        let clean = |says: String| scrubber.text(&says).into_owned();
        match self {
            Self::Down(says) => Self::Down(clean(says)),
            Self::Slow(says) => Self::Slow(clean(says)),
            Self::Closed(status) => Self::Closed(status),
            Self::Moved { status, to } => Self::Moved { status, to: clean(to) },
            Self::Nonsense(says) => Self::Nonsense(clean(says)),
        }
    }

    /// What the caller is told: enough to know whose fault it is, nothing of how things stand inside.
    pub(crate) fn told(&self) -> &'static str {
        match self {
            Self::Down(_) => "the MCP server behind the gateway cannot be reached",
            Self::Slow(_) => "the MCP server behind the gateway did not answer in time",
            Self::Closed(_) => {
                "the MCP server behind the gateway did not let the gateway in; its operator must configure a credential"
            }
            Self::Moved { .. } => {
                "the MCP server behind the gateway has moved; its operator must configure its new URL"
            }
            Self::Nonsense(_) => "the MCP server behind the gateway gave an answer that makes no sense",
        }
    }
}

impl From<HttpError> for Trouble {
    fn from(error: HttpError) -> Self {
        let says = error.to_string();
        match error {
            HttpError::Connect { .. } | HttpError::Broken { .. } => Self::Down(says),
            HttpError::Slow { .. } => Self::Slow(says),
            HttpError::TooBig { .. } => Self::Nonsense(says),
        }
    }
}

impl From<stdio::Hung> for Trouble {
    fn from(hung: stdio::Hung) -> Self {
        let says = hung.to_string();
        match hung {
            stdio::Hung::Ended => Self::Down(says),
            stdio::Hung::Silent(_) => Self::Slow(says),
        }
    }
}
