//! Keeping, opening, listing and ending connections.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::entropy::draw;
use bailiwick_domain::ids::UserId;
use sqlx::AssertSqlSafe;

use super::row::{self, Bound, VIEW};
use super::{Connection, ConnectionError, ConnectionKey, ConnectionView, NewConnection};
use crate::error::{Fault, StoreError};
use crate::feed::Change;
use crate::lane::{Done, Tx, Verdict};
use crate::store::Store;
use crate::vault::{KeyError, Record};

/// What a row says that opens for nobody.
const UNREADABLE: &str = "what the vault holds was moved or changed";

impl Store {
    /// Keeps a connection in place of the one there was; answers its generation.
    pub async fn connect(&self, new: NewConnection, event: AuditEvent) -> Result<i64, StoreError> {
        // Drawn, not counted: a connection that was ended and made again shares no generation with its past.
        let generation = i64::from_be_bytes(draw(&*self.core.entropy)) & 0x3fff_ffff_ffff_ffff;
        let bound = Bound {
            key: &new.key,
            generation,
            client: &new.client,
            scope: &new.scope,
            account: new.account.as_deref(),
            expires_at: new.expires_at,
            rotates: new.rotates,
        };
        let record = self.seal_record(&bound.binding(), &new.secret).await?;
        let lock = new.key.lock();
        let input = (new, generation, record, event);
        self.write(&lock, input, |(new, generation, record, event), tx| {
            Box::pin(insert(tx, new, *generation, record, event))
        })
        .await
    }

    /// Opens a connection. One that opens for nobody is put on record and waits for its person.
    pub async fn connection(&self, key: &ConnectionKey) -> Result<Option<Connection>, ConnectionError> {
        let text =
            format!("SELECT {VIEW}, key_name, wrapped, sealed FROM connections WHERE user_id = $1 AND provider = $2");
        let row = sqlx::query(AssertSqlSafe(text))
            .bind(key.user.as_str().to_owned())
            .bind(key.provider.clone())
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        let Some(row) = row else { return Ok(None) };
        let (view, record) = (row::view(&row)?, row::record(&row)?);
        match record.open(&*self.keys(), &view.binding()).await {
            Ok(secret) => Ok(Some(Connection { view, secret })),
            Err(error) => {
                if error == KeyError::Unreadable {
                    self.report_unreadable(view, record).await?;
                }
                Err(error.into())
            }
        }
    }

    /// Every connection of a person.
    pub async fn connections(&self, user: &UserId) -> Result<Vec<ConnectionView>, StoreError> {
        let text = format!("SELECT {VIEW} FROM connections WHERE user_id = $1 ORDER BY provider");
        let rows = sqlx::query(AssertSqlSafe(text))
            .bind(user.as_str().to_owned())
            .fetch_all(self.readers())
            .await
            .map_err(Fault::from)?;
        Ok(rows.iter().map(row::view).collect::<Result<_, _>>()?)
    }

    /// Ends a connection; `false` when there is none.
    pub async fn disconnect(&self, key: &ConnectionKey, event: AuditEvent) -> Result<bool, StoreError> {
        self.write(&key.lock(), (key.clone(), event), |(key, event), tx| {
            Box::pin(async move {
                let row = sqlx::query("DELETE FROM connections WHERE user_id = $1 AND provider = $2 RETURNING user_id")
                    .bind(key.user.as_str())
                    .bind(key.provider.as_str())
                    .fetch_optional(tx.sql())
                    .await?;
                if row.is_none() {
                    return Ok(Verdict::Undo(false));
                }
                tx.tell(Change::connection(&key.user, &key.provider), event.at).await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(true))
            })
        })
        .await
    }

    /// Says once that a row opens for nobody.
    async fn report_unreadable(&self, view: ConnectionView, record: Record) -> Result<(), StoreError> {
        let says = format!("{UNREADABLE}: the connection to {} opens for nobody", view.key.provider);
        tracing::error!(user = %view.key.user, provider = %view.key.provider, "{says}");
        let event = AuditEvent::new(AuditKind::ConnectionUnreadable, self.core.clock.now())
            .user(&view.key.user)
            .rule("vault_binding")
            .says(says);
        self.write(&view.key.lock(), (view.key.clone(), record, event), |(key, record, event), tx| {
            Box::pin(async move {
                let row = sqlx::query(
                    "UPDATE connections SET state = 'needs_reconnect', trouble = $1
                     WHERE user_id = $2 AND provider = $3 AND sealed = $4 AND wrapped = $5
                       AND (trouble IS NULL OR trouble <> $1) RETURNING user_id",
                )
                .bind(UNREADABLE)
                .bind(key.user.as_str())
                .bind(key.provider.as_str())
                .bind(record.sealed.as_str())
                .bind(record.wrapped.text.as_str())
                .fetch_optional(tx.sql())
                .await?;
                if row.is_none() {
                    return Ok(Verdict::Undo(()));
                }
                tx.tell(Change::connection(&key.user, &key.provider), event.at).await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(()))
            })
        })
        .await
    }
}

async fn insert(tx: &mut Tx, new: &NewConnection, generation: i64, record: &Record, event: &AuditEvent) -> Done<i64> {
    sqlx::query(
        "INSERT INTO connections (user_id, provider, client, scope, account, generation, key_name, wrapped, sealed,
             expires_at, rotates, state, connected_at, refreshed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'fresh', $12, $12)
         ON CONFLICT (user_id, provider) DO UPDATE SET client = excluded.client, scope = excluded.scope,
             account = excluded.account, generation = excluded.generation, key_name = excluded.key_name,
             wrapped = excluded.wrapped, sealed = excluded.sealed, expires_at = excluded.expires_at,
             rotates = excluded.rotates, state = 'fresh', trouble = NULL, held_until = 0,
             connected_at = excluded.connected_at, refreshed_at = excluded.refreshed_at",
    )
    .bind(new.key.user.as_str())
    .bind(new.key.provider.as_str())
    .bind(new.client.as_str())
    .bind(new.scope.to_string())
    .bind(new.account.as_deref())
    .bind(generation)
    .bind(record.wrapped.key.as_str())
    .bind(record.wrapped.text.as_str())
    .bind(record.sealed.as_str())
    .bind(new.expires_at.map(bailiwick_domain::time::Timestamp::millis))
    .bind(i64::from(new.rotates))
    .bind(event.at.millis())
    .execute(tx.sql())
    .await?;
    record.note_key(tx, event.at.millis()).await?;
    tx.tell(Change::connection(&new.key.user, &new.key.provider), event.at).await?;
    tx.audit(event).await?;
    Ok(Verdict::Keep(generation))
}
