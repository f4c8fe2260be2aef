//! Grants: one row per approval, and the only place where liveness lives. Revoking one is one write, and every code
//! and token below it is dead.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::client::Client;
use bailiwick_domain::grant::{Approval, CodeGrant};
use bailiwick_domain::ids::{GrantId, UserId};
use bailiwick_domain::opaque::{Code, Digest, RequestHandle};
use bailiwick_domain::time::Timestamp;
use sqlx::any::AnyRow;

use crate::error::{Fault, StoreError};
use crate::feed::Change;
use crate::lane::{Done, Tx, Verdict};
use crate::rows::{Columns as _, json};
use crate::store::Store;
use crate::{clients, codes, requests};

/// A person's approval, with the code that carries it to the client.
#[derive(Clone, Debug)]
pub struct NewApproval {
    /// What was approved.
    pub approval: Approval,
    /// The client, to be remembered.
    pub client: Client,
    /// The digest of the code.
    pub code: Digest<Code>,
    /// What the code stands for.
    pub code_grant: CodeGrant,
    /// The request that is answered with it.
    pub request: Digest<RequestHandle>,
}

/// A grant and what became of it.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// What was approved.
    pub approval: Approval,
    /// When the first token was issued; before that, the grant waits for its code.
    pub activated_at: Option<Timestamp>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
    /// Why.
    pub revoke_reason: Option<String>,
    /// When a token was last issued.
    pub last_used_at: Option<Timestamp>,
}

impl GrantRow {
    /// True while tokens below it may be used.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && !self.approval.is_over(now)
    }
}

impl Store {
    /// Keeps an approval; `false` when its request was answered already.
    pub async fn approve(&self, approval: NewApproval, event: AuditEvent) -> Result<bool, StoreError> {
        // The client is the one row that approvals share.
        self.write(approval.client.id.clone().as_str(), (approval, event), |(new, event), tx| {
            Box::pin(async move {
                if !requests::take(tx, &new.request).await? {
                    return Ok(Verdict::Undo(false));
                }
                clients::remember(tx, &new.client, new.approval.created_at).await?;
                insert(tx, &new.approval, None).await?;
                codes::insert(tx, &new.code, &new.code_grant).await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(true))
            })
        })
        .await
    }

    /// A grant.
    pub async fn grant(&self, id: &GrantId) -> Result<Option<GrantRow>, StoreError> {
        let row = sqlx::query(
            "SELECT approval, activated_at, revoked_at, revoke_reason, last_used_at FROM grants WHERE id = $1",
        )
        .bind(id.as_str().to_owned())
        .fetch_optional(self.readers())
        .await
        .map_err(Fault::from)?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    /// A user's live grants, newest first; those that still wait for their code are not among them.
    pub async fn grants_of(&self, user: &UserId, now: Timestamp) -> Result<Vec<GrantRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT approval, activated_at, revoked_at, revoke_reason, last_used_at FROM grants
             WHERE user_id = $1 AND activated_at IS NOT NULL AND revoked_at IS NULL AND expires_at > $2
             ORDER BY created_at DESC, id",
        )
        .bind(user.as_str().to_owned())
        .bind(now.millis())
        .fetch_all(self.readers())
        .await
        .map_err(Fault::from)?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Ends a grant and everything below it; `false` when it is unknown or was ended.
    pub async fn revoke_grant(&self, id: &GrantId, reason: &str, event: AuditEvent) -> Result<bool, StoreError> {
        let input = (id.clone(), None, reason.to_owned(), event);
        self.write(id.as_str(), input, |(id, user, reason, event), tx| {
            Box::pin(revoke(tx, id, user.as_ref(), (reason, event)))
        })
        .await
    }

    /// Ends a grant of this user; `false` when there is none.
    pub async fn revoke_grant_of(
        &self,
        user: &UserId,
        id: &GrantId,
        reason: &str,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        let input = (id.clone(), Some(user.clone()), reason.to_owned(), event);
        self.write(id.as_str(), input, |(id, user, reason, event), tx| {
            Box::pin(revoke(tx, id, user.as_ref(), (reason, event)))
        })
        .await
    }
}

async fn revoke(tx: &mut Tx, id: &GrantId, user: Option<&UserId>, why: (&String, &AuditEvent)) -> Done<bool> {
    let (reason, event) = why;
    let row = sqlx::query(
        "UPDATE grants SET revoked_at = $1, revoke_reason = $2
         WHERE id = $3 AND revoked_at IS NULL AND ($4 IS NULL OR user_id = $4) RETURNING id",
    )
    .bind(event.at.millis())
    .bind(reason.as_str())
    .bind(id.as_str())
    .bind(user.map(UserId::as_str))
    .fetch_optional(tx.sql())
    .await?;
    if row.is_none() {
        return Ok(Verdict::Undo(false));
    }
    sqlx::query("UPDATE refresh_tokens SET sealed_response = NULL WHERE grant_id = $1 AND sealed_response IS NOT NULL")
        .bind(id.as_str())
        .execute(tx.sql())
        .await?;
    tx.tell(Change::grant(id), event.at).await?;
    tx.audit(event).await?;
    Ok(Verdict::Keep(true))
}

/// Ends every grant of a user; answers which were alive.
pub(crate) async fn end_all_of(tx: &mut Tx, user: &UserId, reason: &str, at: Timestamp) -> Result<Vec<GrantId>, Fault> {
    let rows = sqlx::query(
        "UPDATE grants SET revoked_at = $1, revoke_reason = $2
         WHERE user_id = $3 AND revoked_at IS NULL AND expires_at > $1 RETURNING id",
    )
    .bind(at.millis())
    .bind(reason)
    .bind(user.as_str())
    .fetch_all(tx.sql())
    .await?;
    sqlx::query(
        "UPDATE refresh_tokens SET sealed_response = NULL WHERE sealed_response IS NOT NULL
         AND grant_id IN (SELECT id FROM grants WHERE user_id = $1)",
    )
    .bind(user.as_str())
    .execute(tx.sql())
    .await?;
    rows.iter().map(|row| Ok(GrantId::from_stored(row.text("id")?))).collect()
}

/// Writes a grant: waiting for its code, or active at once.
pub(crate) async fn insert(tx: &mut Tx, approval: &Approval, activated_at: Option<Timestamp>) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO grants (id, user_id, client, approval, created_at, expires_at, activated_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(approval.grant.as_str())
    .bind(approval.user.as_str())
    .bind(approval.client.digest())
    .bind(json("grants.approval", approval)?)
    .bind(approval.created_at.millis())
    .bind(approval.expires_at.millis())
    .bind(activated_at.map(Timestamp::millis))
    .execute(tx.sql())
    .await?;
    Ok(())
}

/// Uses a grant: the first statement wherever tokens are issued. It takes the row's lock, so that issuing, revoking
/// and disabling stand in one order; `false` when the grant, its user or its client is no longer to be served.
pub(crate) async fn use_live(tx: &mut Tx, id: &GrantId, now: Timestamp) -> Result<bool, Fault> {
    let row = sqlx::query(
        "UPDATE grants SET activated_at = COALESCE(activated_at, $1), last_used_at = $1
         WHERE id = $2 AND revoked_at IS NULL AND expires_at > $1
           AND NOT EXISTS (SELECT 1 FROM clients c WHERE c.digest = grants.client AND c.disabled_at IS NOT NULL)
           AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = grants.user_id AND u.disabled_at IS NOT NULL)
         RETURNING id",
    )
    .bind(now.millis())
    .bind(id.as_str())
    .fetch_optional(tx.sql())
    .await?;
    Ok(row.is_some())
}

/// Reads the columns `approval, activated_at, revoked_at, revoke_reason, last_used_at`.
pub(crate) fn read(row: &AnyRow) -> Result<GrantRow, Fault> {
    Ok(GrantRow {
        approval: row.value("approval")?,
        activated_at: row.maybe_moment("activated_at")?,
        revoked_at: row.maybe_moment("revoked_at")?,
        revoke_reason: row.maybe_text("revoke_reason")?,
        last_used_at: row.maybe_moment("last_used_at")?,
    })
}
