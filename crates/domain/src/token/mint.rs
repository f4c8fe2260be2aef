//! Minting: a token says what its grant approved, or less, and lives no longer.

use std::fmt;

use zeroize::Zeroizing;

use super::AccessClaims;
use crate::chain::Delegation;
use crate::grant::Approval;
use crate::ids::TokenId;
use crate::jose::{SignError, Signer, sign_compact};
use crate::scope::ScopeSet;
use crate::time::{ACCESS_LIFE, Timestamp};
use crate::uri::Issuer;

/// The class of access tokens (RFC 9068 §2.1).
pub const TYP: &str = "at+jwt";

/// A fresh token: its text for the client, its claims for the row under the grant.
pub struct Minted {
    /// The signed token.
    pub raw: Zeroizing<String>,
    /// What it says.
    pub claims: AccessClaims,
}

/// Mints the front-door token of an approval, a person's or a machine's: its authority, narrowed to `scope` where that
/// is less.
///
/// # Errors
/// [`SignError`] when the key fails.
#[expect(
    clippy::too_many_arguments,
    reason = "who signs, for what grant, as which row, when: none follows from another"
)]
pub fn mint(
    signer: &dyn Signer,
    issuer: &Issuer,
    front: &Approval,
    scope: &ScopeSet,
    jti: TokenId,
    now: Timestamp,
) -> Result<Minted, SignError> {
    let claims = AccessClaims {
        iss: issuer.as_str().to_owned(),
        sub: front.user.as_str().to_owned(),
        aud: front.resource.as_str().to_owned(),
        client_id: front.client.clone(),
        iat: now.seconds(),
        // INVARIANT: never more time and never more scope than the approval holds.
        exp: now.after(ACCESS_LIFE).min(front.expires_at).seconds(),
        jti,
        scope: scope.meet(&front.scope),
        txn: front.transaction.clone(),
        dlg: Delegation::front_door(front.grant.clone()),
        act: None,
        authorization_details: front.details.clone(),
        cnf: None,
        auth_time: None,
        acr: None,
    };
    let raw = Zeroizing::new(sign_compact(signer, TYP, &claims)?);
    Ok(Minted { raw, claims })
}

impl fmt::Debug for Minted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Minted({})", self.claims.jti)
    }
}
