//! `{ sealed = "server/what" }`: a secret that lies sealed in the database. The configuration is read before any store
//! is open, so these are opened in a step of their own.

use bailiwick_domain::seal::MasterKey;
use bailiwick_store::{Database, Vault};
use schemars::JsonSchema;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{AgentEntry, ClientEntry, Config, ConfigError, Secret, ServerEntry};

/// The name of a sealed secret, and the secret once it was opened.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(from = "String")]
#[schemars(with = "String")]
pub(crate) struct Sealed {
    name: String,
    opened: Option<Zeroizing<String>>,
}

impl From<String> for Sealed {
    fn from(name: String) -> Self {
        Self { name, opened: None }
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Sealed").field(&self.name).finish()
    }
}

impl Sealed {
    /// The secret, for whoever reads `what`.
    pub(super) fn opened(&self, what: &str) -> Result<String, ConfigError> {
        let opened = self.opened.as_deref().cloned();
        opened.ok_or_else(|| ConfigError::Value(format!("{what}: a sealed secret cannot be used here")))
    }
}

impl Config {
    /// Opens every sealed secret of its servers and clients. Without any, the database is not touched.
    pub(crate) async fn unseal(&mut self, database: &Database, master: &MasterKey) -> Result<(), ConfigError> {
        let mut waiting = self.sealed();
        if waiting.is_empty() {
            return Ok(());
        }
        let vault = Vault::open(database, master)
            .await
            .map_err(|error| ConfigError::Value(format!("the sealed secrets cannot be read: {error}")))?;
        for sealed in &mut waiting {
            let opened = vault
                .get(&sealed.name)
                .map_err(|error| ConfigError::Value(format!("{{ sealed = {:?} }}: {error}", sealed.name)))?;
            sealed.opened = Some(opened);
        }
        Ok(())
    }

    /// For a look at the configuration alone: takes every sealed secret for something that could stand in its place.
    pub(crate) fn trust_sealed(&mut self) {
        for sealed in self.sealed() {
            sealed.opened = Some(Zeroizing::new("http://sealed.invalid/".to_owned()));
        }
    }

    fn sealed(&mut self) -> Vec<&mut Sealed> {
        let servers = self.server.values_mut().flat_map(ServerEntry::secrets);
        let clients = self.client.values_mut().flat_map(ClientEntry::secrets);
        let agents = self.agent.values_mut().filter_map(AgentEntry::secret);
        servers.chain(clients).chain(agents).filter_map(Secret::sealed).collect()
    }
}

impl Secret {
    fn sealed(&mut self) -> Option<&mut Sealed> {
        match self {
            Self::Sealed(sealed) => Some(sealed),
            Self::File(_) | Self::Env(_) | Self::Command(_) => None,
        }
    }
}
