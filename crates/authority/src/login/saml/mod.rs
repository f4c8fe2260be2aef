//! Signing in at a SAML identity provider, which sees us as a service provider: a request by redirect, an answer by POST,
//! and nothing that nobody asked for. Only `bailiwick-saml` sees what is in the answer.

mod acs;
mod begin;
mod party;

pub(super) use acs::arrive;
pub(crate) use acs::receive;
pub(super) use begin::leave;
pub(crate) use begin::metadata;
pub use party::{Attributes, SamlParty, SamlSettings};
