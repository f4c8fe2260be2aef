//! A person's own account at a provider (OAuth 2.1, code with PKCE S256): they connect it once in their browser, and
//! what that brings is kept in the vault and renewed without them.

mod begin;
mod end;
mod finish;
mod found;
mod identity;
mod kept;

use std::borrow::Cow;

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::scope::{Scope, ScopeSet};
use url::Url;

use crate::answer::names_none;
use crate::obtained::BrokerError;
use crate::settings::UserOauth;

pub use begin::Departure;
pub(crate) use found::{Found, Places};
pub use identity::{DOCUMENTS, callback};
pub(crate) use kept::{Bound, Bundle};

impl UserOauth {
    /// What a person is asked for there, beyond what tools need: to be let in again without them.
    fn asked(&self, found: &Found) -> ScopeSet {
        match Scope::parse("offline_access") {
            Some(offline) if found.server.offers_offline_access && !self.scopes.is_empty() => {
                self.scopes.join(&ScopeSet::from_iter([offline]))
            }
            Some(_) | None => self.scopes.clone(),
        }
    }

    /// The first scope of `given` that nobody asked for (R16).
    fn excess<'a>(&self, given: &'a ScopeSet) -> Option<&'a Scope> {
        if names_none(&self.scopes) || !holds(Control::OvergrantCheck) {
            return None;
        }
        given.iter().find(|scope| scope.as_str() != "offline_access" && !self.scopes.contains(scope))
    }

    /// The issuer, where the operator wrote it, or where its endpoints are.
    fn named_issuer(&self) -> Option<Cow<'_, str>> {
        let written = || self.authorization_url.as_ref().map(|url| url.origin().ascii_serialization().into());
        self.issuer.as_deref().map(Cow::Borrowed).or_else(written)
    }

    /// True when the operator wrote that host and port.
    fn wrote(&self, url: &Url) -> bool {
        let issuer = self.issuer.as_ref().and_then(|issuer| Url::parse(issuer).ok());
        let urls = [&self.authorization_url, &self.token_url, &self.revocation_url].into_iter().flatten();
        let mut written = urls.chain(&issuer).chain(&self.upstream);
        written.any(|written| written.origin() == url.origin())
    }

    /// The `resource` parameter: as written, else as it is known.
    fn resource(&self, known: Option<String>) -> Option<String> {
        self.resource.clone().or(known).filter(|resource| !resource.is_empty())
    }
}

/// Why nothing was connected, or a connection does not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The person, or the provider on their behalf, said no.
    #[error("the provider answered access_denied")]
    Denied,
    /// Somebody else answered than who was asked.
    #[error("the answer is not by the provider that was asked")]
    Issuer,
    /// The provider refuses.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// What was configured, or left, cannot work.
    #[error("{0}")]
    Unfit(String),
    /// There is no such connection.
    #[error("there is no such connection")]
    Missing,
    /// The provider cannot be reached, or makes no sense.
    #[error("the provider is not available: {0}")]
    Down(String),
    /// What was made cannot be kept.
    #[error("the connection cannot be kept: {0}")]
    Unkept(String),
}

impl ConnectError {
    /// What keeps a connection from being used, as its person is told.
    pub(crate) fn of(error: &BrokerError) -> Self {
        match error {
            BrokerError::Unconnected { .. } => Self::Missing,
            BrokerError::Lost { .. } => Self::Refused("connect again".to_owned()),
            BrokerError::Overgrant(says) | BrokerError::Refused(says) | BrokerError::Nothing(says) => {
                Self::Refused(says.clone())
            }
            BrokerError::Unfit(says) => Self::Unfit(says.clone()),
            BrokerError::Later(_) | BrokerError::Nobody => Self::Down(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
