//! Why a body is not a message.

use thiserror::Error;

use super::MOST_DEPTH;

/// Why a body is not a message.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EnvelopeError {
    /// The bytes are not UTF-8.
    #[error("the body is not UTF-8")]
    NotText,
    /// The text is not JSON.
    #[error("the body is not JSON")]
    NotJson,
    /// It nests beyond [`MOST_DEPTH`].
    #[error("the body nests deeper than {MOST_DEPTH} levels")]
    TooDeep,
    /// It is a batch.
    #[error("batches are not accepted: send one message per request")]
    Batch,
    /// It is JSON but no object.
    #[error("a message is a JSON object")]
    NotObject,
    /// A member comes twice, in the message, in `params` or in `params._meta`.
    #[error("a member comes twice in {0}")]
    Twice(&'static str),
    /// A member differs from a known one only in case.
    #[error("a member of {0} differs from a known one only in case")]
    Disguised(&'static str),
    /// `jsonrpc` is not `"2.0"`.
    #[error("jsonrpc must be \"2.0\"")]
    Version,
    /// `id` is neither text nor a number.
    #[error("id must be a string or a number")]
    Id,
    /// `method` is no text.
    #[error("method must be a string")]
    Method,
    /// `params` or `params._meta` is no object.
    #[error("{0} must be an object")]
    Params(&'static str),
    /// It asks for something but carries no id: every notification of MCP is called `notifications/…`, and a call that
    /// awaits no answer would be one nobody hears of.
    #[error("a request carries an id")]
    NoId,
    /// It is neither a request nor an answer, or both.
    #[error("a message has either a method or an id with a result or an error")]
    Shape,
}

impl EnvelopeError {
    /// The JSON-RPC code: `-32700` where the text could not be read, `-32600` where it is no message.
    pub fn code(&self) -> i64 {
        match self {
            Self::NotText | Self::NotJson => -32700,
            Self::TooDeep
            | Self::Batch
            | Self::NotObject
            | Self::Twice(_)
            | Self::Disguised(_)
            | Self::Version
            | Self::Id
            | Self::Method
            | Self::Params(_)
            | Self::NoId
            | Self::Shape => -32600,
        }
    }
}
