//! Why a document could not be fetched. For log and audit only: a person is told nothing of it, because the difference
//! between two of these would tell a stranger what our network looks like.

use std::net::IpAddr;

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// A port nobody allowed.
    #[error("port {0} is not allowed")]
    Port(u16),
    /// The name leads nowhere.
    #[error("the host name cannot be resolved: {0}")]
    Unresolved(String),
    /// The name leads to an address that is not on the public internet.
    #[error("the host name leads to {0}, which is not a public address")]
    Address(IpAddr),
    /// The connection ended up elsewhere than at the address that was vetted.
    #[error("the connection leads to {0}, not to the address that was vetted")]
    Rebound(IpAddr),
    /// Too many documents are being fetched, from this host or in all.
    #[error("too many documents are being fetched at the moment")]
    Busy,
    /// No connection.
    #[error("no connection: {0}")]
    Connect(String),
    /// No TLS, or not with whom the name says.
    #[error("no TLS with that host: {0}")]
    Tls(String),
    /// The answer did not come in time.
    #[error("no whole answer within the time allowed")]
    Slow,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// Any status but 200.
    #[error("answered with status {0} instead of 200")]
    Status(u16),
    /// Not JSON, by its own word.
    #[error("the answer is not JSON by its content type")]
    ContentType,
    /// Compressed, although nobody asked for that.
    #[error("the answer is compressed")]
    Encoded,
    /// Too long.
    #[error("the answer is longer than {0} bytes")]
    TooBig(usize),
}

impl FetchError {
    /// True when the other side was not heard at all, so that nothing can be concluded about the document.
    pub fn is_silence(&self) -> bool {
        match self {
            Self::Unresolved(_) | Self::Busy | Self::Connect(_) | Self::Slow | Self::Broken(_) => true,
            Self::Status(status) => *status == 429 || *status >= 500,
            Self::Port(_)
            | Self::Address(_)
            | Self::Rebound(_)
            | Self::Tls(_)
            | Self::ContentType
            | Self::Encoded
            | Self::TooBig(_) => false,
        }
    }
}
