//! The authority: OAuth 2.1 authorization server and the pages on which people decide.
//!
//! A handler asks the clock once, checks everything, signs, and then lets one conditional write of the store decide;
//! every refusal is a reason for us (a variant of the endpoint's small enum) and a code for them.

mod account;
mod agent;
mod authority;
mod authorize;
mod ceiling;
mod client;
mod connect;
mod connections;
mod console;
mod cookies;
mod cors;
mod document;
mod door;
mod fault;
mod form;
mod form_token;
mod home;
mod introspect;
mod keys;
mod limit;
mod live;
mod login;
mod metadata;
mod moment;
mod page;
mod password;
mod refuse;
mod register;
mod revoke;
mod routes;
mod secrets;
mod token;
mod tree;
mod visit;

pub use authority::{Authority, Parts};
pub use connect::{Line, lines};
pub use connections::{Answer, ConnectError, Connectable, Connector, Departure, Field, SPOKEN_NAME, SpokenName, Way};
pub use document::ClientDocuments;
pub use door::SetupDoor;
pub use keys::{Keys, KeysError};
pub use login::oidc::{ProviderSettings, SignalSettings, UpstreamIssuer};
pub use login::saml::{Attributes, SamlParty, SamlSettings};
pub use login::{LoginSettings, Providers, UserName};
pub use page::error_page;
pub use password::{LEAST as LEAST_PASSWORD, PasswordError, Passwords};
pub use secrets::Secrets;
pub use token::SamlGrantor;
pub use tree::{Party, PartyKind, PartyState, grow};

#[cfg(test)]
mod tests;
