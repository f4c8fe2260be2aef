//! Grants for long jobs: they begin active, without a code, and may have a budget. Of a budget every call takes one, by
//! one conditional write.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::client::Client;
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::grant::Approval;
use bailiwick_domain::ids::{GrantId, UserId};
use bailiwick_domain::time::Timestamp;

use crate::error::{Fault, StoreError};
use crate::lane::{Done, Tx, Verdict};
use crate::rows::Columns as _;
use crate::store::Store;
use crate::{clients, grants};

/// A budget and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many calls were given.
    pub calls: u32,
    /// How many were made.
    pub spent: u32,
}

/// What became of a call that wanted one of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It has it; so many are left.
    One {
        /// After this one.
        left: u32,
    },
    /// There was none left of so many.
    Over {
        /// How many there were.
        calls: u32,
    },
    /// The grant has ended, or has no budget.
    Ended,
}

impl Store {
    /// Keeps a grant for a long job, and its budget, in force at once.
    pub async fn give_job(&self, approval: Approval, client: Client, event: AuditEvent) -> Result<(), StoreError> {
        let key = approval.grant.clone();
        self.write(key.as_str(), (approval, client, event), |(approval, client, event), tx| {
            Box::pin(async move {
                clients::remember(tx, client, approval.created_at).await?;
                grants::insert(tx, approval, Some(approval.created_at)).await?;
                if let Some(calls) = approval.job.as_ref().and_then(|job| job.budget) {
                    sqlx::query("INSERT INTO budgets (grant_id, calls) VALUES ($1, $2)")
                        .bind(approval.grant.as_str())
                        .bind(i64::from(calls))
                        .execute(tx.sql())
                        .await?;
                }
                tx.audit(event).await?;
                Ok(Verdict::Keep(()))
            })
        })
        .await
    }

    /// Takes one call of a budget, with `event` on record if there was one; durable when it returns.
    ///
    /// INVARIANT: of all calls under one grant, in all processes, no more are told [`Spent::One`] than were given.
    pub async fn spend(&self, grant: &GrantId, event: AuditEvent) -> Result<Spent, StoreError> {
        self.write(grant.as_str(), (grant.clone(), event), |(grant, event), tx| Box::pin(spend(tx, grant, event))).await
    }

    /// A grant's budget, where it has one.
    pub async fn budget(&self, grant: &GrantId) -> Result<Option<Budget>, StoreError> {
        let row = sqlx::query("SELECT calls, spent FROM budgets WHERE grant_id = $1")
            .bind(grant.as_str().to_owned())
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Budget { calls: count(row.number("calls")?)?, spent: count(row.number("spent")?)? }))
    }

    /// Gives a job of this user so many calls in all; `false` when it has ended, is not theirs or has no budget.
    pub async fn set_budget(
        &self,
        user: &UserId,
        grant: &GrantId,
        calls: u32,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        let input = (user.clone(), grant.clone(), calls, event);
        self.write(grant.as_str(), input, |(user, grant, calls, event), tx| {
            Box::pin(async move {
                let row = sqlx::query(
                    "UPDATE budgets SET calls = $1 WHERE grant_id = $2
                       AND EXISTS (SELECT 1 FROM grants g WHERE g.id = $2 AND g.user_id = $3
                           AND g.revoked_at IS NULL AND g.expires_at > $4)
                     RETURNING grant_id",
                )
                .bind(i64::from(*calls))
                .bind(grant.as_str())
                .bind(user.as_str())
                .bind(event.at.millis())
                .fetch_optional(tx.sql())
                .await?;
                if row.is_none() {
                    return Ok(Verdict::Undo(false));
                }
                tx.audit(event).await?;
                Ok(Verdict::Keep(true))
            })
        })
        .await
    }
}

async fn spend(tx: &mut Tx, grant: &GrantId, event: &AuditEvent) -> Done<Spent> {
    let text = if holds(Control::JobBudget) {
        "UPDATE budgets SET spent = spent + 1 WHERE grant_id = $1 AND spent < calls
           AND EXISTS (SELECT 1 FROM grants g WHERE g.id = $1 AND g.revoked_at IS NULL AND g.expires_at > $2)
         RETURNING calls, spent"
    } else {
        "UPDATE budgets SET spent = spent + 1 WHERE grant_id = $1
           AND EXISTS (SELECT 1 FROM grants g WHERE g.id = $1 AND g.revoked_at IS NULL AND g.expires_at > $2)
         RETURNING calls, spent"
    };
    let row = sqlx::query(text).bind(grant.as_str()).bind(event.at.millis()).fetch_optional(tx.sql()).await?;
    if let Some(row) = row {
        tx.audit(event).await?;
        let left = count(row.number("calls")?)?.saturating_sub(count(row.number("spent")?)?);
        return Ok(Verdict::Keep(Spent::One { left }));
    }
    why_not(tx, grant, event.at).await.map(Verdict::Undo)
}

async fn why_not(tx: &mut Tx, grant: &GrantId, now: Timestamp) -> Result<Spent, Fault> {
    let row = sqlx::query(
        "SELECT b.calls FROM budgets b JOIN grants g ON g.id = b.grant_id
         WHERE b.grant_id = $1 AND g.revoked_at IS NULL AND g.expires_at > $2",
    )
    .bind(grant.as_str())
    .bind(now.millis())
    .fetch_optional(tx.sql())
    .await?;
    let Some(row) = row else { return Ok(Spent::Ended) };
    Ok(Spent::Over { calls: count(row.number("calls")?)? })
}

fn count(number: i64) -> Result<u32, Fault> {
    u32::try_from(number).map_err(|_| Fault::Unreadable("budgets"))
}
