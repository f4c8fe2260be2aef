//! Why an assertion stands for nobody, in the words its sender is told.

use crate::jose::JwsError;

/// One reason; on the wire all of them are `invalid_client` (RFC 7521 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// No type, an unknown one, or not the one this client shows.
    #[error("client_assertion_type is missing or not the one of this client")]
    Type,
    /// Form, algorithm, key or signature.
    #[error("client_assertion: {0}")]
    Signature(#[from] JwsError),
    /// Another class of token, such as an access token or an ID token.
    #[error("client_assertion is another class of token")]
    Class,
    /// A claim that is missing or malformed.
    #[error("a claim of client_assertion is missing or malformed")]
    Claims,
    /// Made by another issuer than the client's.
    #[error("client_assertion has another issuer than this client's")]
    Issuer,
    /// About somebody else.
    #[error("client_assertion is about somebody else")]
    Subject,
    /// Made for another server, or for several.
    #[error("client_assertion is not for this authorization server alone")]
    Audience,
    /// Over.
    #[error("client_assertion expired")]
    Expired,
    /// Made in the future.
    #[error("client_assertion is not valid yet")]
    NotYet,
    /// Good for longer than a request takes.
    #[error("client_assertion lives longer than five minutes")]
    TooLong,
    /// It was here before.
    #[error("client_assertion was used before")]
    Replayed,
}
