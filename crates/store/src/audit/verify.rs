//! Checking the audit: every checkpoint, then every chain from its first row to its head and to what was signed of it.

use std::collections::{BTreeMap, HashMap};

use bailiwick_domain::audit::{Checkpoint, Head};
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::jose::JwkSet;
use bailiwick_domain::time::Timestamp;
use sqlx::any::AnyRow;

use super::checkpoint::CheckpointRow;
use super::verdict::{AuditVerdict, Break, Flaw, Signed};
use super::walk::{Chain, Walk, at_row};
use crate::error::{Fault, StoreError};
use crate::rows::Columns as _;
use crate::store::Store;

const PAGE: u32 = 1000;

impl Store {
    /// Checks everything. `keys` are those that may have signed; `known` is the newest checkpoint that the caller
    /// remembers, by number and digest: what was cut off after it shows only there.
    pub async fn verify_audit(&self, keys: &JwkSet, known: Option<(i64, String)>) -> Result<AuditVerdict, StoreError> {
        let mut verdict = AuditVerdict::default();
        // In this order: what comes later is never behind what was read before.
        let known: Vec<_> = [known, self.checkpoint_place().await?].into_iter().flatten().collect();
        let signed = self.check_checkpoints(keys, &known, &mut verdict).await?;
        let mut chains = self.heads().await?;
        for (writer, seq) in self.beyond_heads().await? {
            match chains.get(&writer) {
                Some(_) => verdict.breaks.push(self.named(Flaw::Extra, &writer, seq).await?),
                None => {
                    chains.insert(writer, None);
                }
            }
        }
        for writer in signed.keys() {
            chains.entry(writer.clone()).or_insert(None);
        }
        for (writer, head) in chains {
            let chain = Chain { signed: signed.get(&writer), head, writer };
            self.check_chain(&chain, keys, &mut verdict).await?;
        }
        verdict.breaks.sort_by_key(|found| (found.at.or(found.after), found.seq));
        Ok(verdict)
    }

    /// Every writer's head, as it is kept.
    async fn heads(&self) -> Result<BTreeMap<String, Option<(i64, String)>>, StoreError> {
        let rows = sqlx::query("SELECT id, audit_seq, audit_hash FROM writers WHERE audit_seq > 0")
            .fetch_all(self.readers())
            .await
            .map_err(Fault::from)?;
        let head = |row: &AnyRow| Ok((row.text("id")?, Some((row.number("audit_seq")?, row.text("audit_hash")?))));
        Ok(rows.iter().map(head).collect::<Result<_, Fault>>()?)
    }

    /// The first row of each writer that its head does not count. One statement, so that a row and its head, which are
    /// written together, are seen together.
    async fn beyond_heads(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT a.writer AS writer, MIN(a.seq) AS seq FROM audit a LEFT JOIN writers w ON w.id = a.writer
             WHERE a.seq > COALESCE(w.audit_seq, 0) GROUP BY a.writer",
        )
        .fetch_all(self.readers())
        .await
        .map_err(Fault::from)?;
        Ok(rows.iter().map(|row| Ok((row.text("writer")?, row.number("seq")?))).collect::<Result<_, Fault>>()?)
    }

    /// Checks the chain of checkpoints; answers the last signed head of each writer.
    async fn check_checkpoints(
        &self,
        keys: &JwkSet,
        known: &[(i64, String)],
        verdict: &mut AuditVerdict,
    ) -> Result<HashMap<String, Head>, StoreError> {
        let mut signed = HashMap::new();
        let mut last: Option<CheckpointRow> = None;
        loop {
            let page = self.checkpoints(last.as_ref().map_or(i64::MIN, |row| row.number), PAGE).await?;
            if page.is_empty() {
                break;
            }
            for row in page {
                let expected = last.as_ref().map_or(1, |last| last.number.saturating_add(1));
                let after = last.as_ref().map(|last| last.at);
                if row.number > expected {
                    verdict.breaks.push(of_checkpoint(Flaw::CheckpointMissing, expected, None, after));
                }
                let follows = last.as_ref().filter(|_| row.number == expected);
                let is_known = known.iter().all(|(number, hash)| *number != row.number || *hash == row.hash);
                match Checkpoint::read(&row.statement, keys) {
                    Ok(stated) if is_known && is_as_kept(&stated, &row, follows) => {
                        verdict.checkpoints = verdict.checkpoints.saturating_add(1);
                        verdict.signed = Some(Signed { number: row.number, at: row.at });
                        signed.extend(stated.heads.into_iter().map(|head| (head.writer.as_str().to_owned(), head)));
                    }
                    Ok(_) | Err(_) => {
                        let found = of_checkpoint(Flaw::CheckpointAltered, row.number, Some(row.at), after);
                        verdict.breaks.push(found);
                    }
                }
                last = Some(row);
            }
        }
        let (number, at) = last.map_or((0, None), |last| (last.number, Some(last.at)));
        if known.iter().any(|(newest, _)| *newest > number) {
            verdict.breaks.push(of_checkpoint(Flaw::CheckpointMissing, number.saturating_add(1), None, at));
        }
        Ok(signed)
    }

    /// Checks one chain, up to the first thing that is wrong.
    async fn check_chain(
        &self,
        chain: &Chain<'_>,
        keys: &JwkSet,
        verdict: &mut AuditVerdict,
    ) -> Result<(), StoreError> {
        let signed = chain.signed.filter(|_| holds(Control::AuditCheckpoint));
        let end = chain.head.as_ref().map(|(seq, _)| *seq);
        let mut walk = Walk::begin(signed.map(|head| head.seq));
        let found = self.walk(&chain.writer, end, &mut walk).await?;
        verdict.rows = verdict.rows.saturating_add(u64::try_from(walk.seq).unwrap_or(0));
        verdict.writers = verdict.writers.saturating_add(1);
        let covered = chain.signed.map_or(0, |head| head.seq);
        verdict.unsigned = verdict.unsigned.saturating_add(u64::try_from(walk.seq - covered).unwrap_or(0));
        let Some(mut found) = found.or_else(|| walk.against(chain, signed)) else { return Ok(()) };
        if found.flaw == Flaw::Rewritten {
            (found.seq, found.after) = self.first_rewritten(&chain.writer, keys).await?;
        }
        verdict.breaks.push(found);
        Ok(())
    }

    /// Where a chain that was written anew leaves what was signed, as near as checkpoints tell: past the last row that
    /// one of them still knows, with that row's time.
    async fn first_rewritten(&self, writer: &str, keys: &JwkSet) -> Result<(i64, Option<Timestamp>), StoreError> {
        let (mut number, mut whole) = (i64::MIN, (1, None));
        loop {
            let page = self.checkpoints(number, PAGE).await?;
            let Some(last) = page.last() else { return Ok(whole) };
            number = last.number;
            let stated = page.iter().filter_map(|row| Checkpoint::read(&row.statement, keys).ok());
            for head in stated.flat_map(|stated| stated.heads).filter(|head| head.writer.as_str() == writer) {
                let row = sqlx::query("SELECT at FROM audit WHERE writer = $1 AND seq = $2 AND hash = $3")
                    .bind(writer)
                    .bind(head.seq)
                    .bind(head.hash)
                    .fetch_optional(self.readers())
                    .await
                    .map_err(Fault::from)?;
                let Some(row) = row else { return Ok(whole) };
                whole = (head.seq.saturating_add(1), row.moment("at").ok());
            }
        }
    }

    /// Walks a chain to `end`, or to its last row; answers the first row that is not as it was written.
    async fn walk(&self, writer: &str, end: Option<i64>, walk: &mut Walk) -> Result<Option<Break>, StoreError> {
        while end.is_none_or(|end| walk.seq < end) {
            let page = sqlx::query(
                "SELECT seq, at, kind, correlation, user_id, client, grant_id, transaction_id, body, prev_hash, hash
                 FROM audit WHERE writer = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4",
            )
            .bind(writer)
            .bind(walk.seq)
            .bind(end.unwrap_or(i64::MAX))
            .bind(i64::from(PAGE))
            .fetch_all(self.readers())
            .await
            .map_err(Fault::from)?;
            if page.is_empty() {
                return Ok(end.map(|_| walk.at_next(Flaw::Truncated, writer, None)));
            }
            for row in page {
                // What this program never wrote was written by somebody else.
                let flaw = match walk.flaw(&row, writer) {
                    Err(Fault::Unreadable(_)) => Some(Flaw::Altered),
                    flaw => flaw?,
                };
                if let Some(flaw) = flaw {
                    let shown = (flaw != Flaw::Missing).then_some(&row);
                    return Ok(Some(walk.at_next(flaw, writer, shown)));
                }
                walk.step(&row)?;
            }
        }
        Ok(None)
    }

    /// A break at a row that is there.
    async fn named(&self, flaw: Flaw, writer: &str, seq: i64) -> Result<Break, StoreError> {
        let row = sqlx::query("SELECT at, kind FROM audit WHERE writer = $1 AND seq = $2")
            .bind(writer)
            .bind(seq)
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        Ok(at_row(flaw, writer, seq, row.as_ref(), None))
    }
}

/// True when a statement says what its row does, and follows the one before it where that is there.
fn is_as_kept(stated: &Checkpoint, row: &CheckpointRow, follows: Option<&CheckpointRow>) -> bool {
    (stated.number, stated.at) == (row.number, row.at)
        && Checkpoint::digest(&row.statement) == row.hash
        && follows.is_none_or(|before| stated.prev == before.hash)
}

fn of_checkpoint(flaw: Flaw, number: i64, at: Option<Timestamp>, after: Option<Timestamp>) -> Break {
    Break { flaw, writer: None, seq: number, at, kind: None, after }
}
