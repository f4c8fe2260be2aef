//! Secrets of servers behind the gateway. Each is sealed under the master key and bound to its row; its name,
//! `owner/what`, is what the configuration says instead of it.

use std::collections::HashMap;

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::seal::{MasterKey, Sealer};
use sqlx::Connection as _;
use zeroize::Zeroizing;

use crate::engine::{Database, Engine};
use crate::error::{Fault, OpenError, StoreError};
use crate::lane::Verdict;
use crate::rows::Columns as _;
use crate::store::Store;

/// A secret about to be kept.
pub struct NewSecret {
    /// Its name, `owner/what`.
    pub name: String,
    /// The secret.
    pub value: Zeroizing<String>,
}

impl Store {
    /// Keeps these secrets of `owner`, and forgets all it had before.
    pub async fn replace_secrets(
        &self,
        owner: &str,
        secrets: Vec<NewSecret>,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        let sealed: Vec<(String, String)> =
            secrets.into_iter().map(|secret| (secret.name.clone(), self.sealed(&secret))).collect();
        self.write(owner, (owner.to_owned(), sealed, event), |(owner, sealed, event), tx| {
            Box::pin(async move {
                sqlx::query("DELETE FROM secrets WHERE owner = $1").bind(owner.as_str()).execute(tx.sql()).await?;
                for (name, sealed) in sealed {
                    sqlx::query("INSERT INTO secrets (name, owner, sealed, kept_at) VALUES ($1, $2, $3, $4)")
                        .bind(name.as_str())
                        .bind(owner.as_str())
                        .bind(sealed.as_str())
                        .bind(event.at.millis())
                        .execute(tx.sql())
                        .await?;
                }
                tx.audit(event).await?;
                Ok(Verdict::Keep(()))
            })
        })
        .await
    }

    fn sealed(&self, secret: &NewSecret) -> String {
        if holds(Control::Sealing) {
            self.core.sealer.seal(&*self.core.entropy, &context(&secret.name), secret.value.as_bytes())
        } else {
            secret.value.to_string()
        }
    }
}

/// What is sealed in a database, readable with its master key. It reads beside a process that holds the database's
/// lock, and writes nothing.
pub struct Vault {
    sealer: Sealer,
    rows: HashMap<String, String>,
}

/// Why a secret cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// There is none of that name.
    #[error("nothing of that name is sealed in the database")]
    Unknown,
    /// What lies there was not sealed with this key for this name.
    #[error("what is sealed in the database cannot be opened; restore it from a backup, or seal it again")]
    Unreadable,
}

impl Vault {
    /// Reads what is sealed in `database`; a file that does not exist holds nothing.
    pub async fn open(database: &Database, master: &MasterKey) -> Result<Self, OpenError> {
        let mut rows = HashMap::new();
        let sealer = crate::open::sealer(master);
        if matches!(database, Database::Sqlite(path) if !path.exists()) {
            return Ok(Self { sealer, rows });
        }
        let mut connection = Engine::new(database)?.connect_plain().await?;
        let reading = async {
            let mark = sqlx::query("SELECT value FROM settings WHERE name = 'master_key_mark'");
            let mark = mark.fetch_one(&mut connection).await?.text("value")?;
            for row in sqlx::query("SELECT name, sealed FROM secrets").fetch_all(&mut connection).await? {
                rows.insert(row.text("name")?, row.text("sealed")?);
            }
            Ok::<_, Fault>(mark)
        };
        let mark = reading.await.map_err(StoreError::from)?;
        connection.close().await.map_err(|error| StoreError::from(Fault::from(error)))?;
        if mark == master.mark() { Ok(Self { sealer, rows }) } else { Err(OpenError::WrongKey) }
    }

    /// The secret of that name.
    pub fn get(&self, name: &str) -> Result<Zeroizing<String>, VaultError> {
        let sealed = self.rows.get(name).ok_or(VaultError::Unknown)?;
        if !holds(Control::Sealing) {
            return Ok(Zeroizing::new(sealed.clone()));
        }
        let plain = self.sealer.open(&context(name), sealed).ok_or(VaultError::Unreadable)?;
        std::str::from_utf8(&plain).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| VaultError::Unreadable)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

fn context(name: &str) -> String {
    format!("secrets|{name}|sealed")
}
