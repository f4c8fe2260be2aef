//! Why a token is refused, in the words its bearer is told.

use std::fmt;

use crate::jose::JwsError;

/// One reason to refuse an access token; on the wire all of them are `invalid_token` (RFC 6750 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenRefusal {
    /// Not a signed token at all.
    Malformed,
    /// An algorithm that is not accepted, or does not fit the key.
    Algorithm,
    /// Signed with a key we do not know.
    UnknownKey,
    /// A wrong signature.
    Signature,
    /// Another class of token, such as an ID token.
    TokenType,
    /// A claim is missing or is not what it should be.
    Claims,
    /// Issued by somebody else.
    Issuer,
    /// Meant for another server, or for several.
    Audience,
    /// Past its expiry.
    Expired,
    /// Issued in the future.
    NotYet,
    /// It claims to live longer than any token may.
    TooLong,
    /// More actors or hops than a chain may have.
    ChainTooDeep,
    /// Bound to a key, and no proof of that key came.
    Bound,
}

impl TokenRefusal {
    /// The reason as its bearer may read it (`error_description`).
    pub const fn says(self) -> &'static str {
        match self {
            Self::Malformed => "the access token is malformed",
            Self::Algorithm => "the access token's algorithm is not accepted",
            Self::UnknownKey => "the access token was signed with an unknown key",
            Self::Signature => "the access token's signature is wrong",
            Self::TokenType => "this is not an access token",
            Self::Claims => "a claim of the access token is missing or malformed",
            Self::Issuer => "the access token is from another issuer",
            Self::Audience => "the access token is for another server",
            Self::Expired => "the access token expired",
            Self::NotYet => "the access token is not valid yet",
            Self::TooLong => "the access token lives too long",
            Self::ChainTooDeep => "the access token's chain of actors is too deep",
            Self::Bound => "the access token is bound to a key that was not proven",
        }
    }
}

impl fmt::Display for TokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says())
    }
}

impl std::error::Error for TokenRefusal {}

impl From<JwsError> for TokenRefusal {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Malformed | JwsError::Header => Self::Malformed,
            JwsError::Algorithm => Self::Algorithm,
            JwsError::UnknownKey => Self::UnknownKey,
            JwsError::Signature => Self::Signature,
        }
    }
}
