//! Forgetting, in small batches, what nobody can ask about any more. The audit is not swept.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::time::{Clock, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::error::StoreError;
use crate::lane::{Lanes, Verdict};
use crate::store::Store;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const EVERY: Duration = Duration::from_mins(1);
/// How many batches one sweep makes of one kind of row; the rest waits for the next.
const ROUNDS: u32 = 50;

/// What goes, and how long after its moment. A redeemed code goes with its grant and not before, so that a replay is
/// known for one as long as it could do harm.
const RULES: [(&str, Duration); 12] = [
    (
        "DELETE FROM requests WHERE digest IN (SELECT digest FROM requests WHERE expires_at <= $1 LIMIT 200)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM upstream_logins WHERE digest IN
             (SELECT digest FROM upstream_logins WHERE expires_at <= $1 LIMIT 200)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM signals WHERE digest IN (SELECT digest FROM signals WHERE expires_at <= $1 LIMIT 200)",
        Duration::ZERO,
    ),
    // A used link is told from an unknown one for a day.
    (
        "DELETE FROM connect_tickets WHERE digest IN
             (SELECT digest FROM connect_tickets WHERE expires_at <= $1 LIMIT 200)",
        DAY,
    ),
    ("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= $1 LIMIT 200)", Duration::ZERO),
    (
        "DELETE FROM throttle WHERE subject IN (SELECT subject FROM throttle WHERE forgive_at <= $1 LIMIT 200)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM replay WHERE (kind, key) IN (SELECT kind, key FROM replay WHERE expires_at <= $1 LIMIT 200)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM codes WHERE digest IN
             (SELECT digest FROM codes WHERE expires_at <= $1 AND redeemed_at IS NULL LIMIT 200)",
        HOUR,
    ),
    (
        "DELETE FROM grants WHERE id IN
             (SELECT id FROM grants g WHERE g.created_at <= $1 AND g.activated_at IS NULL
                  AND NOT EXISTS (SELECT 1 FROM codes c WHERE c.grant_id = g.id) LIMIT 200)",
        HOUR,
    ),
    ("DELETE FROM access_tokens WHERE jti IN (SELECT jti FROM access_tokens WHERE expires_at <= $1 LIMIT 200)", DAY),
    ("DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE expires_at <= $1 LIMIT 50)", DAY),
    (
        "DELETE FROM feed WHERE (writer, seq) IN (SELECT writer, seq FROM feed WHERE at <= $1 LIMIT 200)",
        Duration::from_hours(2),
    ),
];

impl Store {
    /// Deletes what is over; answers how many rows went.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        sweep(&self.core.lanes, now).await
    }
}

/// Sweeps every minute until `stop`.
pub(crate) async fn run(lanes: Lanes, clock: Arc<dyn Clock>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = sweep(&lanes, clock.now()).await {
            tracing::warn!(%error, "expired rows could not be swept; the next sweep tries again");
        }
    }
}

async fn sweep(lanes: &Lanes, now: Timestamp) -> Result<u64, StoreError> {
    let mut swept = 0_u64;
    for (text, after) in RULES {
        for _ in 0..ROUNDS {
            let gone = batch(lanes, text, now.before(after)).await?;
            swept = swept.saturating_add(gone);
            if gone == 0 {
                break;
            }
        }
    }
    Ok(swept)
}

/// Deletes one batch in a transaction of its own, so that no request waits long behind it.
async fn batch(lanes: &Lanes, text: &'static str, moment: Timestamp) -> Result<u64, StoreError> {
    lanes
        .write("sweep", (text, moment), |(text, moment), tx| {
            Box::pin(async move {
                let done = sqlx::query(*text).bind(moment.millis()).execute(tx.sql()).await?;
                Ok(Verdict::Keep(done.rows_affected()))
            })
        })
        .await
}
