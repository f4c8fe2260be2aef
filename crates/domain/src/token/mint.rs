//! Minting: a token says what its grant approved, or less, and lives no longer.

use std::fmt;

use zeroize::Zeroizing;

use super::{AccessClaims, MayAct, ToolsDetail};
use crate::chain::{Chain, Delegation};
use crate::control::{Control, holds};
use crate::grant::Approval;
use crate::ids::{ClientId, TokenId};
use crate::jose::{SignError, Signer, sign_compact};
use crate::scope::ScopeSet;
use crate::time::{ACCESS_LIFE, Timestamp};
use crate::uri::{Issuer, Resource};

/// The class of access tokens (RFC 9068 §2.1).
pub const TYP: &str = "at+jwt";

/// A fresh token: its text for the client, its claims for the row under the grant.
pub struct Minted {
    /// The signed token.
    pub raw: Zeroizing<String>,
    /// What it says.
    pub claims: AccessClaims,
}

/// A token at the front door: an approval, a person's or a machine's, narrowed to `scope` where that is less.
#[derive(Clone, Copy, Debug)]
pub struct FrontDoor<'a> {
    /// What was approved.
    pub approval: &'a Approval,
    /// What of it goes into the token.
    pub scope: &'a ScopeSet,
    /// The `sub` of the agent the token is handed to; none for a server.
    pub agent: Option<&'a str>,
}

impl FrontDoor<'_> {
    /// What the token says.
    pub fn claims(&self, issuer: &Issuer, jti: TokenId, now: Timestamp) -> AccessClaims {
        let approval = self.approval;
        AccessClaims {
            iss: issuer.as_str().to_owned(),
            sub: approval.user.as_str().to_owned(),
            aud: approval.resource.as_str().to_owned(),
            client_id: approval.client.clone(),
            iat: now.seconds(),
            // INVARIANT: never more time and never more scope than the approval holds.
            exp: now.after(ACCESS_LIFE).min(approval.expires_at).seconds(),
            jti,
            scope: self.scope.meet(&approval.scope),
            txn: approval.transaction.clone(),
            dlg: Delegation::front_door(approval.grant.clone()),
            act: None,
            may_act: self.agent.map(|sub| may_act(issuer, sub)),
            authorization_details: approval.details.clone(),
            cnf: None,
            auth_time: None,
            acr: None,
        }
    }
}

/// Mints the token of a front door.
///
/// # Errors
/// [`SignError`] when the key fails.
pub fn mint(
    signer: &dyn Signer,
    issuer: &Issuer,
    front: &FrontDoor<'_>,
    jti: TokenId,
    now: Timestamp,
) -> Result<Minted, SignError> {
    signed(signer, front.claims(issuer, jti, now))
}

/// A token handed on: what one actor obtained with the token of another for its own next step.
#[derive(Clone, Debug)]
pub struct Handover<'a> {
    /// The token it comes from.
    pub from: &'a AccessClaims,
    /// The place in the tree of grants.
    pub place: Delegation,
    /// Everybody who acts, the one who obtains it outermost.
    pub chain: &'a Chain,
    /// The client that obtains it.
    pub client: &'a ClientId,
    /// The one target it is for.
    pub target: &'a Resource,
    /// The `sub` of the target, where that is an agent.
    pub agent: Option<&'a str>,
    /// What it opens.
    pub scope: &'a ScopeSet,
    /// The tools it is bound to.
    pub details: Vec<ToolsDetail>,
    /// When it ends at the latest, beside the end of the token it comes from.
    pub expires_at: Timestamp,
}

/// Mints a token that is handed on (RFC 8693 §2.2.1).
///
/// # Errors
/// [`SignError`] when the key fails.
pub fn mint_handover(
    signer: &dyn Signer,
    issuer: &Issuer,
    handover: Handover<'_>,
    jti: TokenId,
    now: Timestamp,
) -> Result<Minted, SignError> {
    let from = handover.from;
    let last = if holds(Control::ExchangeLife) { from.exp } else { i64::MAX };
    let claims = AccessClaims {
        iss: issuer.as_str().to_owned(),
        sub: from.sub.clone(),
        aud: handover.target.as_str().to_owned(),
        client_id: handover.client.clone(),
        iat: now.seconds(),
        // INVARIANT: never more time than the token it comes from has, nor than its grant.
        exp: now.after(ACCESS_LIFE).min(handover.expires_at).seconds().min(last),
        jti,
        // INVARIANT: never more scope than the token it comes from has.
        scope: if holds(Control::ExchangeScope) { handover.scope.meet(&from.scope) } else { handover.scope.clone() },
        txn: from.txn.clone(),
        dlg: handover.place,
        act: handover.chain.act().cloned().map(Box::new),
        may_act: handover.agent.map(|sub| may_act(issuer, sub)),
        authorization_details: handover.details,
        cnf: None,
        auth_time: from.auth_time,
        acr: from.acr.clone(),
    };
    signed(signer, claims)
}

fn may_act(issuer: &Issuer, sub: &str) -> MayAct {
    MayAct { iss: issuer.as_str().to_owned(), sub: sub.to_owned() }
}

fn signed(signer: &dyn Signer, claims: AccessClaims) -> Result<Minted, SignError> {
    let raw = Zeroizing::new(sign_compact(signer, TYP, &claims)?);
    Ok(Minted { raw, claims })
}

impl fmt::Debug for Minted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Minted({})", self.claims.jti)
    }
}
