//! The providers people may sign in at, and what each was last heard to say of itself.

use std::cell::LazyCell;
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
use super::{OidcError, SignalSettings, UpstreamIssuer};

/// How long a person waits for a connection, and for an answer.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(10));

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

/// Every provider.
pub struct Providers(Vec<Arc<Provider>>);

/// One provider, and what is known of it.
pub(super) struct Provider {
    pub(super) settings: ProviderSettings,
    pub(super) http: Http,
    metadata: Kept<Metadata>,
    keys: Kept<JwkSet>,
}

impl Providers {
    /// These providers. They are asked nothing before somebody signs in.
    pub fn new(settings: Vec<ProviderSettings>) -> Self {
        Self(Vec::new()).after(settings).0
    }

    /// These in place of those so far, and the names of those that are new, gone or others. What is known of one that
    /// stays as it is stays known.
    pub(crate) fn after(&self, settings: Vec<ProviderSettings>) -> (Self, Vec<String>) {
        // Certificates are read for it, so there is none where there is nobody to ask.
        let http = LazyCell::new(|| Http::with_patience(PATIENCE.0, PATIENCE.1));
        let provider = |settings: ProviderSettings| {
            let same = self.0.iter().find(|known| known.settings == settings);
            same.cloned().unwrap_or_else(|| Arc::new(Provider::new(settings, (*http).clone())))
        };
        let new = Self(settings.into_iter().map(provider).collect());
        let missing = |one: &Self, other: &Self| -> Vec<String> {
            let is_there = |it: &Arc<Provider>| other.0.iter().any(|there| Arc::ptr_eq(there, it));
            one.0.iter().filter(|it| !is_there(it)).map(|it| it.settings.name.clone()).collect()
        };
        let mut told = [missing(self, &new), missing(&new, self)].concat();
        told.sort_unstable();
        told.dedup();
        (new, told)
    }

    /// The provider of that name.
    pub(super) fn named(&self, name: &str) -> Result<Arc<Provider>, OidcError> {
        self.0.iter().find(|provider| provider.settings.name == name).cloned().ok_or(OidcError::Unknown)
    }

    /// Name and title of each.
    pub(crate) fn titles(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|it| (it.settings.name.as_str(), it.settings.title.as_str())).collect()
    }
}

impl Provider {
    fn new(settings: ProviderSettings, http: Http) -> Self {
        Self { settings, http, metadata: Kept::default(), keys: Kept::default() }
    }

    /// Where its endpoints are.
    pub(super) async fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, OidcError> {
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
    ) -> Result<Claims, OidcError> {
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

    async fn keys(&self, metadata: &Metadata, age: Duration, now: Timestamp) -> Result<Arc<JwkSet>, OidcError> {
        let fetch = async {
            let json = self.document(metadata.keys.as_str(), None, "key set").await?;
            JwkSet::parse(&json).map_err(|_| OidcError::Document("key set"))
        };
        self.keys.no_older(age, now, fetch).await
    }
}
