//! Believing an access token (RFC 9068 §4): signature first, then its class, then every claim; all of them or nothing.

use serde_json::{Map, Value};

use super::{AccessClaims, TYP, TokenRefusal};
use crate::chain::{Chain, MOST_HOPS};
use crate::control::{self, Control};
use crate::ids::{ClientId, GrantId, TokenId};
use crate::jose::{JwkSet, Unverified};
use crate::time::{SKEW, Timestamp};
use crate::uri::{Issuer, Resource};

/// The longest life a token may claim, in seconds. Revocations are remembered for longer than this.
const MOST_LIFE: i64 = 900;

/// What a token must match to be believed.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'a> {
    /// Who must have issued it.
    pub issuer: &'a Issuer,
    /// The server it must be for.
    pub resource: &'a Resource,
    /// The present moment.
    pub now: Timestamp,
}

/// A token that was believed at one server. Only [`verify_access`] makes one.
///
/// ```compile_fail
/// # use bailiwick_domain::token::{AccessClaims, AccessToken};
/// fn forge(claims: AccessClaims) -> AccessToken { AccessToken { claims, chain: Default::default() } }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AccessToken {
    claims: AccessClaims,
    chain: Chain,
}

/// A living token of ours, for whatever server: enough to revoke or describe it, never to admit its bearer.
///
/// ```compile_fail
/// # use bailiwick_domain::token::{AccessToken, IssuedToken};
/// fn promote(token: IssuedToken) -> AccessToken { token.into() }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct IssuedToken(AccessToken);

/// Verifies a token at the server it must be for.
///
/// # Errors
/// [`TokenRefusal`].
pub fn verify_access(raw: &str, keys: &JwkSet, expect: &Expect<'_>) -> Result<AccessToken, TokenRefusal> {
    let token = read(raw, keys, expect.issuer, expect.now)?;
    token.still_fits(expect)?;
    Ok(token)
}

/// Verifies a token where it was issued: everything but the audience.
///
/// # Errors
/// [`TokenRefusal`].
pub fn verify_issued(raw: &str, keys: &JwkSet, issuer: &Issuer, now: Timestamp) -> Result<IssuedToken, TokenRefusal> {
    let token = read(raw, keys, issuer, now)?;
    token.unexpired(now)?;
    Ok(IssuedToken(token))
}

impl AccessToken {
    /// The claims.
    pub fn claims(&self) -> &AccessClaims {
        &self.claims
    }

    /// Who acts for the subject.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The grant it hangs from, and those above: revoking any of them ends it.
    pub fn grants(&self) -> impl Iterator<Item = &GrantId> {
        std::iter::once(&self.claims.dlg.grant).chain(&self.claims.dlg.ancestors)
    }

    /// This token and those it was derived from: revoking any of them ends it.
    pub fn tokens(&self) -> impl Iterator<Item = &TokenId> {
        let claims = &self.claims;
        std::iter::once(&claims.jti).chain(&claims.dlg.parent).chain(&claims.dlg.above)
    }

    /// The client that holds it, and the one that got the first token of its chain: stopping either ends it.
    pub fn clients(&self) -> impl Iterator<Item = &ClientId> {
        std::iter::once(&self.claims.client_id).chain(&self.claims.dlg.door)
    }

    /// The names of the agents that act in it, or hold it on their own account.
    pub fn agents(&self) -> impl Iterator<Item = &str> {
        self.claims.agents()
    }

    /// The steps of its chain, last one first; see [`edge_id`].
    pub fn edges(&self) -> impl Iterator<Item = String> {
        self.claims.edges()
    }

    /// Checks again what time and place can change, for a token verified before.
    ///
    /// # Errors
    /// [`TokenRefusal::Issuer`], [`TokenRefusal::Audience`] or [`TokenRefusal::Expired`].
    pub fn still_fits(&self, expect: &Expect<'_>) -> Result<(), TokenRefusal> {
        if self.claims.iss != expect.issuer.as_str() && control::holds(Control::Issuer) {
            return Err(TokenRefusal::Issuer);
        }
        if self.claims.aud != expect.resource.as_str() && control::holds(Control::Audience) {
            return Err(TokenRefusal::Audience);
        }
        self.unexpired(expect.now)
    }

    /// Expiry is exact: skew is forgiven towards the future only, where a refusal would come too early.
    fn unexpired(&self, now: Timestamp) -> Result<(), TokenRefusal> {
        if now >= Timestamp::from_seconds(self.claims.exp) && control::holds(Control::Expiry) {
            return Err(TokenRefusal::Expired);
        }
        Ok(())
    }
}

impl IssuedToken {
    /// The token, to ask what it hangs from.
    pub fn token(&self) -> &AccessToken {
        &self.0
    }

    /// The claims.
    pub fn claims(&self) -> &AccessClaims {
        self.0.claims()
    }

    /// Who acts for the subject.
    pub fn chain(&self) -> &Chain {
        self.0.chain()
    }

    /// The grant it hangs from, and those above.
    pub fn grants(&self) -> impl Iterator<Item = &GrantId> {
        self.0.grants()
    }
}

fn read(raw: &str, keys: &JwkSet, issuer: &Issuer, now: Timestamp) -> Result<AccessToken, TokenRefusal> {
    let verified = Unverified::parse(raw)?.verify(keys)?;
    if verified.typ() != TYP && control::holds(Control::TokenType) {
        return Err(TokenRefusal::TokenType);
    }
    let members = verified.claims()?;
    if members.get("iss").and_then(Value::as_str) != Some(issuer.as_str()) && control::holds(Control::Issuer) {
        return Err(TokenRefusal::Issuer);
    }
    if members.get("aud").and_then(Value::as_array).is_some_and(|list| list.len() != 1) {
        return Err(TokenRefusal::Audience);
    }
    begun(&members, now)?;
    let claims = typed(members)?;
    in_time(&claims, now)?;
    let chain = Chain::new(claims.act.clone()).map_err(|_| TokenRefusal::ChainTooDeep)?;
    // No other issuer's chains are taken over: under its word, a name of ours would mean somebody else.
    if chain.actors().any(|actor| actor.iss != claims.iss) && control::holds(Control::ActorIssuer) {
        return Err(TokenRefusal::Claims);
    }
    let dlg = &claims.dlg;
    let hops = usize::try_from(dlg.hop).unwrap_or(usize::MAX).max(dlg.ancestors.len());
    // Between two hops there may be a token that the gateway showed a server behind it.
    if hops > MOST_HOPS || dlg.above.len() > 2 * MOST_HOPS {
        return Err(TokenRefusal::ChainTooDeep);
    }
    Ok(AccessToken { claims, chain })
}

/// Reads the claims into their types. Actors and details that would lose a member on the way are refused, not trimmed:
/// what is passed on must equal what was signed.
fn typed(mut members: Map<String, Value>) -> Result<AccessClaims, TokenRefusal> {
    let act = members.get("act").cloned();
    // Over-deep chains are named as such, before their shape can matter.
    if act_depth(act.as_ref()) > MOST_HOPS {
        return Err(TokenRefusal::ChainTooDeep);
    }
    members.remove("nbf");
    let claims: AccessClaims = serde_json::from_value(Value::Object(members)).map_err(|_| TokenRefusal::Claims)?;
    let kept = claims.act.as_ref().map(serde_json::to_value).transpose().map_err(|_| TokenRefusal::Claims)?;
    if kept == act && !claims.sub.is_empty() { Ok(claims) } else { Err(TokenRefusal::Claims) }
}

fn act_depth(act: Option<&Value>) -> usize {
    std::iter::successors(act, |act| act.get("act")).take(MOST_HOPS + 1).count()
}

/// `nbf` (RFC 7519 §4.1.5), where there is one.
fn begun(members: &Map<String, Value>, now: Timestamp) -> Result<(), TokenRefusal> {
    let Some(nbf) = members.get("nbf") else { return Ok(()) };
    let nbf = nbf.as_i64().filter(|nbf| *nbf >= 0).ok_or(TokenRefusal::Claims)?;
    if Timestamp::from_seconds(nbf) > now.after(SKEW) { Err(TokenRefusal::NotYet) } else { Ok(()) }
}

fn in_time(claims: &AccessClaims, now: Timestamp) -> Result<(), TokenRefusal> {
    if claims.iat < 0 || claims.exp < 0 {
        return Err(TokenRefusal::Claims);
    }
    if Timestamp::from_seconds(claims.iat) > now.after(SKEW) {
        return Err(TokenRefusal::NotYet);
    }
    if claims.exp.saturating_sub(claims.iat) > MOST_LIFE { Err(TokenRefusal::TooLong) } else { Ok(()) }
}
