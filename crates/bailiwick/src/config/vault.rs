//! `vault`: the keys that protect what people connected. Without any said, one is derived from the master key.

use std::sync::Arc;

use bailiwick_domain::seal::MasterKey;
use bailiwick_store::{KeyWrap, LocalKeys};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, Secret};
use crate::wire::SystemEntropy;

/// `vault = { key = …, former = […] }`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct VaultEntry {
    /// What the vault's data keys are wrapped with; without it, a key derived from the master key.
    pub(crate) key: Option<Secret>,
    /// Keys that did that before, until `bailiwick keys rotate-vault` has run.
    pub(crate) former: Vec<Secret>,
}

impl VaultEntry {
    /// Fetches the keys. The derived one is always at hand, so that naming a first key needs no second step.
    pub(crate) fn keys(&self, master: &MasterKey) -> Result<Arc<dyn KeyWrap>, ConfigError> {
        let derived = LocalKeys::of(master);
        let mut former = Vec::new();
        for (n, secret) in self.former.iter().enumerate() {
            former.push(key(secret, &format!("vault.former[{n}]"))?);
        }
        let current = self.key.as_ref().map(|secret| key(secret, "vault.key")).transpose()?;
        let current = match current {
            Some(current) => {
                former.push(derived);
                current
            }
            None => derived,
        };
        Ok(Arc::new(LocalKeys::new(&current, &former, Arc::new(SystemEntropy))))
    }
}

fn key(secret: &Secret, what: &str) -> Result<MasterKey, ConfigError> {
    MasterKey::parse(&secret.fetch(what)?).ok_or_else(|| {
        ConfigError::Value(format!(
            "{what}: not a key: base64url of 32 bytes, as `openssl rand -base64 32 | tr '+/' '-_' | tr -d '='` makes"
        ))
    })
}
