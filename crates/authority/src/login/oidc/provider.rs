//! The providers people may sign in at, and what each was last heard to say of itself.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::jose::{JwkSet, JwsError, Unverified, Verified};
use bailiwick_domain::time::Timestamp;
use bailiwick_net::Http;
use zeroize::Zeroizing;

use super::discovery::Metadata;
use super::documents::{AGAIN, FRESH, Kept};
use super::id_token::{Claims, Expected, IdTokenError};
use super::signal::SignalError;
use super::{SignalSettings, UpstreamIssuer};
use crate::login::UpstreamError;

/// One provider, as configured.
#[derive(PartialEq, Eq)]
pub struct ProviderSettings {
    /// Its name, part of the callback path.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Whom its tokens come from.
    pub issuer: UpstreamIssuer,
    /// Who we are there.
    pub client_id: String,
    /// How we prove it; a public client has nothing but PKCE.
    pub client_secret: Option<Zeroizing<String>>,
    /// What we ask for, beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that lists groups.
    pub groups_claim: String,
    /// What it may tell us unasked.
    pub signals: SignalSettings,
}

/// One provider, and what is known of it.
pub(in crate::login) struct Provider {
    pub(in crate::login) settings: ProviderSettings,
    pub(super) http: Http,
    metadata: Kept<Metadata>,
    keys: Kept<JwkSet>,
}

impl Provider {
    /// A provider that was not asked anything yet.
    pub(in crate::login) fn new(settings: ProviderSettings, http: Http) -> Self {
        Self { settings, http, metadata: Kept::default(), keys: Kept::default() }
    }

    /// Where its endpoints are.
    pub(super) async fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, UpstreamError> {
        let fetch = async {
            let json = self.document(&self.settings.issuer.discovery(), None, "metadata").await?;
            Metadata::read(&json, &self.settings.issuer)
        };
        self.metadata.no_older(FRESH, now, fetch).await
    }

    /// Verifies an ID token. A key nobody knows yet makes us ask for the keys again, though not in a hurry.
    pub(super) async fn verify(
        &self,
        metadata: &Metadata,
        raw: &str,
        expected: &Expected<'_>,
    ) -> Result<Claims, UpstreamError> {
        let keys = self.keys(metadata, FRESH, expected.now).await?;
        match expected.check(raw, &keys) {
            Err(IdTokenError::Signature(JwsError::UnknownKey)) => {
                let keys = self.keys(metadata, AGAIN, expected.now).await?;
                Ok(expected.check(raw, &keys)?)
            }
            checked => Ok(checked?),
        }
    }

    /// Verifies who signed something that nobody here asked for.
    pub(super) async fn signed(&self, raw: &str, now: Timestamp) -> Result<Verified, SignalError> {
        // Nobody is asked for keys because of what is no token at all.
        Unverified::parse(raw)?;
        let metadata = self.metadata(now).await.map_err(SignalError::Provider)?;
        let keys = self.keys(&metadata, FRESH, now).await.map_err(SignalError::Provider)?;
        match Unverified::parse(raw)?.verify(&keys) {
            Err(JwsError::UnknownKey) => {
                let keys = self.keys(&metadata, AGAIN, now).await.map_err(SignalError::Provider)?;
                Ok(Unverified::parse(raw)?.verify(&keys)?)
            }
            verified => Ok(verified?),
        }
    }

    async fn keys(&self, metadata: &Metadata, age: Duration, now: Timestamp) -> Result<Arc<JwkSet>, UpstreamError> {
        let fetch = async {
            let json = self.document(metadata.keys.as_str(), None, "key set").await?;
            JwkSet::parse(&json).map_err(|_| UpstreamError::Document("key set"))
        };
        self.keys.no_older(age, now, fetch).await
    }
}
