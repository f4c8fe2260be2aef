//! Why `/authorize` refuses, with the code a client gets and the place a person sees it.

use crate::error::ErrorCode;

/// Why an authorization request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizeError {
    /// The query is too long.
    #[error("the authorization request is longer than 8 KiB")]
    TooLong,
    /// `client_id` or `redirect_uri` came twice: nobody knows where an answer belongs.
    #[error("client_id or redirect_uri came more than once")]
    Ambiguous,
    /// No `client_id`, or one that cannot be.
    #[error("client_id is missing or malformed")]
    NoClient,
    /// A client nobody here knows, or one that was disabled.
    #[error("this client is not known here")]
    UnknownClient,
    /// No `redirect_uri`, where several are registered.
    #[error("redirect_uri is missing")]
    NoRedirect,
    /// A `redirect_uri` that is not registered.
    #[error("redirect_uri is not registered for this client")]
    Redirect,
    /// Another parameter came twice.
    #[error("{0} came more than once")]
    Repeated(&'static str),
    /// A parameter is not text, or too long.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// No `response_type`.
    #[error("response_type is missing")]
    NoResponseType,
    /// A `response_type` other than `code`.
    #[error("response_type must be code")]
    ResponseType,
    /// A `response_mode` other than `query`.
    #[error("response_mode must be query")]
    ResponseMode,
    /// A request object (RFC 9101), which we do not read and so must not ignore.
    #[error("request and request_uri are not supported")]
    RequestObject,
    /// The client did not register for codes.
    #[error("this client may not use authorization_code")]
    GrantType,
    /// No challenge, or one that is none.
    #[error("code_challenge is required: 43 characters of base64url")]
    Challenge,
    /// `plain`, or no method, which means `plain`.
    #[error("code_challenge_method must be S256")]
    ChallengeMethod,
    /// A scope that is none.
    #[error("scope is malformed")]
    Scope,
    /// Not one absolute URI.
    #[error("resource must be one absolute URI without a fragment")]
    Resource,
}

impl AuthorizeError {
    /// The code on the wire (RFC 6749 §4.1.2.1, RFC 8707 §2).
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::UnknownClient => ErrorCode::InvalidClient,
            Self::ResponseType => ErrorCode::UnsupportedResponseType,
            Self::GrantType => ErrorCode::UnauthorizedClient,
            Self::Scope => ErrorCode::InvalidScope,
            Self::Resource => ErrorCode::InvalidTarget,
            Self::TooLong
            | Self::Ambiguous
            | Self::NoClient
            | Self::NoRedirect
            | Self::Redirect
            | Self::Repeated(_)
            | Self::Malformed(_)
            | Self::NoResponseType
            | Self::ResponseMode
            | Self::RequestObject
            | Self::Challenge
            | Self::ChallengeMethod => ErrorCode::InvalidRequest,
        }
    }

    /// True when it must end on a page: nobody vouches for the place a redirect would lead to (RFC 9700 §4.11).
    pub const fn by_page(self) -> bool {
        match self {
            Self::TooLong
            | Self::Ambiguous
            | Self::NoClient
            | Self::UnknownClient
            | Self::NoRedirect
            | Self::Redirect => true,
            Self::Repeated(_)
            | Self::Malformed(_)
            | Self::NoResponseType
            | Self::ResponseType
            | Self::ResponseMode
            | Self::RequestObject
            | Self::GrantType
            | Self::Challenge
            | Self::ChallengeMethod
            | Self::Scope
            | Self::Resource => false,
        }
    }
}
