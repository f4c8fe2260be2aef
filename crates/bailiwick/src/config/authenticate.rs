//! How an agent proves who it is.

use bailiwick_domain::chain::Assurance;
use bailiwick_domain::client::{AuthMethod, secret_digest};
use bailiwick_domain::opaque::{ClientSecret, Digest};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, Secret};

/// `authenticate = { … }`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthenticateEntry {
    /// A shared secret, sent by HTTP Basic.
    pub(crate) client_secret: Secret,
}

/// What a client needs to be authenticated.
pub(crate) struct Authentication {
    pub(crate) method: AuthMethod,
    pub(crate) secret: Option<Digest<ClientSecret>>,
    pub(crate) assurance: Assurance,
}

impl AuthenticateEntry {
    /// Fetches what is referred to.
    pub(crate) fn fetch(&self, label: &str) -> Result<Authentication, ConfigError> {
        let secret = self.client_secret.fetch(label)?;
        Ok(Authentication {
            method: AuthMethod::ClientSecretBasic,
            secret: Some(secret_digest(&secret)),
            assurance: Assurance::ClientSecret,
        })
    }
}
