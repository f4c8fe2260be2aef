//! The URIs of OAuth that are compared byte for byte: whose tokens, for which server, back to which client, and where a
//! client describes itself.

mod document;
mod issuer;
mod redirect;
mod resource;

pub use document::{DocumentUrl, DocumentUrlError};
pub use issuer::{Issuer, is_loopback};
pub use redirect::{RedirectError, RedirectUri};
pub use resource::{Resource, ServerName};
