//! Changing a password.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::ids::{SessionId, UserId};

use crate::error::StoreError;
use crate::lane::Verdict;
use crate::store::Store;

impl Store {
    /// Keeps a new password hash and signs the user out everywhere but in `here`; `false` when the user is unknown or
    /// disabled.
    pub async fn change_password(
        &self,
        user: &UserId,
        phc: String,
        here: &SessionId,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.write(user.as_str(), (user.clone(), phc, here.clone(), event), |(user, phc, here, event), tx| {
            Box::pin(async move {
                let row =
                    sqlx::query("UPDATE users SET password = $1 WHERE id = $2 AND disabled_at IS NULL RETURNING id")
                        .bind(phc.as_str())
                        .bind(user.as_str())
                        .fetch_optional(tx.sql())
                        .await?;
                if row.is_none() {
                    return Ok(Verdict::Undo(false));
                }
                sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
                    .bind(user.as_str())
                    .bind(here.as_str())
                    .execute(tx.sql())
                    .await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(true))
            })
        })
        .await
    }
}
