//! What a server behind is shown instead of its caller's token: a token of ours for that server alone. It says who calls
//! and through whom, and opens nothing here.

use serde::Serialize;
use zeroize::Zeroizing;

use super::{AccessClaims, TYP, ToolsDetail};
use crate::chain::{Actor, Delegation};
use crate::control::{Control, holds};
use crate::ids::{TokenId, TransactionId};
use crate::jose::{SignError, Signer, sign_compact};
use crate::scope::ScopeSet;
use crate::time::{ACCESS_LIFE, Timestamp};
use crate::uri::Issuer;

/// A fresh token for a server behind.
pub struct ForUpstream {
    /// The signed token.
    pub raw: Zeroizing<String>,
    /// When it expires.
    pub expires_at: Timestamp,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    iat: i64,
    exp: i64,
    jti: TokenId,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a ScopeSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    txn: Option<&'a TransactionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dlg: Option<Delegation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a Actor>,
    // The server may exchange it for a step further, which must stay within what was ticked.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    authorization_details: &'a [ToolsDetail],
}

/// Mints a token for the server whose audience is `audience`, on behalf of whoever showed us `caller`; without one, the
/// gateway asks for itself, as when it looks which tools there are.
///
/// # Errors
/// [`SignError`] when the key fails.
pub fn mint_for_upstream(
    signer: &dyn Signer,
    issuer: &Issuer,
    audience: &str,
    caller: Option<&AccessClaims>,
    (jti, now): (TokenId, Timestamp),
) -> Result<ForUpstream, SignError> {
    let end = now.after(ACCESS_LIFE).seconds();
    let claims = Claims {
        iss: issuer.as_str(),
        sub: caller.map_or(issuer.as_str(), |caller| &caller.sub),
        // INVARIANT: it is for that server, and therefore worth nothing at any of ours.
        aud: match caller {
            Some(caller) if !holds(Control::UpstreamAudience) => &caller.aud,
            Some(_) | None => audience,
        },
        client_id: caller.map_or(issuer.as_str(), |caller| caller.client_id.as_str()),
        iat: now.seconds(),
        // INVARIANT: never more time than the caller's own token has.
        exp: caller.map_or(end, |caller| caller.exp.min(end)),
        jti,
        scope: caller.map(|caller| &caller.scope),
        txn: caller.map(|caller| &caller.txn),
        dlg: caller.map(|caller| caller.dlg.beside(&caller.jti)),
        act: caller.and_then(|caller| caller.act.as_deref()),
        authorization_details: caller.map_or(&[], |caller| &caller.authorization_details),
    };
    let expires_at = Timestamp::from_seconds(claims.exp);
    Ok(ForUpstream { raw: Zeroizing::new(sign_compact(signer, TYP, &claims)?), expires_at })
}
