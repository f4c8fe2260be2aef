//! The providers people may sign in at, whatever they speak.

use std::cell::LazyCell;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_net::Http;

use super::UpstreamError;
use super::oidc::{Provider, ProviderSettings};
use super::saml::SamlSettings;

/// How long a person waits for a connection, and for an answer.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(10));

/// One provider, as configured.
pub enum LoginSettings {
    /// OpenID Connect.
    Oidc(ProviderSettings),
    /// SAML 2.0.
    Saml(SamlSettings),
}

/// Every provider.
pub struct Providers(Vec<LoginProvider>);

/// One provider, and what is known of it.
#[derive(Clone)]
pub(super) enum LoginProvider {
    /// OpenID Connect.
    Oidc(Arc<Provider>),
    /// SAML 2.0.
    Saml(Arc<SamlSettings>),
}

impl LoginProvider {
    fn is(&self, settings: &LoginSettings) -> bool {
        match (self, settings) {
            (Self::Oidc(known), LoginSettings::Oidc(settings)) => known.settings == *settings,
            (Self::Saml(known), LoginSettings::Saml(settings)) => **known == *settings,
            (Self::Oidc(_), LoginSettings::Saml(_)) | (Self::Saml(_), LoginSettings::Oidc(_)) => false,
        }
    }

    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Oidc(one), Self::Oidc(other)) => Arc::ptr_eq(one, other),
            (Self::Saml(one), Self::Saml(other)) => Arc::ptr_eq(one, other),
            (Self::Oidc(_), Self::Saml(_)) | (Self::Saml(_), Self::Oidc(_)) => false,
        }
    }

    fn named(&self) -> (&str, &str) {
        match self {
            Self::Oidc(it) => (&it.settings.name, &it.settings.title),
            Self::Saml(it) => (&it.party.name, &it.title),
        }
    }
}

impl Providers {
    /// These providers. They are asked nothing before somebody signs in.
    pub fn new(settings: Vec<LoginSettings>) -> Self {
        Self(Vec::new()).after(settings).0
    }

    /// These in place of those so far, and the names of those that are new, gone or others. What is known of one that
    /// stays as it is stays known.
    pub(crate) fn after(&self, settings: Vec<LoginSettings>) -> (Self, Vec<String>) {
        // Certificates are read for it, so there is none where there is nobody to ask.
        let http = LazyCell::new(|| Http::with_patience(PATIENCE.0, PATIENCE.1));
        let provider = |settings: LoginSettings| {
            let same = self.0.iter().find(|known| known.is(&settings));
            same.cloned().unwrap_or_else(|| match settings {
                LoginSettings::Oidc(settings) => {
                    LoginProvider::Oidc(Arc::new(Provider::new(settings, (*http).clone())))
                }
                LoginSettings::Saml(settings) => LoginProvider::Saml(Arc::new(settings)),
            })
        };
        let new = Self(settings.into_iter().map(provider).collect());
        let missing = |one: &Self, other: &Self| -> Vec<String> {
            let is_there = |it: &LoginProvider| other.0.iter().any(|there| there.same(it));
            one.0.iter().filter(|it| !is_there(it)).map(|it| it.named().0.to_owned()).collect()
        };
        let mut told = [missing(self, &new), missing(&new, self)].concat();
        told.sort_unstable();
        told.dedup();
        (new, told)
    }

    /// The provider of that name.
    pub(super) fn named(&self, name: &str) -> Result<LoginProvider, UpstreamError> {
        self.0.iter().find(|it| it.named().0 == name).cloned().ok_or(UpstreamError::Unknown)
    }

    /// The provider of that name, if it speaks OpenID Connect.
    pub(super) fn oidc(&self, name: &str) -> Option<Arc<Provider>> {
        match self.named(name) {
            Ok(LoginProvider::Oidc(provider)) => Some(provider),
            Ok(LoginProvider::Saml(_)) | Err(_) => None,
        }
    }

    /// The provider of that name, if it speaks SAML.
    pub(super) fn saml(&self, name: &str) -> Result<Arc<SamlSettings>, UpstreamError> {
        match self.named(name)? {
            LoginProvider::Saml(provider) => Ok(provider),
            LoginProvider::Oidc(_) => Err(UpstreamError::Unknown),
        }
    }

    /// Name and title of each.
    pub(crate) fn titles(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(LoginProvider::named).collect()
    }
}
