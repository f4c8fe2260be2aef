//! Refresh tokens: families under a grant, each token spent once, the answer to that one time kept sealed until its
//! successor is used.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::control::{self, Control};
use bailiwick_domain::ids::{ClientId, GrantId};
use bailiwick_domain::opaque::{Digest, Refresh};
use bailiwick_domain::time::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, Executor};

use crate::error::{Fault, StoreError};
use crate::grant_stops::any_stopped;
use crate::grants::{self, GrantRow};
use crate::lane::{Done, Tx, Verdict};
use crate::rows::Columns as _;
use crate::store::Store;
use crate::tokens::{self, TokenRow};

/// A refresh token as it is remembered: everything but the token.
#[derive(Clone, Debug)]
pub struct RefreshRow {
    /// Its digest.
    pub digest: Digest<Refresh>,
    /// The grant it hangs from.
    pub grant: GrantId,
    /// Its place in the family, from 0.
    pub generation: u32,
    /// The token it succeeds.
    pub parent: Option<Digest<Refresh>>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// How long it may lie unused.
    pub idle_expires_at: Timestamp,
    /// When the family ends.
    pub expires_at: Timestamp,
}

/// A refresh token and what became of it.
#[derive(Clone, Debug)]
pub struct RefreshState {
    /// Its grant.
    pub grant: GrantRow,
    /// Whose it is.
    pub client: ClientId,
    /// Its place in the family.
    pub generation: u32,
    /// When it was spent.
    pub used_at: Option<Timestamp>,
    /// True when its successor was spent too.
    pub successor_used: bool,
    /// The answer it was spent for, while it may be given again.
    pub sealed_response: Option<String>,
    /// How long it may lie unused.
    pub idle_expires_at: Timestamp,
    /// When the family ends.
    pub expires_at: Timestamp,
}

/// What rotating a refresh token writes.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The token presented.
    pub old: Digest<Refresh>,
    /// Its grant.
    pub grant: GrantId,
    /// Its successor, whose `parent` it is.
    pub successor: RefreshRow,
    /// The access token issued with it.
    pub token: TokenRow,
    /// The answer, sealed so that only the presented token opens it.
    pub sealed_response: String,
    /// The present moment.
    pub now: Timestamp,
}

/// How a race for a refresh token ended.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives as long as one answer")]
pub enum Rotated {
    /// This caller's tokens are the ones.
    Fresh,
    /// It was spent, or its time was over, before: the state to judge that by.
    Lost(RefreshState),
    /// The grant, its user or its client is no longer to be served.
    Revoked,
}

impl Store {
    /// What a refresh token is worth. It decides nothing: [`Store::rotate`] does.
    pub async fn refresh(&self, digest: &Digest<Refresh>) -> Result<Option<RefreshState>, StoreError> {
        let Some(state) = state(self.readers(), digest).await? else { return Ok(None) };
        Ok(Some(self.unsealed(digest, state)?))
    }

    /// Spends a refresh token for its successor.
    ///
    /// INVARIANT: of all calls with one digest, in all processes, at most one is answered `Fresh`, and none once the
    /// grant is revoked; whoever is not leaves no trace.
    pub async fn rotate(&self, mut rotation: Rotation, event: AuditEvent) -> Result<Rotated, StoreError> {
        if !control::holds(Control::RefreshOnce) {
            self.look_then_wait(&mut rotation).await?;
        }
        let (key, old) = (rotation.grant.clone(), rotation.old.clone());
        let plain = rotation.sealed_response.as_bytes();
        rotation.sealed_response = self.core.sealer.seal(&*self.core.entropy, &context(&old), plain);
        let rotated = self
            .write(key.as_str(), (rotation, event), |(rotation, event), tx| Box::pin(rotate(tx, rotation, event)))
            .await?;
        Ok(match rotated {
            Rotated::Lost(state) => Rotated::Lost(self.unsealed(&old, state)?),
            Rotated::Fresh | Rotated::Revoked => rotated,
        })
    }

    /// The kept answer lies under our key too: a copied database and an old token together open nothing.
    fn unsealed(&self, digest: &Digest<Refresh>, mut state: RefreshState) -> Result<RefreshState, StoreError> {
        if let Some(sealed) = &state.sealed_response {
            let opened = self.core.sealer.open(&context(digest), sealed);
            let text = opened.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
            state.sealed_response = Some(text.ok_or(StoreError::Unreadable("refresh_tokens.sealed_response"))?);
        }
        Ok(state)
    }

    /// What the mutation run does instead of the condition: look first, and write later without looking. The unique
    /// `parent` would catch it, so it goes as well.
    async fn look_then_wait(&self, rotation: &mut Rotation) -> Result<(), StoreError> {
        let seen = self.refresh(&rotation.old).await?;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        if seen.is_some_and(|state| state.used_at.is_none()) {
            rotation.successor.parent = None;
        }
        Ok(())
    }
}

fn context(digest: &Digest<Refresh>) -> String {
    format!("refresh_tokens|{}|sealed_response", digest.as_str())
}

async fn rotate(tx: &mut Tx, rotation: &Rotation, event: &AuditEvent) -> Done<Rotated> {
    if !grants::use_live(tx, &rotation.grant, rotation.now).await? {
        return Ok(Verdict::Undo(Rotated::Revoked));
    }
    if any_stopped(tx, &rotation.grant, &[rotation.token.audience.as_str().to_owned()]).await? {
        return Ok(Verdict::Undo(Rotated::Revoked));
    }
    let Some(spent) = spend(tx, rotation).await? else {
        let state = state(&mut *tx.sql(), &rotation.old).await?;
        return Ok(Verdict::Undo(state.map_or(Rotated::Revoked, Rotated::Lost)));
    };
    insert(tx, &rotation.successor).await?;
    tokens::insert(tx, &rotation.token).await?;
    // The successor of that one is used now: its answer is never given again.
    if let Some(grandparent) = spent.maybe_text("parent")? {
        sqlx::query("UPDATE refresh_tokens SET sealed_response = NULL WHERE digest = $1")
            .bind(grandparent)
            .execute(tx.sql())
            .await?;
    }
    tx.audit(event).await?;
    Ok(Verdict::Keep(Rotated::Fresh))
}

/// One conditional write decides the race; a read first would not.
async fn spend(tx: &mut Tx, rotation: &Rotation) -> Result<Option<AnyRow>, Fault> {
    let text = if control::holds(Control::RefreshOnce) || rotation.successor.parent.is_some() {
        "UPDATE refresh_tokens SET used_at = $1, sealed_response = $2
         WHERE digest = $3 AND grant_id = $4 AND used_at IS NULL AND idle_expires_at > $1 AND expires_at > $1
         RETURNING parent"
    } else {
        "UPDATE refresh_tokens SET used_at = $1, sealed_response = $2 WHERE digest = $3 AND grant_id = $4
         RETURNING parent"
    };
    let row = sqlx::query(text)
        .bind(rotation.now.millis())
        .bind(rotation.sealed_response.as_str())
        .bind(rotation.old.as_str())
        .bind(rotation.grant.as_str())
        .fetch_optional(tx.sql())
        .await?;
    Ok(row)
}

/// Writes a refresh token.
pub(crate) async fn insert(tx: &mut Tx, refresh: &RefreshRow) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO refresh_tokens (digest, grant_id, generation, parent, issued_at, idle_expires_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(refresh.digest.as_str())
    .bind(refresh.grant.as_str())
    .bind(i64::from(refresh.generation))
    .bind(refresh.parent.as_ref().map(|parent| parent.as_str().to_owned()))
    .bind(refresh.issued_at.millis())
    .bind(refresh.idle_expires_at.millis())
    .bind(refresh.expires_at.millis())
    .execute(tx.sql())
    .await?;
    Ok(())
}

async fn state<'e, E>(from: E, digest: &Digest<Refresh>) -> Result<Option<RefreshState>, Fault>
where
    E: Executor<'e, Database = Any>,
{
    let row = sqlx::query(
        "SELECT r.generation, r.used_at, r.sealed_response, r.idle_expires_at, r.expires_at,
             s.used_at AS successor_used_at, g.approval, g.activated_at, g.revoked_at, g.revoke_reason, g.last_used_at
         FROM refresh_tokens r JOIN grants g ON g.id = r.grant_id
             LEFT JOIN refresh_tokens s ON s.parent = r.digest
         WHERE r.digest = $1",
    )
    .bind(digest.as_str().to_owned())
    .fetch_optional(from)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let grant = grants::read(&row)?;
    Ok(Some(RefreshState {
        client: grant.approval.client.clone(),
        grant,
        generation: u32::try_from(row.number("generation")?)
            .map_err(|_| Fault::Unreadable("refresh_tokens.generation"))?,
        used_at: row.maybe_moment("used_at")?,
        successor_used: row.maybe_moment("successor_used_at")?.is_some(),
        sealed_response: row.maybe_text("sealed_response")?,
        idle_expires_at: row.moment("idle_expires_at")?,
        expires_at: row.moment("expires_at")?,
    }))
}
