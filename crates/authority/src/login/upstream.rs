//! Why nobody was signed in at a provider. Nothing of what the provider said goes into these words.

use bailiwick_net::HttpError;
use bailiwick_saml::SamlError;
use http::StatusCode;

use super::oidc::IdTokenError;

/// One reason.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// No provider of that name is configured.
    #[error("no such login provider")]
    Unknown,
    /// The answer belongs to no sign-in that is under way at this provider.
    #[error("the state of the provider's answer is unknown, expired or used")]
    State,
    /// The sign-in was begun in another browser.
    #[error("the sign-in was begun in another browser")]
    OtherBrowser,
    /// The person, or the provider on their behalf, said no.
    #[error("the provider answered access_denied")]
    Denied,
    /// The provider answered with another error.
    #[error("the provider refused the sign-in")]
    Refused,
    /// Somebody else than the configured issuer.
    #[error("not the configured issuer in {0}")]
    Issuer(&'static str),
    /// The provider cannot be reached.
    #[error("the provider cannot be reached: {0}")]
    Unreachable(#[from] HttpError),
    /// The provider could not be reached a moment ago.
    #[error("the provider could not be reached a moment ago")]
    Resting,
    /// The provider answers something that is not what the standard says.
    #[error("the provider's {0} is not usable")]
    Document(&'static str),
    /// The ID token is not to be believed.
    #[error("ID token refused: {0}")]
    IdToken(#[from] IdTokenError),
    /// The answer is not to be believed.
    #[error("SAML answer refused: {0}")]
    Saml(#[from] SamlError),
    /// The account was disabled here.
    #[error("the account is disabled")]
    Disabled,
}

impl UpstreamError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::State | Self::OtherBrowser => StatusCode::BAD_REQUEST,
            Self::Denied | Self::Refused | Self::Issuer(_) | Self::IdToken(_) | Self::Saml(_) | Self::Disabled => {
                StatusCode::FORBIDDEN
            }
            Self::Unreachable(_) | Self::Resting | Self::Document(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// Title and sentence for the person.
    pub(crate) fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Unknown => ("No such login", "This server offers no login of that name."),
            Self::State => (
                "This sign-in has expired",
                "It was finished before, or took too long. Go back to the application and start again.",
            ),
            Self::OtherBrowser => (
                "This sign-in belongs to another browser",
                "It was begun elsewhere, or cookies are blocked. Go back to the application and start again in this browser.",
            ),
            Self::Denied => ("You are not signed in", "The login provider was told no. You can start again."),
            Self::Refused | Self::Saml(SamlError::Status) => (
                "You are not signed in",
                "The login provider refused. Whoever runs this server finds the reason under the reference below.",
            ),
            Self::Issuer(_) | Self::IdToken(_) | Self::Saml(_) => (
                "This sign-in cannot be trusted",
                "The answer did not come from the configured login provider, or was not made for this sign-in.",
            ),
            Self::Unreachable(_) | Self::Resting | Self::Document(_) => (
                "The login provider is not available",
                "It could not be reached, or does not answer as it should. Try again in a moment.",
            ),
            Self::Disabled => ("This account is disabled", "Ask whoever runs this server."),
        }
    }
}
