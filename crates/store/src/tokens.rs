//! Access tokens: every one that was minted is a row under its grant, so that a chain can be followed and one token
//! revoked.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::chain::{agent_name, edge_ids};
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::grant::Approval;
use bailiwick_domain::ids::{GrantId, TokenId};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::Resource;
use sqlx::any::AnyRow;

use crate::error::{Fault, StoreError};
use crate::feed::Change;
use crate::grant_stops::any_stopped;
use crate::grants::{self, GrantRow};
use crate::lane::{Tx, Verdict};
use crate::rows::Columns as _;
use crate::stops::{self, Died, Step, StopKind, none_of};
use crate::store::Store;

/// An access token as it is remembered: everything but the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id.
    pub jti: TokenId,
    /// The grant it hangs from.
    pub grant: GrantId,
    /// The token it was derived from.
    pub parent: Option<TokenId>,
    /// Hops from the front door.
    pub hop: u32,
    /// Who acts with it, past the front door.
    pub actor: Option<String>,
    /// The server it is for.
    pub audience: Resource,
    /// What it opens.
    pub scope: ScopeSet,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// An access token and what became of it.
#[derive(Clone, Debug)]
pub struct TokenState {
    /// The token.
    pub row: TokenRow,
    /// When it was revoked by itself.
    pub revoked_at: Option<Timestamp>,
    /// Its grant, in which it may be revoked too.
    pub grant: GrantRow,
}

impl TokenState {
    /// True while the token may be used.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.row.expires_at > now && self.grant.is_live(now)
    }
}

/// A token derived from another.
#[derive(Clone, Debug)]
pub struct Derivation {
    /// The tokens above it, nearest first: none of them may have been revoked.
    pub line: Vec<TokenId>,
    /// The agents and edges that it and the token above it name: none of them may be stopped.
    pub steps: Vec<Step>,
    /// Everybody who acts with it, by `sub`, current actor first.
    pub actors: Vec<String>,
    /// The token.
    pub token: TokenRow,
    /// The present moment.
    pub now: Timestamp,
}

impl Derivation {
    /// Everybody it concerns and every step between two of them, as a stop under its grant names them.
    fn parties(&self) -> Vec<String> {
        let audience = self.token.audience.as_str();
        let edges = edge_ids(self.actors.iter().map(String::as_str), audience);
        self.actors.iter().cloned().chain(edges).chain(std::iter::once(audience.to_owned())).collect()
    }
}

/// What became of a derivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derived {
    /// The token is in the tree.
    Fresh,
    /// Something above it was ended.
    Revoked,
    /// Somebody it concerns is stopped under its grant.
    Stopped,
}

impl Store {
    /// Adds a node to the tree of a grant, unless anything above it was ended. The grant's row is locked first, so that
    /// deriving and revoking stand in one order.
    pub async fn derive(&self, derivation: Derivation, event: AuditEvent) -> Result<Derived, StoreError> {
        let key = derivation.token.grant.as_str().to_owned();
        self.write(&key, (derivation, event), |(derivation, event), tx| {
            Box::pin(async move {
                let live = grants::use_live(tx, &derivation.token.grant, derivation.now).await?;
                let live = live && (none_of(tx, &derivation.steps).await? || !holds(Control::ExchangeLive));
                let parent = if live { nearest(tx, &derivation.line).await? } else { None };
                let Some(parent) = parent.filter(|_| live) else { return Ok(Verdict::Undo(Derived::Revoked)) };
                if any_stopped(tx, &derivation.token.grant, &derivation.parties()).await? {
                    return Ok(Verdict::Undo(Derived::Stopped));
                }
                insert(tx, &TokenRow { parent: parent.known, ..derivation.token.clone() }).await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(Derived::Fresh))
            })
        })
        .await
    }

    /// Keeps a machine's token under a grant of its own; `false` when the machine is an agent that is stopped.
    pub async fn machine_token(
        &self,
        approval: Approval,
        token: TokenRow,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.write(approval.grant.clone().as_str(), (approval, token, event), |(approval, token, event), tx| {
            Box::pin(async move {
                let own = agent_name(approval.user.as_str()).map(|name| Step {
                    kind: StopKind::Agent,
                    subject: name.to_owned(),
                    issued_at: Timestamp::from_seconds(token.issued_at.seconds()),
                });
                if !none_of(tx, own.as_slice()).await? {
                    return Ok(Verdict::Undo(false));
                }
                grants::insert(tx, approval, Some(token.issued_at)).await?;
                insert(tx, token).await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(true))
            })
        })
        .await
    }

    /// A token that was minted here.
    pub async fn token(&self, jti: &TokenId) -> Result<Option<TokenState>, StoreError> {
        let row = sqlx::query(
            "SELECT t.jti, t.grant_id, t.parent, t.hop, t.actor, t.audience, t.scope, t.issued_at, t.expires_at,
                 t.revoked_at AS token_revoked_at, g.approval, g.activated_at, g.revoked_at, g.revoke_reason,
                 g.last_used_at
             FROM access_tokens t JOIN grants g ON g.id = t.grant_id WHERE t.jti = $1",
        )
        .bind(jti.as_str().to_owned())
        .fetch_optional(self.readers())
        .await
        .map_err(Fault::from)?;
        let Some(row) = row else { return Ok(None) };
        let token = read(&row)?;
        let revoked_at = row.maybe_moment("token_revoked_at")?;
        Ok(Some(TokenState { row: token, revoked_at, grant: grants::read(&row)? }))
    }

    /// Ends one token and everything derived from it, and says what died; `None` when it is unknown or was ended. The
    /// grant's row is locked first, so that deriving and revoking stand in one order: what was derived before is dead
    /// with this token, and nothing is derived after.
    pub async fn revoke_token(&self, jti: &TokenId, event: AuditEvent) -> Result<Option<Died>, StoreError> {
        let Some(grant) = self.grant_of(jti).await? else { return Ok(None) };
        self.write(grant.as_str(), (grant.clone(), jti.clone(), event), |(grant, jti, event), tx| {
            Box::pin(async move {
                sqlx::query("UPDATE grants SET last_used_at = last_used_at WHERE id = $1")
                    .bind(grant.as_str())
                    .execute(tx.sql())
                    .await?;
                let below = stops::tree(tx, "jti = $2", &[jti.as_str()], event.at).await?;
                let row = sqlx::query(
                    "UPDATE access_tokens SET revoked_at = $1 WHERE jti = $2 AND revoked_at IS NULL RETURNING jti",
                )
                .bind(event.at.millis())
                .bind(jti.as_str())
                .fetch_optional(tx.sql())
                .await?;
                if row.is_none() {
                    return Ok(Verdict::Undo(None));
                }
                tx.tell(Change::token(jti), event.at).await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(Some(stops::died(&below))))
            })
        })
        .await
    }

    /// The grant a token hangs from, which never changes.
    async fn grant_of(&self, jti: &TokenId) -> Result<Option<GrantId>, StoreError> {
        let row = sqlx::query("SELECT grant_id FROM access_tokens WHERE jti = $1")
            .bind(jti.as_str().to_owned())
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.map(|row| row.text("grant_id").map(GrantId::from_stored)).transpose()?)
    }
}

/// Where a derived token hangs.
struct Parent {
    /// The nearest token above that is remembered; none directly below the grant.
    known: Option<TokenId>,
}

/// Looks at the tokens above, nearest first; `None` when one of them was revoked. What a gateway minted for a server
/// behind it is not remembered, but what that came from is.
async fn nearest(tx: &mut Tx, line: &[TokenId]) -> Result<Option<Parent>, Fault> {
    let mut known = None;
    for jti in line {
        let row = sqlx::query("SELECT revoked_at FROM access_tokens WHERE jti = $1")
            .bind(jti.as_str().to_owned())
            .fetch_optional(tx.sql())
            .await?;
        let Some(row) = row else { continue };
        if row.maybe_moment("revoked_at")?.is_some() && holds(Control::ExchangeLive) {
            return Ok(None);
        }
        known = known.or_else(|| Some(jti.clone()));
    }
    Ok(Some(Parent { known }))
}

/// Reads the columns of a token.
pub(crate) fn read(row: &AnyRow) -> Result<TokenRow, Fault> {
    Ok(TokenRow {
        jti: TokenId::from_stored(row.text("jti")?),
        grant: GrantId::from_stored(row.text("grant_id")?),
        parent: row.maybe_text("parent")?.map(TokenId::from_stored),
        hop: u32::try_from(row.number("hop")?).map_err(|_| Fault::Unreadable("access_tokens.hop"))?,
        actor: row.maybe_text("actor")?,
        audience: Resource::from_stored(row.text("audience")?),
        scope: ScopeSet::parse(&row.text("scope")?).ok_or(Fault::Unreadable("access_tokens.scope"))?,
        issued_at: row.moment("issued_at")?,
        expires_at: row.moment("expires_at")?,
    })
}

/// Writes a token.
pub(crate) async fn insert(tx: &mut Tx, token: &TokenRow) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO access_tokens (jti, grant_id, parent, hop, actor, audience, scope, issued_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(token.jti.as_str())
    .bind(token.grant.as_str())
    .bind(token.parent.as_ref().map(|id| id.as_str().to_owned()))
    .bind(i64::from(token.hop))
    .bind(token.actor.clone())
    .bind(token.audience.as_str())
    .bind(token.scope.to_string())
    .bind(token.issued_at.millis())
    .bind(token.expires_at.millis())
    .execute(tx.sql())
    .await?;
    Ok(())
}
