//! What administration reads and writes beyond what the endpoints need.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::policy::Role;
use bailiwick_domain::time::Timestamp;

use crate::error::{Fault, StoreError};
use crate::grants::{self, GrantRow};
use crate::lane::Verdict;
use crate::rows::Columns as _;
use crate::store::Store;

/// An account as administration lists it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// The name to sign in with.
    pub name: String,
    /// What they may do in administration.
    pub role: Role,
    /// The groups.
    pub groups: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was disabled.
    pub disabled_at: Option<Timestamp>,
    /// How many grants act for it.
    pub grants: u64,
    /// How many browsers are signed in.
    pub sessions: u64,
}

impl Store {
    /// Every account, by name.
    pub async fn accounts(&self, now: Timestamp) -> Result<Vec<Account>, StoreError> {
        self.accounts_from((i64::MAX, 0), now).await
    }

    /// At most `limit` accounts by name, after the first `skip`.
    pub async fn some_accounts(&self, limit: u32, skip: u32, now: Timestamp) -> Result<Vec<Account>, StoreError> {
        self.accounts_from((i64::from(limit), i64::from(skip)), now).await
    }

    async fn accounts_from(&self, (limit, skip): (i64, i64), now: Timestamp) -> Result<Vec<Account>, StoreError> {
        let rows = sqlx::query(
            "SELECT u.id, u.name, u.role, u.member_of, u.created_at, u.disabled_at,
                 (SELECT COUNT(*) FROM grants g WHERE g.user_id = u.id AND g.activated_at IS NOT NULL
                     AND g.revoked_at IS NULL AND g.expires_at > $1) AS grants,
                 (SELECT COUNT(*) FROM sessions s WHERE s.user_id = u.id AND s.idle_until > $1
                     AND s.expires_at > $1) AS sessions
             FROM users u ORDER BY u.name_key LIMIT $2 OFFSET $3",
        )
        .bind(now.millis())
        .bind(limit)
        .bind(skip)
        .fetch_all(self.readers())
        .await
        .map_err(Fault::from)?;
        let account = |row: &sqlx::any::AnyRow| {
            Ok(Account {
                id: UserId::from_stored(row.text("id")?),
                name: row.text("name")?,
                role: Role::named(&row.text("role")?).ok_or(Fault::Unreadable("users.role"))?,
                groups: row.value("member_of")?,
                created_at: row.moment("created_at")?,
                disabled_at: row.maybe_moment("disabled_at")?,
                grants: u64::try_from(row.number("grants")?).unwrap_or(0),
                sessions: u64::try_from(row.number("sessions")?).unwrap_or(0),
            })
        };
        Ok(rows.iter().map(account).collect::<Result<_, Fault>>()?)
    }

    /// Every grant, or one user's, newest first and at most `limit`: ended ones included.
    pub async fn all_grants(&self, user: Option<&UserId>, limit: u32) -> Result<Vec<GrantRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT approval, activated_at, revoked_at, revoke_reason, last_used_at FROM grants
             WHERE ($1 IS NULL OR user_id = $1) ORDER BY created_at DESC, id LIMIT $2",
        )
        .bind(user.map(|id| id.as_str().to_owned()))
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(Fault::from)?;
        Ok(rows.iter().map(grants::read).collect::<Result<_, _>>()?)
    }

    /// Keeps a new password hash and signs the user out everywhere; answers how many browsers were signed in, `None`
    /// when the user is unknown.
    pub async fn reset_password(
        &self,
        user: &UserId,
        phc: String,
        event: AuditEvent,
    ) -> Result<Option<u64>, StoreError> {
        self.write(user.as_str(), (user.clone(), phc, event), |(user, phc, event), tx| {
            Box::pin(async move {
                let row = sqlx::query("UPDATE users SET password = $1 WHERE id = $2 RETURNING id")
                    .bind(phc.as_str())
                    .bind(user.as_str())
                    .fetch_optional(tx.sql())
                    .await?;
                if row.is_none() {
                    return Ok(Verdict::Undo(None));
                }
                let ended = sqlx::query("DELETE FROM sessions WHERE user_id = $1")
                    .bind(user.as_str())
                    .execute(tx.sql())
                    .await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(Some(ended.rows_affected())))
            })
        })
        .await
    }
}
