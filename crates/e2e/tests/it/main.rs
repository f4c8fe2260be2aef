//! Stories and attacks, from outside.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test binary")]

mod accounts;
mod ceilings;
mod chains;
mod connect;
mod cors;
mod crash;
mod credentials;
mod documents;
mod dumps;
mod hostile;
mod jobs;
mod login;
mod mutants;
mod openapi;
mod operators;
mod partition;
mod personal;
mod proxies;
mod record;
mod refusals;
mod reload;
mod replicas;
mod revocation;
mod saml;
mod secret_urls;
mod signals;
mod story;
mod threats;
mod tls;
mod trees;
mod upstream_jwt;
mod vault;
mod warnings;
mod workloads;
