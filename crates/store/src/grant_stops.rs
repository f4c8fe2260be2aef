//! Parties that are stopped under one grant: an agent somewhere in its tree, or what one of them calls. It is final, because a
//! person who stops something does not wonder later whether it came back; approving the app again makes a new grant.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::ids::{GrantId, UserId};
use sqlx::AssertSqlSafe;

use crate::error::{Fault, StoreError};
use crate::feed::Change;
use crate::lane::{Done, Tx, Verdict};
use crate::store::Store;

/// What is stopped under a grant.
#[derive(Clone, Debug)]
pub struct PartyStop {
    /// The grant.
    pub grant: GrantId,
    /// Only a grant of this user; none for whoever administers.
    pub owner: Option<UserId>,
    /// What stands for the party in tokens: an agent's `sub`, an audience, or the step from one to the other
    /// (`agent:a->{audience}`).
    pub party: Vec<String>,
}

impl Store {
    /// Stops a party under a grant: every token there that names it, as actor, as audience or as
    /// the step to it, is refused at once and in
    /// every process, and none is issued any more. `false` when there is no such grant, or all of it was stopped.
    pub async fn stop_party(&self, stop: PartyStop, event: AuditEvent) -> Result<bool, StoreError> {
        let key = stop.grant.as_str().to_owned();
        self.write(&key, (stop, event), |(stop, event), tx| Box::pin(stop_party(tx, stop, event))).await
    }
}

async fn stop_party(tx: &mut Tx, stop: &PartyStop, event: &AuditEvent) -> Done<bool> {
    // The lock of the grant's row puts this and every issue of a token into one order.
    let grant = sqlx::query(
        "UPDATE grants SET last_used_at = last_used_at
         WHERE id = $1 AND revoked_at IS NULL AND ($2 IS NULL OR user_id = $2) RETURNING id",
    )
    .bind(stop.grant.as_str())
    .bind(stop.owner.as_ref().map(UserId::as_str))
    .fetch_optional(tx.sql())
    .await?;
    if grant.is_none() {
        return Ok(Verdict::Undo(false));
    }
    let mut any = false;
    for party in &stop.party {
        let row = sqlx::query(
            "INSERT INTO grant_stops (grant_id, party, at) VALUES ($1, $2, $3)
             ON CONFLICT (grant_id, party) DO NOTHING RETURNING party",
        )
        .bind(stop.grant.as_str())
        .bind(party.as_str())
        .bind(event.at.millis())
        .fetch_optional(tx.sql())
        .await?;
        if row.is_some() {
            any = true;
            tx.tell(Change::party(&stop.grant, party), event.at).await?;
        }
    }
    if !any {
        return Ok(Verdict::Undo(false));
    }
    tx.audit(event).await?;
    Ok(Verdict::Keep(true))
}

/// True when one of these parties is stopped under the grant: asked wherever a token is issued, behind the lock of the
/// grant's row.
pub(crate) async fn any_stopped(tx: &mut Tx, grant: &GrantId, parties: &[String]) -> Result<bool, Fault> {
    if parties.is_empty() || !holds(Control::NodeStop) {
        return Ok(false);
    }
    let places: Vec<_> = (2..parties.len() + 2).map(|place| format!("${place}")).collect();
    let sql = format!("SELECT party FROM grant_stops WHERE grant_id = $1 AND party IN ({}) LIMIT 1", places.join(", "));
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(grant.as_str());
    for party in parties {
        query = query.bind(party.as_str());
    }
    Ok(query.fetch_optional(tx.sql()).await?.is_some())
}
