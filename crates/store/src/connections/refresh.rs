//! One refresh of a connection at a time, in all processes: a lease in the row, which is durable before the provider is
//! asked. Whoever dies between the provider's answer and the commit leaves a row that says `refreshing`; what became
//! of the refresh token nobody knows then, and a provider that rotates them would take a second use for theft.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use zeroize::Zeroizing;

use super::ConnectionKey;
use super::row::Bound;
use crate::error::{Fault, StoreError};
use crate::feed::Change;
use crate::lane::{Done, Tx, Verdict};
use crate::rows::Columns as _;
use crate::store::Store;
use crate::vault::Record;

/// The right to ask a provider for new tokens of one generation, once.
#[derive(Clone, Debug)]
pub struct RefreshLease {
    key: ConnectionKey,
    generation: i64,
    attempt: i64,
    client: String,
    account: Option<String>,
}

/// What became of the wish to refresh.
#[derive(Debug)]
pub enum Lease {
    /// Go on: everybody else waits.
    Taken(RefreshLease),
    /// Somebody refreshes it, until then at most.
    Busy(Timestamp),
    /// The provider could not answer lately; ask again from then on.
    Later(Timestamp),
    /// It holds something else by now, or is gone: look again.
    Changed,
    /// Its person has to connect again.
    Lost,
}

/// New tokens, as the provider gave them.
pub struct Renewal {
    /// The credential.
    pub secret: Zeroizing<String>,
    /// What it may do.
    pub scope: ScopeSet,
    /// Until when it can be used.
    pub expires_at: Option<Timestamp>,
    /// False only where the provider is known to let a refresh token be used again.
    pub rotates: bool,
}

/// Why there are no new tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The provider will not give any: the person has to connect again.
    Reconnect(String),
    /// The provider could not answer; not before then again.
    Retry(String, Timestamp),
}

impl Store {
    /// Asks to refresh what that generation holds, until `until`. The row says so before this returns.
    ///
    /// INVARIANT: of all who ask for one generation, in all processes, one at a time is told [`Lease::Taken`]; after
    /// one that never came back nobody is, where the refresh token may be spent.
    pub async fn lease_refresh(
        &self,
        key: &ConnectionKey,
        generation: i64,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError> {
        let input = (key.clone(), generation, now, until);
        self.write(&key.lock(), input, |(key, generation, now, until), tx| {
            Box::pin(lease(tx, key, *generation, (*now, *until)))
        })
        .await
    }

    /// Keeps new tokens; `false` when the row holds something else by now, such as what its person connected
    /// meanwhile. A lease that ran out does not stand in the way: what the provider gave is worth more.
    pub async fn renew(&self, lease: &RefreshLease, new: Renewal, event: AuditEvent) -> Result<bool, StoreError> {
        let bound = Bound {
            key: &lease.key,
            generation: lease.generation.saturating_add(1),
            client: &lease.client,
            scope: &new.scope,
            account: lease.account.as_deref(),
            expires_at: new.expires_at,
            rotates: new.rotates,
        };
        let record = self.seal_record(&bound.binding(), &new.secret).await?;
        let lock = lease.key.lock();
        self.write(&lock, (lease.clone(), new, record, event), |(lease, new, record, event), tx| {
            Box::pin(renew(tx, lease, new, record, event))
        })
        .await
    }

    /// Says that there are no new tokens; `false` when the lease is somebody else's by now.
    pub async fn fail_refresh(
        &self,
        lease: &RefreshLease,
        failure: Failure,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        let lock = lease.key.lock();
        self.write(&lock, (lease.clone(), failure, event), |(lease, failure, event), tx| {
            Box::pin(async move {
                let (state, trouble, held_until) = match failure {
                    Failure::Reconnect(trouble) => ("needs_reconnect", trouble, Timestamp::default()),
                    Failure::Retry(trouble, until) => ("retryable", trouble, *until),
                };
                let row = sqlx::query(
                    "UPDATE connections SET state = $1, trouble = $2, held_until = $3 WHERE user_id = $4
                       AND provider = $5 AND generation = $6 AND attempt = $7 AND state = 'refreshing'
                     RETURNING user_id",
                )
                .bind(state)
                .bind(trouble.as_str())
                .bind(held_until.millis())
                .bind(lease.key.user.as_str())
                .bind(lease.key.provider.as_str())
                .bind(lease.generation)
                .bind(lease.attempt)
                .fetch_optional(tx.sql())
                .await?;
                if row.is_none() {
                    return Ok(Verdict::Undo(false));
                }
                tx.tell(Change::connection(&lease.key.user, &lease.key.provider), event.at).await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(true))
            })
        })
        .await
    }
}

async fn lease(tx: &mut Tx, key: &ConnectionKey, generation: i64, (now, until): (Timestamp, Timestamp)) -> Done<Lease> {
    let free = if holds(Control::RefreshLease) {
        "(state = 'fresh' OR (state = 'retryable' AND held_until <= $1)
            OR (state = 'refreshing' AND held_until <= $1 AND rotates = 0))"
    } else {
        "held_until >= -$1"
    };
    let text = format!(
        "UPDATE connections SET state = 'refreshing', trouble = NULL, attempt = attempt + 1, held_until = $2
         WHERE user_id = $3 AND provider = $4 AND generation = $5 AND {free} RETURNING attempt, client, account"
    );
    let taken = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(now.millis())
        .bind(until.millis())
        .bind(key.user.as_str())
        .bind(key.provider.as_str())
        .bind(generation)
        .fetch_optional(tx.sql())
        .await?;
    if let Some(row) = taken {
        return Ok(Verdict::Keep(Lease::Taken(RefreshLease {
            key: key.clone(),
            generation,
            attempt: row.number("attempt")?,
            client: row.text("client")?,
            account: row.maybe_text("account")?,
        })));
    }
    if cut_off(tx, key, generation, now).await? {
        return Ok(Verdict::Keep(Lease::Lost));
    }
    Ok(Verdict::Undo(standing(tx, key, generation).await?))
}

/// Gives up what somebody began to refresh and never ended.
async fn cut_off(tx: &mut Tx, key: &ConnectionKey, generation: i64, now: Timestamp) -> Result<bool, Fault> {
    let says = "a refresh was cut off, and the provider may have spent the refresh token";
    let row = sqlx::query(
        "UPDATE connections SET state = 'needs_reconnect', trouble = $1 WHERE user_id = $2 AND provider = $3
           AND generation = $4 AND state = 'refreshing' AND held_until <= $5 RETURNING user_id",
    )
    .bind(says)
    .bind(key.user.as_str())
    .bind(key.provider.as_str())
    .bind(generation)
    .bind(now.millis())
    .fetch_optional(tx.sql())
    .await?;
    if row.is_none() {
        return Ok(false);
    }
    tx.tell(Change::connection(&key.user, &key.provider), now).await?;
    let event = AuditEvent::new(AuditKind::ConnectionLost, now).user(&key.user).rule("refresh_cut_off");
    tx.audit(&event.says(format!("{}: {says}", key.provider))).await?;
    Ok(true)
}

async fn standing(tx: &mut Tx, key: &ConnectionKey, generation: i64) -> Result<Lease, Fault> {
    let row = sqlx::query(
        "SELECT state, held_until FROM connections WHERE user_id = $1 AND provider = $2 AND generation = $3",
    )
    .bind(key.user.as_str())
    .bind(key.provider.as_str())
    .bind(generation)
    .fetch_optional(tx.sql())
    .await?;
    let Some(row) = row else { return Ok(Lease::Changed) };
    let held_until = row.moment("held_until")?;
    Ok(match row.text("state")?.as_str() {
        "refreshing" => Lease::Busy(held_until),
        "retryable" => Lease::Later(held_until),
        "needs_reconnect" => Lease::Lost,
        // Freed in this moment by another process: look again.
        _ => Lease::Changed,
    })
}

async fn renew(tx: &mut Tx, lease: &RefreshLease, new: &Renewal, record: &Record, event: &AuditEvent) -> Done<bool> {
    let row = sqlx::query(
        "UPDATE connections SET generation = generation + 1, key_name = $1, wrapped = $2, sealed = $3, scope = $4,
             expires_at = $5, rotates = $6, state = 'fresh', trouble = NULL, held_until = 0, refreshed_at = $7
         WHERE user_id = $8 AND provider = $9 AND generation = $10 RETURNING user_id",
    )
    .bind(record.wrapped.key.as_str())
    .bind(record.wrapped.text.as_str())
    .bind(record.sealed.as_str())
    .bind(new.scope.to_string())
    .bind(new.expires_at.map(Timestamp::millis))
    .bind(i64::from(new.rotates))
    .bind(event.at.millis())
    .bind(lease.key.user.as_str())
    .bind(lease.key.provider.as_str())
    .bind(lease.generation)
    .fetch_optional(tx.sql())
    .await?;
    if row.is_none() {
        return Ok(Verdict::Undo(false));
    }
    record.note_key(tx, event.at.millis()).await?;
    tx.tell(Change::connection(&lease.key.user, &lease.key.provider), event.at).await?;
    tx.audit(event).await?;
    Ok(Verdict::Keep(true))
}
