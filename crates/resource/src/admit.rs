//! Admission: from an `Authorization` header to a [`Caller`], or to the challenge that refuses it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bailiwick_domain::control::{self, Control};
use bailiwick_domain::error::ErrorCode;
use bailiwick_domain::jose::{JwkSet, MOST_BYTES};
use bailiwick_domain::text;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::{AccessToken, Expect, Standing, TokenRefusal, verify_access};
use bailiwick_domain::uri::{Issuer, Resource};

use crate::Caller;
use crate::bearer::Bearer;
use crate::cache::Cache;

/// The most verified tokens remembered.
const MOST_REMEMBERED: usize = 8192;

/// Knows whether a token's grant still stands. Asked for every request, remembered token or not.
pub trait Liveness: Send + Sync {
    /// How the token stands at `now`.
    fn standing(&self, token: &AccessToken, now: Timestamp) -> Standing;
}

/// Verifies the tokens of one issuer.
pub struct Verifier {
    issuer: Issuer,
    keys: Arc<ArcSwap<JwkSet>>,
    cache: Cache,
}

/// Why a request is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// No token came.
    #[error("no access token was sent")]
    NoToken,
    /// The token is no good here.
    #[error(transparent)]
    Invalid(#[from] TokenRefusal),
    /// Its grant, or something above it, was revoked.
    #[error("the access token was revoked")]
    Revoked,
    /// Whether it was revoked is not known right now.
    #[error("whether the access token was revoked is not known right now")]
    Stale,
}

impl AdmitError {
    /// The HTTP status of the refusal.
    pub const fn status(&self) -> u16 {
        match self {
            Self::NoToken | Self::Invalid(_) | Self::Revoked => 401,
            Self::Stale => 503,
        }
    }

    /// The `error` and `error_description` of the challenge; none where no token came (RFC 6750 §3.1).
    pub const fn challenge(&self) -> Option<(ErrorCode, &'static str)> {
        match self {
            Self::NoToken => None,
            Self::Invalid(refusal) => Some((ErrorCode::InvalidToken, refusal.says())),
            Self::Revoked => Some((ErrorCode::InvalidToken, "the access token was revoked")),
            Self::Stale => Some((ErrorCode::TemporarilyUnavailable, "revocations are not known right now")),
        }
    }
}

impl Verifier {
    /// A verifier of what `issuer` signs with `keys`; the set may be swapped while it works.
    pub fn new(issuer: Issuer, keys: Arc<ArcSwap<JwkSet>>) -> Self {
        Self { issuer, keys, cache: Cache::new(MOST_REMEMBERED) }
    }

    /// Admits the bearer of a token for `resource`.
    ///
    /// # Errors
    /// [`AdmitError`]; what is not known is refused too.
    pub fn admit(
        &self,
        authorization: Option<&str>,
        resource: &Resource,
        liveness: &dyn Liveness,
        now: Timestamp,
    ) -> Result<Caller, AdmitError> {
        let raw = match Bearer::read(authorization) {
            Bearer::Absent => return Err(AdmitError::NoToken),
            Bearer::Malformed => return Err(TokenRefusal::Malformed.into()),
            Bearer::Token(raw) => raw,
        };
        let token = self.verified(raw, &Expect { issuer: &self.issuer, resource, now })?;
        // A bound token is worth nothing in other hands (RFC 7800 §1), so bare possession must not be enough.
        if token.claims().cnf.is_some() {
            return Err(TokenRefusal::Bound.into());
        }
        match liveness.standing(&token, now) {
            Standing::Live => Ok(Caller::new(token)),
            Standing::Revoked if !control::holds(Control::Revocation) => Ok(Caller::new(token)),
            Standing::Revoked => Err(AdmitError::Revoked),
            Standing::Stale => Err(AdmitError::Stale),
        }
    }

    fn verified(&self, raw: &str, expect: &Expect<'_>) -> Result<Arc<AccessToken>, TokenRefusal> {
        if raw.len() > MOST_BYTES {
            return Err(TokenRefusal::Malformed);
        }
        let keys = self.keys.load_full();
        let fingerprint = text::sha256(raw.as_bytes());
        if let Some(token) = self.cache.find(&keys, &fingerprint) {
            token.still_fits(expect)?;
            return Ok(token);
        }
        let token = Arc::new(verify_access(raw, &keys, expect)?);
        self.cache.keep(&keys, fingerprint, Arc::clone(&token));
        Ok(token)
    }

    #[cfg(test)]
    pub(crate) fn remembered(&self) -> usize {
        self.cache.len()
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
