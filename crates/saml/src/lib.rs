//! SAML 2.0 behind one wall. Only this crate reads or writes XML; nobody outside it sees an element, and what comes out
//! of it is either a checked [`Assertion`] or a [`SamlError`].
//!
//! Of all that SAML and XML signatures allow, one narrow form is read: no DTD, comment, processing instruction or CDATA,
//! exactly one assertion, signed by an enveloped signature with exclusive canonical XML and a closed list of
//! algorithms, by a key that an operator configured. The element whose signature was verified is the element that is read:
//! one parser, one tree, one node.

mod assertion;
mod bearer;
mod error;
mod instant;
mod keys;
mod metadata;
mod mint;
mod names;
mod request;
mod response;
mod signature;
pub mod testing;
#[cfg(test)]
mod tests;
mod text;
mod xml;

pub use assertion::{Assertion, NameId};
pub use bearer::{Addressed, Presented};
pub use error::SamlError;
pub use keys::{SigningKey, TrustedKeys};
pub use metadata::{IdentityProvider, ServiceProvider};
pub use mint::{MOST_LIFETIME, Minted, Minting, PERSISTENT, UNSPECIFIED, mint};
pub use request::AuthnRequest;
pub use response::{Answered, verify_response};
