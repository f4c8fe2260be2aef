//! Clients that somebody let act: listed, disabled and managed here. What a client is, its own id or the
//! configuration says; a row is only what became of it.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::client::Client;
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::time::Timestamp;
use sqlx::any::AnyRow;

use crate::error::{Fault, StoreError};
use crate::lane::Tx;
use crate::rows::{Columns as _, json};
use crate::store::Store;

/// Whether a client may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientStanding {
    /// Nobody let it act yet.
    Unknown,
    /// It may.
    Enabled,
    /// An administrator stopped it.
    Disabled,
}

/// A client that somebody let act.
#[derive(Clone, Debug)]
pub struct ClientRow {
    /// The client.
    pub client: Client,
    /// When somebody first let it act.
    pub first_seen_at: Timestamp,
    /// When somebody last did.
    pub last_used_at: Timestamp,
    /// When it was stopped.
    pub disabled_at: Option<Timestamp>,
}

impl Store {
    /// Whether this client may act.
    pub async fn client_standing(&self, id: &ClientId) -> Result<ClientStanding, StoreError> {
        let row = sqlx::query("SELECT disabled_at FROM clients WHERE digest = $1")
            .bind(id.digest())
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        Ok(match row.map(|row| row.maybe_moment("disabled_at")).transpose()? {
            None => ClientStanding::Unknown,
            Some(None) => ClientStanding::Enabled,
            Some(Some(_)) => ClientStanding::Disabled,
        })
    }

    /// The client of that id as somebody last let it act.
    pub async fn client_row(&self, id: &ClientId) -> Result<Option<ClientRow>, StoreError> {
        let row = sqlx::query("SELECT body, first_seen_at, last_used_at, disabled_at FROM clients WHERE digest = $1")
            .bind(id.digest())
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        row.map(|row| read(&row)).transpose()
    }

    /// Every client that somebody let act, newest first.
    pub async fn clients(&self) -> Result<Vec<ClientRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT body, first_seen_at, last_used_at, disabled_at FROM clients ORDER BY first_seen_at DESC, digest",
        )
        .fetch_all(self.readers())
        .await
        .map_err(Fault::from)?;
        rows.iter().map(read).collect()
    }

    /// Stops a client for everybody, at once. `false` when it is unknown or was stopped.
    pub async fn disable_client(&self, id: &ClientId, event: AuditEvent) -> Result<bool, StoreError> {
        Ok(self.stop_client(id, event).await?.is_some())
    }
}

fn read(row: &AnyRow) -> Result<ClientRow, StoreError> {
    Ok(ClientRow {
        client: row.value("body")?,
        first_seen_at: row.moment("first_seen_at")?,
        last_used_at: row.moment("last_used_at")?,
        disabled_at: row.maybe_moment("disabled_at")?,
    })
}

/// Remembers that somebody let this client act.
pub(crate) async fn remember(tx: &mut Tx, client: &Client, now: Timestamp) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO clients (digest, body, first_seen_at, last_used_at) VALUES ($1, $2, $3, $3)
         ON CONFLICT (digest) DO UPDATE SET body = excluded.body, last_used_at = excluded.last_used_at",
    )
    .bind(client.id.digest())
    .bind(json("clients.body", client)?)
    .bind(now.millis())
    .execute(tx.sql())
    .await?;
    Ok(())
}
