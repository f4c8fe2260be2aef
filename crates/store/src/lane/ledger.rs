//! What one writer wrote last: the heads of its audit chain and of its feed.

use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::ids::WriterId;
use bailiwick_domain::time::Timestamp;
use sqlx::AnyConnection;

use crate::error::Fault;
use crate::feed::Change;

/// The heads of one writer, and what its transaction has to tell once it is committed.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) writer: WriterId,
    pub(crate) audit_seq: i64,
    pub(crate) audit_hash: String,
    pub(crate) feed_seq: i64,
    pub(crate) changes: Vec<(Change, Timestamp)>,
    kept: (i64, i64),
}

impl Ledger {
    /// A new writer. A lane begins one at its start and after every broken connection: whatever became of the last
    /// transaction, nobody will write under its numbers again.
    pub(crate) fn begin(entropy: &dyn Entropy) -> Self {
        Self {
            writer: WriterId::draw(entropy),
            audit_seq: 0,
            audit_hash: String::new(),
            feed_seq: 0,
            changes: Vec::new(),
            kept: (0, 0),
        }
    }

    /// Writes the heads beside the rows they count, in the same transaction.
    pub(crate) async fn keep(&mut self, connection: &mut AnyConnection, now: Timestamp) -> Result<(), Fault> {
        if self.kept == (self.audit_seq, self.feed_seq) {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO writers (id, audit_seq, audit_hash, feed_seq, written_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO UPDATE SET audit_seq = excluded.audit_seq, audit_hash = excluded.audit_hash,
                 feed_seq = excluded.feed_seq, written_at = excluded.written_at",
        )
        .bind(self.writer.as_str())
        .bind(self.audit_seq)
        .bind(self.audit_hash.as_str())
        .bind(self.feed_seq)
        .bind(now.millis())
        .execute(connection)
        .await?;
        self.kept = (self.audit_seq, self.feed_seq);
        Ok(())
    }
}
