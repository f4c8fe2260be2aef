//! The broker: what the tools behind want instead of the caller's token. For one call of one person it obtains exactly
//! one credential, of the kind the operator configured; whoever called never sees it, and their own token never leaves.
//!
//! A server's [`Credentials`] are settings. [`Broker::prepare`] makes them a [`Prepared`], which knows what it obtained
//! before and asks again only when that ends.

mod accounts;
mod answer;
mod broker;
mod connect;
mod connection;
mod credential;
mod endpoint;
mod kept;
mod leave;
mod memory;
mod oauth;
mod obtained;
mod prepared;
mod provider;
mod refresh;
mod settings;

pub use broker::{Broker, Parts};
pub use leave::Left;
pub use oauth::{ConnectError, DOCUMENTS, Departure, callback};
pub use obtained::{BrokerError, Obtained, Wanted};
pub use prepared::{Choice, Prepared};
pub use provider::{Provider, ProviderKind, Providers, TwoProviders};
pub use settings::{
    ApiKey, ClientAuth, ClientCredentials, Credential, Credentials, EntraObo, Exchange, JwtBearer, Key, Login, Mtls,
    NameFrom, Place, SamlBearer, SignedJwt, Tier, TokenEndpoint, UserOauth,
};
