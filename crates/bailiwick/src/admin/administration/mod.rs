//! What operators do, over a store: the same whether a running process does it for whoever asks over the socket, or a
//! command does it itself because nothing runs.

mod access;
mod apps;
mod grants;
mod people;
mod place;
mod places;
mod record;
mod servers;
mod stops;
mod vault;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bailiwick_authority::Passwords;
use bailiwick_domain::chain::Directory;
use bailiwick_domain::policy::Catalogue;
use bailiwick_domain::time::{Clock, Timestamp};
use bailiwick_store::{BackupError, Database, Settings, Store, StoreError};
use serde_json::{Value, json};

use super::order::Order;
use crate::config::{Config, InForce, master_key};
use crate::house::House;
use crate::notary::{Notary, NotaryError};
use crate::plan::database;
use crate::wire::{SystemClock, SystemEntropy};

/// The operations of administration.
pub(crate) struct Administration {
    store: Store,
    in_force: Arc<ArcSwap<InForce>>,
    /// Only a running process knows it.
    catalogue: Option<Arc<ArcSwap<Catalogue>>>,
    /// The same.
    directory: Option<Arc<ArcSwap<Directory>>>,
    /// What the configuration says, where nothing runs.
    public_url: Option<String>,
    notary: Notary,
    passwords: Passwords,
}

/// Why an order is not carried out, in a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self(format!("{error}; nothing was changed, try again"))
    }
}

impl From<NotaryError> for Refused {
    fn from(error: NotaryError) -> Self {
        Self(error.to_string())
    }
}

impl From<BackupError> for Refused {
    fn from(error: BackupError) -> Self {
        Self(error.to_string())
    }
}

impl Administration {
    /// Over the store of the running process.
    pub(crate) fn running(house: &House, in_force: Arc<ArcSwap<InForce>>) -> Self {
        Self {
            store: house.store.clone(),
            in_force,
            catalogue: Some(Arc::clone(&house.catalogue)),
            directory: Some(Arc::clone(&house.directory)),
            public_url: None,
            notary: house.notary.clone(),
            passwords: Passwords::new(),
        }
    }

    /// What is administered.
    pub(crate) fn store(&self) -> Store {
        self.store.clone()
    }

    /// Over a store opened for this, because nothing runs.
    pub(crate) async fn open(data: &Path, file: Option<&Path>) -> Result<Self, Refused> {
        let refused = |error: &dyn std::fmt::Display| Refused(error.to_string());
        let config = Config::read(file).map_err(|error| refused(&error))?;
        let in_force = InForce::read(file).map_err(|error| refused(&error))?;
        let database = database(&config, data);
        if matches!(&database, Database::Sqlite(path) if !path.exists()) {
            return Err(Refused(format!(
                "there is no data in {}; was `serve` started with another --data, or a --config that names a database?",
                data.display()
            )));
        }
        let master = master_key(config.key.as_ref(), data, false, &SystemEntropy).map_err(|error| refused(&error))?;
        let keys = config.vault.keys(&master).map_err(|error| refused(&error))?;
        let settings = Settings {
            database,
            master,
            entropy: Arc::new(SystemEntropy),
            clock: Arc::new(SystemClock),
            staleness: Duration::from_secs(5),
        };
        let store = Store::open(settings).await.map_err(|error| refused(&error))?;
        store.use_keys(keys).await.map_err(|error| refused(&error))?;
        let in_force = Arc::new(ArcSwap::from_pointee(in_force));
        let public_url = config.public_url;
        let notary = Notary::new(store.clone(), data);
        Ok(Self { store, in_force, catalogue: None, directory: None, public_url, notary, passwords: Passwords::new() })
    }

    /// Lets go of a store that was opened for this.
    pub(crate) async fn close(self) {
        self.store.close().await;
    }

    /// Carries out an order.
    pub(crate) async fn perform(&self, order: Order) -> Result<Value, Refused> {
        match order {
            Order::Users => self.users().await,
            Order::AddUser { name, password } => self.add_user(&name, &password).await,
            Order::DisableUser { name } => self.disable_user(&name).await,
            Order::EnableUser { name } => self.enable_user(&name).await,
            Order::Password { name, password } => self.set_password(&name, &password).await,
            Order::Groups { name, groups } => self.groups(&name, groups).await,
            Order::Role { name, role } => self.set_role(&name, &role).await,
            Order::Clients => self.clients().await,
            Order::DisableClient { client } => self.disable_client(&client).await,
            Order::EnableClient { client } => self.enable_client(&client).await,
            Order::Servers => Ok(self.servers()),
            Order::Tools { server } => self.tools(server.as_deref()),
            Order::Grants { user, limit } => self.grants(user.as_deref(), limit).await,
            Order::Grant { id } => self.grant(&id).await,
            Order::RevokeGrant { id } => self.revoke_grant(&id).await,
            Order::RevokeToken { id } => self.revoke_token(&id).await,
            Order::Agents => self.agents().await,
            Order::StopAgent { name, reason } => self.stop_agent(&name, reason.as_deref()).await,
            Order::StartAgent { name } => self.start_agent(&name).await,
            Order::CutEdge { name, target, reason } => self.cut_edge((&name, &target), reason.as_deref()).await,
            Order::MendEdge { name, target } => self.mend_edge((&name, &target)).await,
            Order::StopTool { server, tool, reason } => self.stop_tool((&server, &tool), reason.as_deref()).await,
            Order::StartTool { server, tool } => self.start_tool((&server, &tool)).await,
            Order::Audit(query) => self.audit(query).await,
            Order::FollowAudit(query) => self.follow_audit(query).await,
            Order::VerifyAudit => self.verify_audit().await,
            Order::Checkpoint => self.checkpoint().await,
            Order::AccessReport { tool, server } => self.access_report(&tool, server.as_deref()).await,
            Order::RotateVault => self.rotate_vault().await,
            Order::Config => Ok(self.in_force.load().shown()),
            Order::Backup { file } => {
                let bytes = self.store.backup(&file).await?;
                Ok(json!({ "file": file.display().to_string(), "bytes": bytes }))
            }
        }
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}
