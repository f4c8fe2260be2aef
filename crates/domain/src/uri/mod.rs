//! The three URIs of OAuth that are compared byte for byte: whose tokens, for which server, back to which client.

mod issuer;
mod redirect;
mod resource;

pub use issuer::Issuer;
pub use redirect::{RedirectError, RedirectUri};
pub use resource::{Resource, ServerName};
