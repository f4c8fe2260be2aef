//! Disabling and enabling accounts and clients. Disabling an account ends what acts for it, for good; disabling a client
//! keeps its grants, so that enabling it lets everybody go on.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::ids::{ClientId, GrantId, UserId};
use bailiwick_domain::time::Timestamp;

use crate::error::{Fault, StoreError};
use crate::feed::Change;
use crate::lane::{Tx, Verdict};
use crate::rows::Columns as _;
use crate::store::Store;

/// What ended with an account or a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Grants that were live.
    pub grants: u64,
    /// Browsers that were signed in.
    pub sessions: u64,
    /// When the last access token expires that was issued and not revoked: until then it passes where nobody asks us.
    pub last_token: Option<Timestamp>,
}

impl Store {
    /// Disables an account and says what ended; everything that acts for it stops at once, in every process, and its
    /// grants and sessions do not come back. `None` when it is unknown or was disabled.
    pub async fn stop_user(&self, id: &UserId, event: AuditEvent) -> Result<Option<Ended>, StoreError> {
        self.write(id.as_str(), (id.clone(), event), |(id, event), tx| {
            Box::pin(async move {
                let sql = "UPDATE users SET disabled_at = $1,
                         standing_at = CASE WHEN standing_at >= $1 THEN standing_at + 1 ELSE $1 END
                     WHERE id = $2 AND disabled_at IS NULL RETURNING standing_at";
                let Some(at) = switch(tx, sql, id.as_str(), event.at).await? else {
                    return Ok(Verdict::Undo(None));
                };
                let last_token = last_token(tx, "g.user_id = $1", id.as_str(), event.at).await?;
                let ended = end_grants(tx, id, "the account was disabled", event.at).await?;
                let sessions = sqlx::query("DELETE FROM sessions WHERE user_id = $1")
                    .bind(id.as_str())
                    .execute(tx.sql())
                    .await?
                    .rows_affected();
                tx.tell(Change::user(id), at).await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(Some(Ended { grants: ended, sessions, last_token })))
            })
        })
        .await
    }

    /// Lets an account be used again; `false` when it is unknown or was not disabled.
    pub async fn enable_user(&self, id: &UserId, event: AuditEvent) -> Result<bool, StoreError> {
        self.write(id.as_str(), (id.clone(), event), |(id, event), tx| {
            Box::pin(async move {
                let sql = "UPDATE users SET disabled_at = NULL,
                         standing_at = CASE WHEN standing_at >= $1 THEN standing_at + 1 ELSE $1 END
                     WHERE id = $2 AND disabled_at IS NOT NULL RETURNING standing_at";
                let Some(at) = switch(tx, sql, id.as_str(), event.at).await? else {
                    return Ok(Verdict::Undo(false));
                };
                tx.tell(Change::user_back(id), at).await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(true))
            })
        })
        .await
    }

    /// Stops a client for everybody, at once, and says what it held. `None` when it is unknown or was stopped.
    pub async fn stop_client(&self, id: &ClientId, event: AuditEvent) -> Result<Option<Ended>, StoreError> {
        self.write(id.as_str(), (id.clone(), event), |(id, event), tx| {
            Box::pin(async move {
                let sql = "UPDATE clients SET disabled_at = $1,
                         standing_at = CASE WHEN standing_at >= $1 THEN standing_at + 1 ELSE $1 END
                     WHERE digest = $2 AND disabled_at IS NULL RETURNING standing_at";
                let Some(at) = switch(tx, sql, &id.digest(), event.at).await? else {
                    return Ok(Verdict::Undo(None));
                };
                let last_token = last_token(tx, "g.client = $1", &id.digest(), event.at).await?;
                let held = sqlx::query(
                    "SELECT COUNT(*) AS held FROM grants WHERE client = $1 AND revoked_at IS NULL AND expires_at > $2",
                )
                .bind(id.digest())
                .bind(event.at.millis())
                .fetch_one(tx.sql())
                .await?
                .number("held")?;
                tx.tell(Change::client(id), at).await?;
                tx.audit(event).await?;
                let grants = u64::try_from(held).unwrap_or(0);
                Ok(Verdict::Keep(Some(Ended { grants, sessions: 0, last_token })))
            })
        })
        .await
    }

    /// Lets a client act again, with the grants it holds; `false` when it is unknown or was not stopped.
    pub async fn enable_client(&self, id: &ClientId, event: AuditEvent) -> Result<bool, StoreError> {
        self.write(id.as_str(), (id.clone(), event), |(id, event), tx| {
            Box::pin(async move {
                let sql = "UPDATE clients SET disabled_at = NULL,
                         standing_at = CASE WHEN standing_at >= $1 THEN standing_at + 1 ELSE $1 END
                     WHERE digest = $2 AND disabled_at IS NOT NULL RETURNING standing_at";
                let Some(at) = switch(tx, sql, &id.digest(), event.at).await? else {
                    return Ok(Verdict::Undo(false));
                };
                tx.tell(Change::client_back(id), at).await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(true))
            })
        })
        .await
    }
}

/// Runs an UPDATE that answers the moment it counts from; `None` when it found nothing to change.
async fn switch(tx: &mut Tx, sql: &'static str, key: &str, at: Timestamp) -> Result<Option<Timestamp>, Fault> {
    let row = sqlx::query(sql).bind(at.millis()).bind(key).fetch_optional(tx.sql()).await?;
    row.map(|row| row.moment("standing_at")).transpose()
}

/// Ends every grant of a user; answers how many were live.
pub(crate) async fn end_grants(tx: &mut Tx, user: &UserId, reason: &str, at: Timestamp) -> Result<u64, Fault> {
    let rows = sqlx::query(
        "UPDATE grants SET revoked_at = $1, revoke_reason = $3
         WHERE user_id = $2 AND revoked_at IS NULL AND expires_at > $1 RETURNING id",
    )
    .bind(at.millis())
    .bind(user.as_str())
    .bind(reason)
    .fetch_all(tx.sql())
    .await?;
    sqlx::query(
        "UPDATE refresh_tokens SET sealed_response = NULL WHERE sealed_response IS NOT NULL
             AND grant_id IN (SELECT id FROM grants WHERE user_id = $1)",
    )
    .bind(user.as_str())
    .execute(tx.sql())
    .await?;
    for row in &rows {
        tx.tell(Change::grant(&GrantId::from_stored(row.text("id")?)), at).await?;
    }
    Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
}

/// When the last living access token below these grants expires.
async fn last_token(tx: &mut Tx, whose: &'static str, key: &str, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
    let sql = format!(
        "SELECT MAX(t.expires_at) AS last FROM access_tokens t JOIN grants g ON g.id = t.grant_id
         WHERE {whose} AND t.revoked_at IS NULL AND g.revoked_at IS NULL AND t.expires_at > $2"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(key.to_owned()).bind(now.millis()).fetch_one(tx.sql()).await?;
    row.maybe_moment("last")
}
