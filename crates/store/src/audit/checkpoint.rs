//! Checkpoints as they are kept. Whoever holds the signing key writes them; here they are text, in one numbered chain.

use bailiwick_domain::audit::{Checkpoint, Head, MOST_HEADS};
use bailiwick_domain::ids::WriterId;
use bailiwick_domain::time::Timestamp;
use sqlx::any::AnyRow;

use crate::error::{Fault, StoreError};
use crate::lane::{Tx, Verdict};
use crate::rows::Columns as _;
use crate::store::Store;

/// The setting that names the newest.
const NEWEST: &str = "audit_checkpoint";

/// A checkpoint that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointRow {
    /// Its number.
    pub number: i64,
    /// When it was made.
    pub at: Timestamp,
    /// The signed statement.
    pub statement: String,
    /// The statement's digest.
    pub hash: String,
}

/// A checkpoint that waits to be signed.
#[derive(Clone, Debug)]
pub struct DueCheckpoint {
    /// What to sign.
    pub checkpoint: Checkpoint,
    /// What the setting said; whoever changes it from that is first.
    setting: Option<String>,
}

impl Store {
    /// The next checkpoint, where a chain grew since the last. It follows the newest one known: to the tables, or to
    /// whoever asks (`known`: number and digest), so that deleting the newest leaves a gap for good.
    pub async fn checkpoint_due(
        &self,
        known: Option<(i64, String)>,
        now: Timestamp,
    ) -> Result<Option<DueCheckpoint>, StoreError> {
        let rows = sqlx::query(
            "SELECT w.id, w.audit_seq, w.audit_hash FROM writers w LEFT JOIN checkpoint_heads c ON c.writer = w.id
             WHERE w.audit_seq > COALESCE(c.seq, 0) ORDER BY w.id LIMIT $1",
        )
        .bind(i64::try_from(MOST_HEADS).unwrap_or(i64::MAX))
        .fetch_all(self.readers())
        .await
        .map_err(Fault::from)?;
        let heads = rows.iter().map(head).collect::<Result<Vec<_>, Fault>>()?;
        if heads.is_empty() {
            return Ok(None);
        }
        let setting = self.checkpoint_setting().await?;
        let kept = self.newest_checkpoint().await?.map(|row| (row.number, row.hash));
        let last = [setting.as_deref().and_then(place), kept, known].into_iter().flatten().max();
        let (number, prev) = last.unwrap_or_default();
        let checkpoint = Checkpoint { number: number.saturating_add(1), at: now, prev, heads };
        Ok(Some(DueCheckpoint { checkpoint, setting }))
    }

    /// Keeps a signed checkpoint; `false` when another process was first.
    ///
    /// INVARIANT: over all processes, each statement follows one, and is followed by one.
    pub async fn keep_checkpoint(&self, due: DueCheckpoint, statement: String) -> Result<bool, StoreError> {
        self.write(NEWEST, (due, statement), |(due, statement), tx| {
            Box::pin(async move {
                if !take_turn(due, statement, tx).await? {
                    return Ok(Verdict::Undo(false));
                }
                let row = sqlx::query(
                    "INSERT INTO checkpoints (number, at, statement, hash) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (number) DO NOTHING RETURNING number",
                )
                .bind(due.checkpoint.number)
                .bind(due.checkpoint.at.millis())
                .bind(statement.as_str())
                .bind(Checkpoint::digest(statement))
                .fetch_optional(tx.sql())
                .await?;
                if row.is_none() {
                    return Ok(Verdict::Undo(false));
                }
                for head in &due.checkpoint.heads {
                    note(head, tx).await?;
                }
                Ok(Verdict::Keep(true))
            })
        })
        .await
    }

    /// The newest checkpoint there is.
    pub async fn newest_checkpoint(&self) -> Result<Option<CheckpointRow>, StoreError> {
        let row = sqlx::query("SELECT number, at, statement, hash FROM checkpoints ORDER BY number DESC LIMIT 1")
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    /// The checkpoints past that number, in order.
    pub async fn checkpoints(&self, after: i64, limit: u32) -> Result<Vec<CheckpointRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT number, at, statement, hash FROM checkpoints WHERE number > $1 ORDER BY number LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(Fault::from)?;
        Ok(rows.iter().map(read).collect::<Result<_, Fault>>()?)
    }

    /// What the newest is said to be: its number and digest.
    pub(super) async fn checkpoint_place(&self) -> Result<Option<(i64, String)>, StoreError> {
        Ok(self.checkpoint_setting().await?.as_deref().and_then(place))
    }

    async fn checkpoint_setting(&self) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT value FROM settings WHERE name = $1")
            .bind(NEWEST)
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.map(|row| row.text("value")).transpose()?)
    }
}

/// Moves the setting from what was read to this one.
async fn take_turn(due: &DueCheckpoint, statement: &str, tx: &mut Tx) -> Result<bool, Fault> {
    let value = format!("{} {}", due.checkpoint.number, Checkpoint::digest(statement));
    let query = match &due.setting {
        Some(old) => sqlx::query("UPDATE settings SET value = $1 WHERE name = $2 AND value = $3 RETURNING name")
            .bind(value)
            .bind(NEWEST)
            .bind(old.as_str()),
        None => sqlx::query(
            "INSERT INTO settings (value, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING name",
        )
        .bind(value)
        .bind(NEWEST),
    };
    Ok(query.fetch_optional(tx.sql()).await?.is_some())
}

async fn note(head: &Head, tx: &mut Tx) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO checkpoint_heads (writer, seq) VALUES ($1, $2) ON CONFLICT (writer) DO UPDATE SET seq = excluded.seq",
    )
    .bind(head.writer.as_str())
    .bind(head.seq)
    .execute(tx.sql())
    .await?;
    Ok(())
}

fn head(row: &AnyRow) -> Result<Head, Fault> {
    Ok(Head {
        writer: WriterId::from_stored(row.text("id")?),
        seq: row.number("audit_seq")?,
        hash: row.text("audit_hash")?,
    })
}

fn read(row: &AnyRow) -> Result<CheckpointRow, Fault> {
    Ok(CheckpointRow {
        number: row.number("number")?,
        at: row.moment("at")?,
        statement: row.text("statement")?,
        hash: row.text("hash")?,
    })
}

fn place(setting: &str) -> Option<(i64, String)> {
    let (number, hash) = setting.split_once(' ')?;
    Some((number.parse().ok()?, hash.to_owned()))
}
