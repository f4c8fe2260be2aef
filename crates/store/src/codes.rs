//! Authorization codes, and the race for each of them. A row outlives its use until its grant is gone, so that a
//! replay is known for what it is.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::control::{self, Control};
use bailiwick_domain::grant::CodeGrant;
use bailiwick_domain::ids::{ClientId, GrantId};
use bailiwick_domain::opaque::{Code, Digest};
use bailiwick_domain::time::Timestamp;

use crate::error::{Fault, StoreError};
use crate::grant_stops::any_stopped;
use crate::lane::{Done, Tx, Verdict};
use crate::refresh::RefreshRow;
use crate::rows::{Columns as _, json};
use crate::store::Store;
use crate::tokens::TokenRow;
use crate::{grants, refresh, tokens};

/// What a code is worth right now.
#[derive(Clone, Debug)]
pub enum CodeState {
    /// Never issued, or long gone.
    Unknown,
    /// Waiting for its client.
    Live(CodeGrant),
    /// Exchanged already.
    Redeemed {
        /// The grant it activated.
        grant: GrantId,
        /// Whose it was.
        client: ClientId,
        /// What it stood for.
        code_grant: CodeGrant,
        /// When.
        redeemed_at: Timestamp,
    },
    /// Too late.
    Expired,
}

/// What redeeming a code writes.
#[derive(Clone, Debug)]
pub struct Redemption {
    /// The code.
    pub code: Digest<Code>,
    /// Its grant.
    pub grant: GrantId,
    /// The access token issued for it.
    pub token: TokenRow,
    /// The refresh token issued for it.
    pub refresh: Option<RefreshRow>,
    /// The present moment.
    pub now: Timestamp,
}

/// How a race for a code ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// This caller's tokens are the ones.
    Fresh,
    /// Somebody else was first, or it was too late.
    Lost,
    /// The grant, its user or its client is no longer to be served.
    Revoked,
}

impl Store {
    /// What a code is worth. It decides nothing: [`Store::redeem`] does.
    pub async fn code(&self, digest: &Digest<Code>, now: Timestamp) -> Result<CodeState, StoreError> {
        let row = sqlx::query("SELECT body, redeemed_at FROM codes WHERE digest = $1")
            .bind(digest.as_str().to_owned())
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        let Some(row) = row else { return Ok(CodeState::Unknown) };
        let code_grant: CodeGrant = row.value("body")?;
        Ok(match row.maybe_moment("redeemed_at")? {
            Some(redeemed_at) => CodeState::Redeemed {
                grant: code_grant.approval.grant.clone(),
                client: code_grant.approval.client.clone(),
                code_grant,
                redeemed_at,
            },
            None if code_grant.expires_at <= now => CodeState::Expired,
            None => CodeState::Live(code_grant),
        })
    }

    /// Redeems a code.
    ///
    /// INVARIANT: of all calls with one digest, in all processes, at most one is answered `Fresh`; whoever is not
    /// leaves no trace.
    pub async fn redeem(&self, redemption: Redemption, event: AuditEvent) -> Result<Redeemed, StoreError> {
        if !control::holds(Control::CodeOnce) && self.spent(&redemption.code).await? {
            return Ok(Redeemed::Lost);
        }
        let key = redemption.grant.clone();
        self.write(key.as_str(), (redemption, event), |(redemption, event), tx| Box::pin(redeem(tx, redemption, event)))
            .await
    }

    /// What the mutation run does instead of the condition: look first, and write later without looking.
    async fn spent(&self, digest: &Digest<Code>) -> Result<bool, StoreError> {
        let state = self.code(digest, Timestamp::default()).await?;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        Ok(matches!(state, CodeState::Redeemed { .. }))
    }
}

async fn redeem(tx: &mut Tx, redemption: &Redemption, event: &AuditEvent) -> Done<Redeemed> {
    if !grants::use_live(tx, &redemption.grant, redemption.now).await? {
        return Ok(Verdict::Undo(Redeemed::Revoked));
    }
    if !spend(tx, redemption).await? {
        return Ok(Verdict::Undo(Redeemed::Lost));
    }
    if any_stopped(tx, &redemption.grant, &[redemption.token.audience.as_str().to_owned()]).await? {
        return Ok(Verdict::Undo(Redeemed::Revoked));
    }
    tokens::insert(tx, &redemption.token).await?;
    if let Some(refresh) = &redemption.refresh {
        refresh::insert(tx, refresh).await?;
    }
    tx.audit(event).await?;
    Ok(Verdict::Keep(Redeemed::Fresh))
}

/// One conditional write decides the race; a read first would not.
async fn spend(tx: &mut Tx, redemption: &Redemption) -> Result<bool, Fault> {
    let text = if control::holds(Control::CodeOnce) {
        "UPDATE codes SET redeemed_at = $1
         WHERE digest = $2 AND grant_id = $3 AND redeemed_at IS NULL AND expires_at > $1 RETURNING digest"
    } else {
        "UPDATE codes SET redeemed_at = $1 WHERE digest = $2 AND grant_id = $3 RETURNING digest"
    };
    let row = sqlx::query(text)
        .bind(redemption.now.millis())
        .bind(redemption.code.as_str())
        .bind(redemption.grant.as_str())
        .fetch_optional(tx.sql())
        .await?;
    Ok(row.is_some())
}

/// Writes a code that waits for its client.
pub(crate) async fn insert(tx: &mut Tx, digest: &Digest<Code>, code: &CodeGrant) -> Result<(), Fault> {
    sqlx::query("INSERT INTO codes (digest, grant_id, body, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(digest.as_str())
        .bind(code.approval.grant.as_str())
        .bind(json("codes.body", code)?)
        .bind(code.expires_at.millis())
        .execute(tx.sql())
        .await?;
    Ok(())
}
