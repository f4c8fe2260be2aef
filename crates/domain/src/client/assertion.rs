//! Client authentication by a signed assertion (RFC 7521 §4.2, RFC 7523 §3): a JWT that a key of the operator's choice
//! made, about exactly this client, for exactly this authorization server, and not long ago.

mod claims;
mod error;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{AuthMethod, SpiffeId};
use crate::control::{Control, holds};
use crate::ids::ClientId;
use crate::jose::{Hint, JwkSet, Unverified};
use crate::time::{SKEW, Timestamp};
use crate::uri::Issuer;

pub use error::AssertionError;

use claims::Claims;

/// The longest life of an assertion that a client makes for one request.
const MOST_LIFE: Duration = Duration::from_mins(5);

/// What an assertion says it is (`client_assertion_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionType {
    /// RFC 7523 §2.2.
    JwtBearer,
    /// OAuth SPIFFE client authentication.
    JwtSpiffe,
}

impl AssertionType {
    /// The type of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" => Some(Self::JwtBearer),
            "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe" => Some(Self::JwtSpiffe),
            _ => None,
        }
    }
}

/// An assertion as it came; nothing of it is believed.
pub struct Assertion {
    kind: AssertionType,
    raw: Zeroizing<String>,
}

impl Assertion {
    /// Takes an assertion off the wire.
    pub fn new(kind: AssertionType, raw: &str) -> Self {
        Self { kind, raw: Zeroizing::new(raw.to_owned()) }
    }

    /// Whom it says it is by. Nothing is believed: [`super::Client::authenticate`] decides.
    pub fn claimed(&self) -> Option<Claimed> {
        let unverified = Unverified::parse(&self.raw).ok()?;
        Some(Claimed { kind: self.kind, hint: unverified.hint() })
    }
}

/// Whom an assertion says it is by, to find a client that was not named beside it.
#[derive(Clone, Debug)]
pub struct Claimed {
    kind: AssertionType,
    hint: Hint,
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Assertion({:?}, ..)", self.kind)
    }
}

/// Whose signature stands for a client, and about whom. The keys are the operator's choice, never the assertion's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssertionTrust {
    /// A key of the client's own: `private_key_jwt`.
    PrivateKey(Arc<JwkSet>),
    /// A workload of a SPIFFE trust domain shows its JWT-SVID.
    Spiffe {
        /// The workload.
        id: SpiffeId,
        /// What its trust domain signs JWT-SVIDs with.
        bundle: Arc<JwkSet>,
    },
    /// A workload of a Kubernetes cluster shows its projected service-account token.
    Kubernetes {
        /// The cluster's issuer.
        issuer: String,
        /// Its service account: `system:serviceaccount:NAMESPACE:NAME`.
        subject: String,
        /// What the cluster signs tokens with.
        keys: Arc<JwkSet>,
    },
}

/// Where and when an assertion is judged.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Who is to be convinced.
    pub issuer: &'a Issuer,
    /// The present moment.
    pub now: Timestamp,
}

/// An assertion that is good once: the caller must remember `key` until `until`, and let nobody in who brings it again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Once {
    /// Digest of client and `jti`, so that no client can burn another's.
    pub key: String,
    /// The moment from which the assertion is refused for its age.
    pub until: Timestamp,
}

impl AssertionTrust {
    /// The method of a client that is trusted so.
    pub const fn method(&self) -> AuthMethod {
        match self {
            Self::PrivateKey(_) => AuthMethod::PrivateKeyJwt,
            Self::Spiffe { .. } => AuthMethod::SpiffeJwt,
            Self::Kubernetes { .. } => AuthMethod::KubernetesToken,
        }
    }

    /// True when an assertion that says so would be by the client of that id.
    pub(super) fn is_claimed(&self, client: &ClientId, claimed: &Claimed) -> bool {
        let (issuer, subject) = (claimed.hint.issuer.as_deref(), claimed.hint.subject.as_deref());
        self.kind() == claimed.kind
            && match self {
                Self::PrivateKey(_) => subject == Some(client.as_str()),
                Self::Spiffe { id, .. } => subject == Some(id.as_str()),
                Self::Kubernetes { issuer: cluster, subject: account, .. } => {
                    issuer == Some(cluster) && subject == Some(account)
                }
            }
    }

    /// Verifies the signature, then everything the assertion must say of `client`.
    pub(super) fn check(
        &self,
        client: &ClientId,
        assertion: &Assertion,
        place: &Place<'_>,
    ) -> Result<Option<Once>, AssertionError> {
        if assertion.kind != self.kind() {
            return Err(AssertionError::Type);
        }
        let verified = Unverified::parse(&assertion.raw)?.verify(self.keys())?;
        let claims = Claims::new(verified.claims()?);
        let foreign = !self.has_class(&verified.typ()) || claims.are_foreign();
        if foreign && holds(Control::AssertionClass) {
            return Err(AssertionError::Class);
        }
        self.is_about(client, &claims)?;
        if !self.is_for(place.issuer, &claims) && holds(Control::AssertionAudience) {
            return Err(AssertionError::Audience);
        }
        let (exp, iat) = claims.timely(place.now)?;
        match self {
            Self::PrivateKey(_) => {
                // A clock that is a little ahead of ours makes no assertion live longer.
                let from = iat.unwrap_or(place.now.after(SKEW));
                if exp > from.after(MOST_LIFE) {
                    return Err(AssertionError::TooLong);
                }
                claims.once(client, exp).map(Some)
            }
            // A platform hands out one token for many requests, so there is nothing that could be used up.
            Self::Spiffe { .. } | Self::Kubernetes { .. } => Ok(None),
        }
    }

    const fn kind(&self) -> AssertionType {
        match self {
            Self::PrivateKey(_) | Self::Kubernetes { .. } => AssertionType::JwtBearer,
            Self::Spiffe { .. } => AssertionType::JwtSpiffe,
        }
    }

    fn keys(&self) -> &JwkSet {
        match self {
            Self::PrivateKey(keys) | Self::Spiffe { bundle: keys, .. } | Self::Kubernetes { keys, .. } => keys,
        }
    }

    /// What `typ` may say (RFC 8725 §3.11, JWT-SVID §2.3); most say nothing.
    fn has_class(&self, typ: &str) -> bool {
        match self {
            Self::PrivateKey(_) => matches!(typ, "" | "jwt" | "client-authentication+jwt"),
            Self::Spiffe { .. } => matches!(typ, "" | "jwt" | "jose"),
            Self::Kubernetes { .. } => matches!(typ, "" | "jwt"),
        }
    }

    fn is_about(&self, client: &ClientId, claims: &Claims) -> Result<(), AssertionError> {
        let (issuer, subject) = match self {
            Self::PrivateKey(_) => (Some(client.as_str()), client.as_str()),
            Self::Spiffe { id, .. } => (None, id.as_str()),
            Self::Kubernetes { issuer, subject, .. } => (Some(issuer.as_str()), subject.as_str()),
        };
        if issuer.is_some_and(|issuer| claims.text("iss") != Some(issuer)) {
            return Err(AssertionError::Issuer);
        }
        if claims.text("sub") != Some(subject) && holds(Control::AssertionSubject) {
            return Err(AssertionError::Subject);
        }
        Ok(())
    }

    /// For this server, and but for Kubernetes, which may write several audiences into one token, for no other. The URL
    /// of the token endpoint is not a server's name: whoever runs several behind one host could use an assertion made
    /// for one of them at another (RFC 7523bis).
    fn is_for(&self, issuer: &Issuer, claims: &Claims) -> bool {
        let audiences = claims.audiences();
        let ours = |audience: &&str| *audience == issuer.as_str();
        match self {
            Self::PrivateKey(_) | Self::Spiffe { .. } => matches!(audiences.as_slice(), [only] if ours(only)),
            Self::Kubernetes { .. } => audiences.iter().any(ours),
        }
    }
}

#[cfg(test)]
mod tests;
