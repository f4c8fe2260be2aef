//! The authorization code (RFC 6749 §4.1.3, OAuth 2.1 §4.1.3): what it is bound to, and the claim that must match.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Approval;
use crate::control::{self, Control};
use crate::error::ErrorCode;
use crate::ids::ClientId;
use crate::pkce::{Challenge, Verifier};
use crate::time::Timestamp;
use crate::uri::Resource;

/// How long after its redemption a code that comes again is a lost race, not a theft.
pub const REPLAY_GRACE: Duration = Duration::from_secs(10);

/// What a code stands for. There is none without a challenge:
///
/// ```compile_fail
/// # use bailiwick_domain::grant::{Approval, CodeGrant};
/// # use bailiwick_domain::time::Timestamp;
/// fn unprotected(approval: Approval, redirect_uri: String, expires_at: Timestamp) -> CodeGrant {
///     CodeGrant { approval, redirect_uri, expires_at }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeGrant {
    /// What was approved.
    pub approval: Approval,
    /// Where the code was sent, as the client presented it.
    pub redirect_uri: String,
    /// The PKCE challenge it waits for.
    pub challenge: Challenge,
    /// Until when it may be redeemed.
    pub expires_at: Timestamp,
}

/// What a client shows to redeem a code.
#[derive(Clone, Copy, Debug)]
pub struct CodeClaim<'a> {
    /// The client, authenticated.
    pub client: &'a ClientId,
    /// The redirect URI; OAuth 2.1 no longer sends it.
    pub redirect_uri: Option<&'a str>,
    /// The PKCE verifier.
    pub verifier: &'a Verifier,
    /// The server the token is for (RFC 8707 §2.2).
    pub resource: Option<&'a Resource>,
}

/// Proof that a claim matched its grant. Only [`CodeGrant::claim`] makes one, and only one can be turned into tokens.
///
/// ```compile_fail
/// # use bailiwick_domain::grant::{Approved, CodeGrant};
/// fn unasked(grant: CodeGrant) -> Approved { Approved(grant) }
/// ```
/// ```compile_fail
/// # use bailiwick_domain::grant::Approved;
/// fn twice(approved: Approved) -> (Approved, Approved) { (approved.clone(), approved) }
/// ```
#[derive(Debug)]
pub struct Approved(CodeGrant);

/// Why a claim does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Another client's code.
    #[error("the code was issued to another client")]
    Client,
    /// Too late.
    #[error("the code has expired")]
    Expired,
    /// Not the redirect URI of the authorization request.
    #[error("redirect_uri is not the one of the authorization request")]
    Redirect,
    /// Not the verifier of the challenge.
    #[error("code_verifier does not match the code_challenge")]
    Verifier,
    /// Not the approved server.
    #[error("resource is not the one that was approved")]
    Resource,
}

impl ClaimError {
    /// The code on the wire (RFC 6749 §5.2, RFC 8707 §2).
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Client | Self::Expired | Self::Redirect | Self::Verifier => ErrorCode::InvalidGrant,
            Self::Resource => ErrorCode::InvalidTarget,
        }
    }
}

impl CodeGrant {
    /// Checks a claim and consumes the grant. The client comes first, so that whoever stole a code learns nothing more.
    ///
    /// # Errors
    /// [`ClaimError`] for the first thing that does not match.
    pub fn claim(self, claim: &CodeClaim<'_>, now: Timestamp) -> Result<Approved, ClaimError> {
        if self.approval.client != *claim.client && control::holds(Control::CodeClient) {
            return Err(ClaimError::Client);
        }
        if now >= self.expires_at || self.approval.is_over(now) {
            return Err(ClaimError::Expired);
        }
        if claim.redirect_uri.is_some_and(|presented| presented != self.redirect_uri) {
            return Err(ClaimError::Redirect);
        }
        if !self.challenge.opens_with(claim.verifier) {
            return Err(ClaimError::Verifier);
        }
        if claim.resource.is_some_and(|resource| !resource.is(self.approval.resource.as_str())) {
            return Err(ClaimError::Resource);
        }
        Ok(Approved(self))
    }
}

impl Approved {
    /// What was approved.
    pub fn approval(&self) -> &Approval {
        &self.0.approval
    }

    /// What was approved, to be kept.
    pub fn into_approval(self) -> Approval {
        self.0.approval
    }
}

/// What a code that was redeemed before means, when its own client brings it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeReplay {
    /// A lost race: refuse, change nothing.
    JustLost,
    /// Somebody kept it: refuse and revoke the grant (RFC 6749 §4.1.2).
    RevokeGrant,
}

/// Tells a lost race from a replay.
pub fn judge_replay(redeemed_at: Timestamp, now: Timestamp) -> CodeReplay {
    if now.since(redeemed_at) <= REPLAY_GRACE { CodeReplay::JustLost } else { CodeReplay::RevokeGrant }
}

#[cfg(test)]
mod tests;
