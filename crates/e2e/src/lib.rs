//! Stories over the whole house, told from outside: the real binary, real sockets, real upstreams. Nothing here reaches
//! into the process under test; what it knows of keys it takes from the data directory, as a thief would.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "test support: what is unexpected ends the test"
)]
#![expect(missing_docs, reason = "test support; names say it")]

pub mod account_provider;
pub mod admin;
pub mod agents;
pub mod connecting;
pub mod documents;
pub mod echo;
pub mod forge;
pub mod gate;
pub mod giver;
pub mod handing;
pub mod honeypot;
pub mod hostile;
pub mod identity_provider;
pub mod jobs;
pub mod mcp;
pub mod oauth;
pub mod page;
pub mod pebble;
pub mod probe;
pub mod proxy;
pub mod record;
pub mod relay;
pub mod river;
pub mod saml_issuer;
pub mod signals;
pub mod tls;
pub mod visitor;
pub mod workload;
pub mod world;

pub use mcp::{Answer, Mcp};
pub use oauth::{App, Tokens};
pub use visitor::Visitor;
pub use world::{Setup, World};

/// The snippets for servers behind compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/upstream-jwt.md")]
pub struct UpstreamJwt;
