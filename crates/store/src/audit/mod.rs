//! The audit: typed events, written with the change they describe and chained per writer, so that a row cannot be
//! altered, dropped or put between others without breaking every hash after it. (One chain over all writers would be
//! one lock over all writers.) Checkpoints sign the ends of the chains.

mod checkpoint;
mod follow;
mod later;
mod read;
mod verdict;
mod verify;
mod walk;

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::text;
use sqlx::AnyConnection;

pub use checkpoint::{CheckpointRow, DueCheckpoint};
pub use follow::{AuditPlaces, AuditSpan};
pub(crate) use later::Later;
pub use read::{AuditCursor, AuditFilter, AuditRow};
pub use verdict::{AuditVerdict, Break, Flaw, Signed};

use crate::error::{Fault, StoreError};
use crate::lane::{Ledger, Verdict};
use crate::rows::json;
use crate::store::Store;

impl Store {
    /// Writes an event of its own; durable when it returns.
    pub async fn record(&self, event: AuditEvent) -> Result<(), StoreError> {
        // It locks nothing: any lane will do.
        let key = event.correlation.as_ref().map_or_else(|| "audit".to_owned(), |id| id.as_str().to_owned());
        self.write(&key, event, |event, tx| {
            Box::pin(async move {
                tx.audit(event).await?;
                Ok(Verdict::Keep(()))
            })
        })
        .await
    }

    /// Hands an event over to be written soon, or when the database takes writes again. When too many wait already, it
    /// is dropped and counted; then the answer is `false`, and what it speaks of should not be done.
    pub fn record_later(&self, event: AuditEvent) -> bool {
        self.core.later.hand_over(event)
    }

    /// Waits until everything handed over so far is written, or given up.
    pub async fn settle_audit(&self) {
        self.core.later.settled().await;
    }

    /// How many events [`Self::record_later`] had to drop.
    pub fn audit_dropped(&self) -> u64 {
        self.core.later.dropped()
    }
}

/// Writes an event as the next row of this writer's chain.
pub(crate) async fn append(
    connection: &mut AnyConnection,
    ledger: &mut Ledger,
    event: &AuditEvent,
) -> Result<(), Fault> {
    let seq = ledger.audit_seq.saturating_add(1);
    let body = json("audit.body", event)?;
    let hash = link(&ledger.audit_hash, ledger.writer.as_str(), seq, &body);
    sqlx::query(
        "INSERT INTO audit (writer, seq, at, kind, correlation, user_id, client, grant_id, transaction_id, body,
             prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(ledger.writer.as_str())
    .bind(seq)
    .bind(event.at.millis())
    .bind(event.kind.as_str())
    .bind(event.correlation.as_ref().map(|id| id.as_str().to_owned()))
    .bind(event.user.as_ref().map(|id| id.as_str().to_owned()))
    .bind(event.client.as_ref().map(|id| id.as_str().to_owned()))
    .bind(event.grant.as_ref().map(|id| id.as_str().to_owned()))
    .bind(event.transaction.as_ref().map(|id| id.as_str().to_owned()))
    .bind(body)
    .bind(std::mem::replace(&mut ledger.audit_hash, hash.clone()))
    .bind(hash)
    .execute(connection)
    .await?;
    ledger.audit_seq = seq;
    Ok(())
}

/// The hash of a row: over the hash before it, its place, and its text. Lines keep the parts apart, because only the
/// last of them may contain any.
fn link(prev: &str, writer: &str, seq: i64, body: &str) -> String {
    text::encode(&text::sha256(format!("{prev}\n{writer}\n{seq}\n{body}").as_bytes()))
}
