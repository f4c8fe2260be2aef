//! Why no token is issued.

use bailiwick_domain::error::ErrorCode;
use bailiwick_domain::grant::{ClaimError, ExchangeError, MachineError};
use bailiwick_domain::jose::SignError;
use bailiwick_saml::SamlError;
use bailiwick_store::StoreError;
use http::HeaderMap;

use crate::client::ClientError;
use crate::form::FormError;
use crate::refuse::Refusal;

/// One reason.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    /// The form.
    #[error(transparent)]
    Form(#[from] FormError),
    /// The client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A parameter that must be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A grant type that is not served.
    #[error("grant_type is not served here")]
    GrantType,
    /// A grant type this client did not register.
    #[error("this client may not use this grant type")]
    NotAllowed,
    /// No code of ours, or one that is over.
    #[error("the code is unknown, expired or spent")]
    Code,
    /// A code that came again.
    #[error("the code is unknown, expired or spent")]
    Replayed,
    /// A verifier that is none.
    #[error("code_verifier is malformed")]
    Verifier,
    /// The claim does not match the code.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// No refresh token of this client's, or one that is over.
    #[error("the refresh token is unknown, expired or revoked")]
    Refresh,
    /// A spent refresh token came again.
    #[error("the refresh token was used before; everything issued with it is revoked")]
    Reused,
    /// The grant was revoked.
    #[error("the grant was revoked")]
    Revoked,
    /// An agent that is stopped for everybody.
    #[error("this agent is stopped")]
    Stopped,
    /// A party that is stopped under the grant.
    #[error("somebody in this chain, or its target, was stopped for this grant")]
    PartyStopped,
    /// A scope that is none, or more than was granted.
    #[error("scope is malformed or more than was granted")]
    Scope,
    /// The user may hold nothing of it any more.
    #[error("the user may no longer hold any scope of this grant")]
    Beyond,
    /// No such server, or not the one that was approved.
    #[error("resource is missing, not a server here, or not the one that was approved")]
    Target,
    /// A machine that may not.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The token to be exchanged is none of ours, or over.
    #[error("the subject token is not a living token of this server")]
    Subject,
    /// An assertion that is not to be believed.
    #[error("the assertion is refused: {0}")]
    Saml(#[from] SamlError),
    /// An assertion that came again.
    #[error("the assertion was used before")]
    SamlAgain,
    /// An exchange that may not be.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The key failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TokenError {
    /// The code on the wire (RFC 6749 §5.2, RFC 8707 §2).
    pub(super) fn code(&self) -> ErrorCode {
        match self {
            Self::Form(_) | Self::Missing(_) => ErrorCode::InvalidRequest,
            Self::Client(error) => error.code(),
            Self::GrantType => ErrorCode::UnsupportedGrantType,
            Self::NotAllowed | Self::Stopped => ErrorCode::UnauthorizedClient,
            Self::Code
            | Self::Replayed
            | Self::Verifier
            | Self::Refresh
            | Self::Reused
            | Self::Revoked
            | Self::Subject
            | Self::Saml(_)
            | Self::SamlAgain
            | Self::Beyond => ErrorCode::InvalidGrant,
            Self::PartyStopped => ErrorCode::ActorUnauthorized,
            Self::Exchange(error) => error.code(),
            Self::Claim(error) => error.code(),
            Self::Scope => ErrorCode::InvalidScope,
            Self::Target => ErrorCode::InvalidTarget,
            Self::Machine(error) => error.code(),
            Self::Sign(_) => ErrorCode::ServerError,
            Self::Store(_) => ErrorCode::TemporarilyUnavailable,
        }
    }

    /// True when it is our failure, not their mistake.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self.code(), ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable)
    }

    /// The rule that says no to an exchange, for the record.
    pub(super) fn rule(&self) -> String {
        match self {
            Self::Exchange(error) => error.rule(),
            Self::Subject => "exchange:subject".to_owned(),
            Self::Revoked => "exchange:revoked".to_owned(),
            Self::PartyStopped => "grant:stopped".to_owned(),
            Self::Form(_)
            | Self::Client(_)
            | Self::Missing(_)
            | Self::GrantType
            | Self::NotAllowed
            | Self::Stopped
            | Self::Code
            | Self::Replayed
            | Self::Verifier
            | Self::Claim(_)
            | Self::Refresh
            | Self::Reused
            | Self::Beyond
            | Self::Saml(_)
            | Self::SamlAgain
            | Self::Scope
            | Self::Target
            | Self::Machine(_)
            | Self::Sign(_)
            | Self::Store(_) => format!("exchange:{}", self.code()),
        }
    }

    /// The refusal on its way out; of our own failures it tells nothing.
    pub(super) fn refusal(&self, headers: &HeaderMap) -> Refusal {
        match self {
            Self::Client(error) => error.refusal(headers),
            Self::Sign(_) | Self::Store(_) => Refusal::new(self.code(), "not available at the moment; try again"),
            Self::Form(_)
            | Self::Missing(_)
            | Self::GrantType
            | Self::NotAllowed
            | Self::Stopped
            | Self::Code
            | Self::Replayed
            | Self::Verifier
            | Self::Claim(_)
            | Self::Refresh
            | Self::Reused
            | Self::Revoked
            | Self::PartyStopped
            | Self::Beyond
            | Self::Subject
            | Self::Saml(_)
            | Self::SamlAgain
            | Self::Exchange(_)
            | Self::Scope
            | Self::Target
            | Self::Machine(_) => Refusal::new(self.code(), self),
        }
    }
}
