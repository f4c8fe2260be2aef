//! Slowing down whoever guesses. An attempt is counted before the password is looked at, so that guesses made side by
//! side cannot all slip through before the first one fails.

use std::time::Duration;

use bailiwick_domain::control::{self, Control};
use bailiwick_domain::time::Timestamp;

use crate::error::StoreError;
use crate::lane::{Done, Tx, Verdict};
use crate::rows::Columns as _;
use crate::store::Store;

/// How many failures cost nothing.
const FREE: i64 = 5;
/// The longest wait.
const CAP: Duration = Duration::from_mins(15);
/// How long failures are held against a subject.
const MEMORY: Duration = Duration::from_hours(24);

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Yes; it counts as failed until [`Store::succeeded`].
    Go,
    /// Not before this much time has passed.
    Wait(Duration),
}

impl Store {
    /// Asks to make an attempt as `key`, and counts it.
    ///
    /// INVARIANT: past the free ones, at most one attempt per key gets `Go` in each waiting time.
    pub async fn attempt(&self, key: &str, now: Timestamp) -> Result<Attempt, StoreError> {
        self.write(key, (key.to_owned(), now), |(key, now), tx| Box::pin(attempt(tx, key, *now))).await
    }

    /// Says that the attempt failed: the next waiting time begins now, not when it was asked for.
    pub async fn failed(&self, key: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write(key, (key.to_owned(), now), |(key, now), tx| {
            Box::pin(async move {
                let row = sqlx::query("SELECT failures FROM throttle WHERE subject = $1").bind(key.as_str());
                if let Some(row) = row.fetch_optional(tx.sql()).await? {
                    close_until(tx, key, now.after(wait(row.number("failures")?))).await?;
                }
                Ok(Verdict::Keep(()))
            })
        })
        .await
    }

    /// Says that the attempt succeeded: nothing is held against `key` any more.
    pub async fn succeeded(&self, key: &str) -> Result<(), StoreError> {
        self.write(key, key.to_owned(), |key, tx| {
            Box::pin(async move {
                sqlx::query("DELETE FROM throttle WHERE subject = $1").bind(key.as_str()).execute(tx.sql()).await?;
                Ok(Verdict::Keep(()))
            })
        })
        .await
    }
}

async fn attempt(tx: &mut Tx, key: &str, now: Timestamp) -> Done<Attempt> {
    let counted = sqlx::query(
        "INSERT INTO throttle (subject, failures, open_at, forgive_at) VALUES ($1, 1, $2, $3)
         ON CONFLICT (subject) DO UPDATE SET
             failures = CASE WHEN throttle.forgive_at <= $2 THEN 1 ELSE throttle.failures + 1 END,
             forgive_at = excluded.forgive_at
         WHERE throttle.open_at <= $2 RETURNING failures",
    )
    .bind(key)
    .bind(now.millis())
    .bind(now.after(MEMORY).millis())
    .fetch_optional(tx.sql())
    .await?;
    if let Some(row) = counted {
        close_until(tx, key, now.after(wait(row.number("failures")?))).await?;
        return Ok(Verdict::Keep(Attempt::Go));
    }
    if !control::holds(Control::Throttle) {
        return Ok(Verdict::Undo(Attempt::Go));
    }
    let row = sqlx::query("SELECT open_at FROM throttle WHERE subject = $1").bind(key).fetch_one(tx.sql()).await?;
    Ok(Verdict::Undo(Attempt::Wait(row.moment("open_at")?.since(now))))
}

async fn close_until(tx: &mut Tx, key: &str, open_at: Timestamp) -> Result<(), crate::error::Fault> {
    sqlx::query("UPDATE throttle SET open_at = $1 WHERE subject = $2")
        .bind(open_at.millis())
        .bind(key)
        .execute(tx.sql())
        .await?;
    Ok(())
}

/// Nothing up to the free attempts, then one second, doubled by each further failure.
fn wait(failures: i64) -> Duration {
    let Ok(past) = u32::try_from(failures - FREE) else { return Duration::ZERO };
    Duration::from_secs(1_u64.checked_shl(past.min(32)).unwrap_or(u64::MAX)).min(CAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let waits = [1, 4, 5, 6, 8, 14, 15, 1000].map(|failures| wait(failures).as_secs());

        assert_eq!(waits, [0, 0, 1, 2, 8, 512, 900, 900]);
    }
}
