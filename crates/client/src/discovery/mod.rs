//! Finding out who guards a server: first the server's own metadata (RFC 9728), then its authorization server's
//! (RFC 8414, `OpenID` Connect Discovery). Every document must name the thing it was fetched for, else it is not used.

mod resource;
mod server;

pub use resource::ProtectedResource;
pub use server::AuthorizationServer;

use bailiwick_net::HttpError;

/// Why no authorization server was found.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// The network failed.
    #[error("{0}")]
    Http(#[from] HttpError),
    /// The challenge points to an address no client may fetch.
    #[error("the server points to {0} for its metadata, which is neither https nor on this machine")]
    UnsafeUrl(String),
    /// The metadata named by the challenge is not there.
    #[error("the server's metadata at {url} cannot be used: {reason}")]
    NoResource {
        /// Where it should be.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The metadata describes another server.
    #[error("the metadata at {url} is for {resource}, not for this server; nothing was sent there")]
    WrongResource {
        /// Where it came from.
        url: String,
        /// Whom it describes.
        resource: String,
    },
    /// No document of an authorization server.
    #[error("no authorization server metadata found for {0}")]
    NoServer(String),
    /// The document names another issuer (RFC 8414 §3.3).
    #[error("{url} names the issuer {found} where {expected} was asked for; it must not be used")]
    WrongIssuer {
        /// Where it came from.
        url: String,
        /// The issuer asked for.
        expected: String,
        /// The issuer named.
        found: String,
    },
    /// The server does not promise PKCE with S256.
    #[error("{0} does not promise PKCE with S256 (code_challenge_methods_supported), so no login is safe there")]
    NoPkce(String),
    /// A document that breaks its standard.
    #[error("the metadata of {issuer} cannot be used: {reason}")]
    Broken {
        /// Whose document.
        issuer: String,
        /// What is wrong.
        reason: &'static str,
    },
}
