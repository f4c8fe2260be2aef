//! Signing in at an OpenID Connect provider: code and PKCE, one provider per callback path, everything about the answer
//! bound to the browser that was sent away. What the provider hands out is read once and kept by nobody.

mod begin;
mod callback;
mod claims;
mod discovery;
mod documents;
pub(crate) mod event;
mod exchange;
mod id_token;
mod issuer;
pub(crate) mod logout;
mod provider;
mod signal;

pub(super) use begin::leave;
pub(super) use callback::arrive;
pub(super) use id_token::IdTokenError;
pub use issuer::UpstreamIssuer;
pub(super) use provider::Provider;
pub use provider::ProviderSettings;
pub use signal::SignalSettings;

/// The largest document read from a provider, in bytes.
const MOST_BYTES: usize = 64 * 1024;
