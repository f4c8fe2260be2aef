//! Things that are good once, remembered for as long as they could be shown again.

use bailiwick_domain::time::Timestamp;

use crate::error::StoreError;
use crate::lane::Verdict;
use crate::store::Store;

impl Store {
    /// Uses up the thing of that kind and key, which nobody takes from `expires_at` on.
    ///
    /// INVARIANT: of all calls with one kind and key before `expires_at`, in all processes, at most one is answered
    /// `true`.
    pub async fn once(
        &self,
        kind: &'static str,
        key: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let input = (kind, key.to_owned(), expires_at, now);
        self.write(key, input, |(kind, key, expires_at, now), tx| {
            Box::pin(async move {
                // One that is over may be swept or not; the answer is the same.
                let row = sqlx::query(
                    "INSERT INTO replay (kind, key, expires_at) VALUES ($1, $2, $3)
                     ON CONFLICT (kind, key) DO UPDATE SET expires_at = excluded.expires_at
                     WHERE replay.expires_at <= $4 RETURNING key",
                )
                .bind(*kind)
                .bind(key.as_str())
                .bind(expires_at.millis())
                .bind(now.millis())
                .fetch_optional(tx.sql())
                .await?;
                Ok(Verdict::Keep(row.is_some()))
            })
        })
        .await
    }
}
