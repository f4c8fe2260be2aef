//! Where the secrets go: into the running process over its socket, or into the data directory when nothing runs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_store::{Database, Settings, Store};

use super::moving::Moving;
use crate::admin::secrets::{PATH, Sealing};
use crate::admin::{AdminClient, AdminError};
use crate::config::{Config, master_key};
use crate::keep;
use crate::plan::database;
use crate::wire::{SystemClock, SystemEntropy};

/// Seals what was taken out of these servers.
pub(super) async fn seal<'a>(
    moved: impl Iterator<Item = &'a Moving>,
    config: &Config,
    data: &Path,
) -> Result<(), String> {
    let mut sealings = moved.map(|moving| Sealing {
        server: moving.name.clone(),
        secrets: moving.secrets.iter().map(|taken| (taken.name.clone(), taken.value.to_string())).collect(),
    });
    let Some(first) = sealings.next() else { return Ok(()) };
    let sealings = std::iter::once(first).chain(sealings);
    match AdminClient::find(data).await {
        Ok(running) => {
            for sealing in sealings {
                let () = running.post(PATH, &sealing).await.map_err(|error| error.to_string())?;
            }
        }
        Err(AdminError::NotRunning) => {
            let store = open(config, data).await?;
            for sealing in sealings {
                sealing.keep(&store).await.map_err(|error| error.to_string())?;
            }
            store.close().await;
        }
        Err(error @ (AdminError::Refused(_) | AdminError::Broken(_))) => return Err(error.to_string()),
    }
    Ok(())
}

/// Opens the store that `serve` will find, or makes it.
async fn open(config: &Config, data: &Path) -> Result<Store, String> {
    keep::private_directory(data)
        .map_err(|error| format!("cannot make the data directory {}: {error}", data.display()))?;
    let database = database(config, data);
    let fresh = match &database {
        Database::Sqlite(path) => !path.exists(),
        Database::Postgres(_) => true,
    };
    let master = master_key(config.key.as_ref(), data, fresh, &SystemEntropy).map_err(|error| error.to_string())?;
    let settings = Settings {
        database,
        master,
        entropy: Arc::new(SystemEntropy),
        clock: Arc::new(SystemClock),
        staleness: Duration::from_secs(5),
    };
    Store::open(settings).await.map_err(|error| error.to_string())
}
