//! Signing in at an OpenID Connect provider: code and PKCE, one provider per callback path, everything about the answer
//! bound to the browser that was sent away. What the provider hands out is read once and kept by nobody.

mod away;
mod begin;
mod callback;
mod claims;
mod discovery;
mod documents;
mod error;
pub(crate) mod event;
mod exchange;
mod id_token;
mod issuer;
pub(crate) mod logout;
mod provider;
mod signal;

pub(crate) use begin::begin;
pub(crate) use callback::finish;
pub(crate) use error::OidcError;
pub use issuer::UpstreamIssuer;
pub use provider::{ProviderSettings, Providers};
pub use signal::SignalSettings;

/// The largest document read from a provider, in bytes.
const MOST_BYTES: usize = 64 * 1024;
