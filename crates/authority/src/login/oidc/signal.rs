//! What a provider tells us unasked, in a token that it signs: that a session there is over (back-channel logout), or
//! that somebody is to be signed out of everything (a security event). Both are believed like an ID token: signed with a
//! key of the configured issuer's, by it, for us, lately, and each once.

use std::time::Duration;

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::jose::JwsError;
use bailiwick_domain::time::{SKEW, Timestamp};
use bailiwick_store::{Signal, SignalEnd, Silenced, StoreError};
use http::StatusCode;
use serde_json::{Map, Value};

use super::provider::Provider;
use crate::authority::Authority;
use crate::login::UpstreamError;
use crate::visit::Visit;

/// The longest `jti`, `sub` and `sid`.
const MOST: usize = 255;

/// Why a signal is not taken in.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignalError {
    /// No such provider, or it may not tell us this.
    #[error("nothing of this kind is received here")]
    Off,
    /// The request is not what the standard says.
    #[error("{0}")]
    Request(&'static str),
    /// Signed by nobody we know.
    #[error("the signature cannot be verified: {0}")]
    Signature(#[from] JwsError),
    /// Made by somebody else.
    #[error("another issuer")]
    Issuer,
    /// Made for somebody else.
    #[error("another audience")]
    Audience,
    /// The token does not say what it must.
    #[error("{0}")]
    Claims(&'static str),
    /// The provider's keys cannot be had right now.
    #[error(transparent)]
    Provider(UpstreamError),
    /// The store did not answer.
    #[error("not available at the moment; send it again")]
    Store(#[from] StoreError),
}

impl SignalError {
    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Off => StatusCode::NOT_FOUND,
            Self::Provider(_) | Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Request(_) | Self::Signature(_) | Self::Issuer | Self::Audience | Self::Claims(_) => {
                StatusCode::BAD_REQUEST
            }
        }
    }
}

/// What a provider may tell us unasked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignalSettings {
    /// That a session there is over (OpenID Connect Back-Channel Logout 1.0).
    pub backchannel: bool,
    /// That somebody is to be signed out of everything (RFC 8935, CAEP `session-revoked`).
    pub events: bool,
    /// The audience of its events, where that is not our `client_id`.
    pub events_audience: Option<String>,
}

/// The claims of a signal, signed by the provider; nothing else about them is known yet.
pub(super) struct Said(pub(super) Map<String, Value>);

impl Said {
    /// A claim that is text.
    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.0.get(claim).and_then(Value::as_str)
    }

    /// A claim that names something.
    pub(super) fn id(&self, claim: &str) -> Option<String> {
        usable(self.text(claim)?)
    }

    /// A claim that is a moment.
    pub(super) fn moment(&self, claim: &str) -> Option<Timestamp> {
        self.0.get(claim).and_then(Value::as_i64).map(Timestamp::from_seconds)
    }

    /// The event of that type (RFC 8417 §2.2).
    pub(super) fn event(&self, kind: &str) -> Option<&Map<String, Value>> {
        self.0.get("events").and_then(Value::as_object)?.get(kind).and_then(Value::as_object)
    }

    /// Checks what every signal must say: who made it, for whom, and lately.
    pub(super) fn check(&self, expected: &Expected<'_>) -> Result<(), SignalError> {
        if !self.text("iss").is_some_and(|said| expected.provider.settings.issuer.is(said)) {
            return Err(SignalError::Issuer);
        }
        let ours = match self.0.get("aud") {
            Some(Value::String(one)) => one == expected.audience,
            Some(Value::Array(many)) => many.iter().any(|one| one == expected.audience),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
        };
        if !ours {
            return Err(SignalError::Audience);
        }
        let lately = |iat: Timestamp| iat <= expected.now.after(SKEW) && expected.now.since(iat) <= expected.oldest;
        if !self.moment("iat").is_some_and(lately) {
            return Err(SignalError::Claims("iat is missing, in the future or too long ago"));
        }
        if self.0.contains_key("exp") && self.moment("exp").is_none_or(|exp| exp.after(SKEW) <= expected.now) {
            return Err(SignalError::Claims("it has expired"));
        }
        if self.id("jti").is_none() {
            return Err(SignalError::Claims("jti is missing"));
        }
        Ok(())
    }
}

/// What a signal must say.
pub(super) struct Expected<'a> {
    pub(super) provider: &'a Provider,
    pub(super) audience: &'a str,
    pub(super) now: Timestamp,
    /// How long ago it may have been made.
    pub(super) oldest: Duration,
}

impl Expected<'_> {
    /// Takes a signal in, once.
    pub(super) async fn take(
        &self,
        authority: &Authority,
        visit: &Visit,
        said: &Said,
        ends: SignalEnd,
    ) -> Result<(), SignalError> {
        let settings = &self.provider.settings;
        let what = match &ends {
            SignalEnd::Browsers { .. } => "backchannel-logout",
            SignalEnd::Everything { .. } => "session-revoked",
        };
        let event = AuditEvent::new(AuditKind::SignalReceived, self.now)
            .correlation(&visit.correlation)
            .rule(format!("login.{}", settings.name))
            .says(what);
        let signal = Signal {
            issuer: settings.issuer.as_str().to_owned(),
            jti: said.id("jti").unwrap_or_default(),
            expires_at: self.now.after(self.oldest).after(2 * SKEW),
            ends,
        };
        let silenced = authority.store.hear(signal, event).await?;
        let (provider, correlation) = (settings.name.as_str(), visit.correlation.as_str());
        match silenced {
            // Whoever sends again did not hear our answer; there is nothing left to do.
            Silenced::Repeated => tracing::info!(provider, correlation, what, "a signal came again"),
            Silenced::Done { sessions, grants } => {
                tracing::info!(provider, correlation, what, sessions, grants, "a signal was taken in");
            }
        }
        Ok(())
    }
}

/// Verifies who signed a token; its class is returned with what it says.
pub(super) async fn signed(provider: &Provider, raw: &str, now: Timestamp) -> Result<(String, Said), SignalError> {
    let verified = provider.signed(raw, now).await?;
    Ok((verified.typ(), Said(verified.claims()?)))
}

/// Text that can name something.
pub(super) fn usable(id: &str) -> Option<String> {
    (!id.is_empty() && id.len() <= MOST && id.bytes().all(|b| b.is_ascii_graphic())).then(|| id.to_owned())
}
