//! Following the audit: each writer's rows come in the order of their numbers, so the places reached in every chain
//! tell exactly what is new, however slow a transaction was.

use std::collections::BTreeMap;

use bailiwick_domain::time::Timestamp;

use super::read::{self, AuditRow};
use crate::error::{Fault, StoreError};
use crate::rows::Columns as _;
use crate::store::Store;

/// How far each writer's chain was read.
pub type AuditPlaces = BTreeMap<String, i64>;

/// Of which time rows are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditSpan {
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

impl Store {
    /// Reads on from these places: at most about `limit` rows, oldest first, and the places reached. With no rows,
    /// nothing is new.
    pub async fn audit_follow(
        &self,
        mut places: AuditPlaces,
        span: AuditSpan,
        limit: u32,
    ) -> Result<(Vec<AuditRow>, AuditPlaces), StoreError> {
        let heads = sqlx::query("SELECT id, audit_seq FROM writers WHERE audit_seq > 0 ORDER BY id")
            .fetch_all(self.readers())
            .await
            .map_err(Fault::from)?;
        let mut found: Vec<AuditRow> = Vec::new();
        for head in heads {
            let (writer, end) = (head.text("id")?, head.number("audit_seq")?);
            let place = places.get(&writer).copied().unwrap_or(0);
            let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(found.len());
            if place >= end || room == 0 {
                continue;
            }
            let rows = self.stretch(&writer, (place, end), span, room).await?;
            let all = rows.len() < room;
            let reached = rows.last().map(|row| row.seq).filter(|_| !all).unwrap_or(end);
            places.insert(writer, reached);
            found.extend(rows);
        }
        found.sort_by_key(|row| row.event.at);
        Ok((found, places))
    }

    /// The rows of one writer past the first place, up to the second.
    async fn stretch(
        &self,
        writer: &str,
        (place, end): (i64, i64),
        span: AuditSpan,
        most: usize,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT writer, seq, body, prev_hash, hash FROM audit
             WHERE writer = $1 AND seq > $2 AND seq <= $3 AND at >= $4 AND at < $5 ORDER BY seq LIMIT $6",
        )
        .bind(writer)
        .bind(place)
        .bind(end)
        .bind(span.since.map_or(i64::MIN, Timestamp::millis))
        .bind(span.until.map_or(i64::MAX, Timestamp::millis))
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(self.readers())
        .await
        .map_err(Fault::from)?;
        Ok(rows.iter().map(read::row).collect::<Result<_, Fault>>()?)
    }
}
