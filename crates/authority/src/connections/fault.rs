//! Why nothing is connected. Nothing of what a provider said goes into these words.

use std::time::Duration;

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::ids::{ClientId, UserId};
use http::StatusCode;

use super::connector::ConnectError;

/// One reason.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectFault {
    /// Nobody was ever given this link, or long ago.
    #[error("no such link to connect by")]
    Unknown,
    /// It was used, or its time is over.
    #[error("the link to connect by was used before, or is too old")]
    Used,
    /// Somebody else is signed in than the one whose call asked for it.
    #[error("a link to connect by was opened by another person than the one it was made for")]
    OtherPerson {
        /// Who is signed in.
        here: UserId,
        /// Whose client asked.
        client: ClientId,
    },
    /// The configuration names no such provider any more.
    #[error("no such provider to connect to")]
    Gone,
    /// The answer belongs to nothing that was begun here.
    #[error("the state of the provider's answer is unknown, expired or used")]
    State,
    /// Begun in another browser.
    #[error("the connection was begun in another browser")]
    OtherBrowser,
    /// Too many tries.
    #[error("too many tries to connect")]
    TooFast(Duration),
    /// Whoever connects accounts could not.
    #[error(transparent)]
    Connector(#[from] ConnectError),
}

impl ConnectFault {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Unknown | Self::Gone | Self::Connector(ConnectError::Missing) => StatusCode::NOT_FOUND,
            Self::Used => StatusCode::GONE,
            Self::OtherPerson { .. }
            | Self::Connector(ConnectError::Denied | ConnectError::Issuer | ConnectError::Refused(_)) => {
                StatusCode::FORBIDDEN
            }
            Self::State | Self::OtherBrowser | Self::Connector(ConnectError::Unfit(_)) => StatusCode::BAD_REQUEST,
            Self::TooFast(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Connector(ConnectError::Down(_)) => StatusCode::BAD_GATEWAY,
            Self::Connector(ConnectError::Unkept(_)) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// How long to wait before the next try.
    pub(crate) fn wait(&self) -> Option<Duration> {
        if let Self::TooFast(wait) = self { Some(*wait) } else { None }
    }

    /// Says on record who it was.
    pub(crate) fn on_record(&self, event: AuditEvent) -> AuditEvent {
        match self {
            Self::OtherPerson { here, client } => event.user(here).client(client).rule("connect.other-person"),
            Self::Used => event.rule("connect.used"),
            Self::State | Self::OtherBrowser => event.rule("connect.state"),
            Self::Connector(ConnectError::Issuer) => event.rule("connect.issuer"),
            Self::Unknown | Self::Gone | Self::TooFast(_) | Self::Connector(_) => event,
        }
    }

    /// Title and sentence for the person.
    pub(crate) fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Unknown | Self::Gone => (
                "No such link",
                "Nothing waits to be connected here. Go back to your application and try again: it gets a new link.",
            ),
            Self::Used => (
                "This link is used up",
                "It was used before, or is older than a quarter of an hour. Go back to your application and try again: it \
                 gets a new link. What is connected stands on your account page.",
            ),
            Self::OtherPerson { .. } => (
                "This link was made for somebody else",
                "An application that acts for another account asked for it, and whoever follows it would lend that account \
                 their own access. Nothing was connected. If both accounts are yours, sign out, sign in with the other \
                 one, and open the link again. If somebody sent you this link, tell whoever runs this server.",
            ),
            Self::State => (
                "This has expired",
                "It was finished before, or took too long. Nothing was connected. Go back to your application and try again.",
            ),
            Self::OtherBrowser => (
                "This belongs to another browser",
                "It was begun elsewhere, or cookies are blocked. Nothing was connected. Open the link again in this browser.",
            ),
            Self::TooFast(_) => ("Too many tries", "Nothing was connected. Wait a minute, then try again."),
            Self::Connector(error) => told(error),
        }
    }
}

fn told(error: &ConnectError) -> (&'static str, &'static str) {
    match error {
        ConnectError::Denied => (
            "Nothing was connected",
            "The provider was told no. Go back to your application, or to your account page, to begin again.",
        ),
        ConnectError::Issuer => (
            "This answer cannot be trusted",
            "It did not come from the provider that was asked. Nothing was connected.",
        ),
        ConnectError::Refused(_) => (
            "Nothing was connected",
            "The provider refused. Whoever runs this server finds the reason under the reference below.",
        ),
        ConnectError::Unfit(_) => {
            ("Nothing was connected", "What was entered cannot be a credential. Go back and try again.")
        }
        ConnectError::Missing => ("Nothing is connected", "There is no such connection any more."),
        ConnectError::Down(_) => (
            "The provider is not available",
            "It could not be reached, or does not answer as it should. Try again in a moment.",
        ),
        ConnectError::Unkept(_) => ("Not available at the moment", "Nothing was changed. Try again in a moment."),
    }
}
