//! What the vault keeps of an account: its tokens, by whom they were given, and as whom.

use std::collections::BTreeSet;

use bailiwick_client::{AuthorizationServer, Registration, Secret, Tokens};
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::scope::{Scope, ScopeSet};
use bailiwick_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::settings::UserOauth;

/// The credential of a connection, among the kinds of [`crate::connection::Held`].
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename = "oauth")]
pub(crate) struct Bundle {
    /// Who gave the tokens; they are shown to nobody else.
    pub(crate) issuer: String,
    /// At which endpoint: one host may serve many who say nothing of themselves.
    #[serde(default)]
    endpoint: String,
    access: String,
    refresh: Option<String>,
    /// As whom: a refresh token is bound to its client (RFC 6749 §10.4).
    pub(crate) registration: Registration,
    /// Where the access token may be shown.
    #[serde(default)]
    to: BTreeSet<String>,
    /// Whose account it is there, where the provider said so.
    #[serde(default)]
    subject: Option<String>,
}

impl Bundle {
    /// What that server gave, to be shown there.
    pub(crate) fn new(
        server: &AuthorizationServer,
        tokens: &Tokens,
        registration: Registration,
        to: BTreeSet<String>,
    ) -> Self {
        let (access, refresh) = tokens.expose();
        let (access, refresh) = (access.to_owned(), refresh.map(str::to_owned));
        let (issuer, endpoint) = (server.issuer.clone(), server.token_endpoint.to_string());
        let subject = tokens.identity.as_ref().map(|identity| identity.subject.clone());
        Self { issuer, endpoint, access, refresh, registration, to, subject }
    }

    /// The same with what that server renewed it by; nothing where that is for another account (OpenID Connect Core
    /// §12.2).
    pub(crate) fn renewed(&self, server: &AuthorizationServer, tokens: &Tokens) -> Option<Self> {
        let mut new = Self::new(server, tokens, self.registration.clone(), self.to.clone());
        let same = self.subject.is_none() || new.subject.is_none() || self.subject == new.subject;
        new.subject = new.subject.take().or_else(|| self.subject.clone());
        (same || !holds(Control::OvergrantCheck)).then_some(new)
    }

    /// What the tokens are bound to.
    pub(crate) fn bound(&self, scope: &ScopeSet) -> Bound {
        Bound {
            issuer: self.issuer.clone(),
            endpoint: self.endpoint.clone(),
            client: self.registration.client_id.clone(),
            scope: scope.clone(),
            to: self.to.clone(),
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The text for the vault.
    pub(crate) fn write(&self) -> Zeroizing<String> {
        Zeroizing::new(serde_json::to_string(self).unwrap_or_default())
    }

    /// The access token.
    pub(crate) fn access(&self) -> Zeroizing<String> {
        Zeroizing::new(self.access.clone())
    }

    /// True when it can be renewed without a person.
    pub(crate) fn renewable(&self) -> bool {
        self.refresh.is_some()
    }

    /// The tokens, for the desk that renews or revokes them.
    pub(crate) fn tokens(&self, scope: ScopeSet, expires_at: Option<Timestamp>) -> Tokens {
        let refresh = self.refresh.clone().map(Secret::new);
        Tokens::kept(Secret::new(self.access.clone()), refresh, scope, expires_at)
    }
}

/// What tokens are bound to: whatever the configuration says later, they serve for nothing else (R19).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    issuer: String,
    endpoint: String,
    client: String,
    scope: ScopeSet,
    to: BTreeSet<String>,
}

impl Bound {
    /// True where these settings still mean who gave the tokens, and to whom, and where they are shown was known to their
    /// person. With no destination they are shown to nobody.
    pub(crate) fn fits(&self, settings: &UserOauth, destination: Option<&str>) -> bool {
        let issuer = settings.named_issuer().is_none_or(|issuer| issuer == self.issuer);
        let endpoint = settings.token_url.as_ref().is_none_or(|url| url.as_str() == self.endpoint);
        let client = settings.client_id.as_ref().is_none_or(|client| *client == self.client);
        let place = destination.is_none_or(|destination| self.to.contains(destination));
        (issuer && endpoint && client && place) || !holds(Control::BoundAccount)
    }

    /// The first scope that is not asked for (R16); whatever comes is the provider's own choice where none is.
    pub(crate) fn excess(&self, settings: &UserOauth) -> Option<&Scope> {
        settings.excess(&self.scope)
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        self.access.zeroize();
        self.refresh.zeroize();
    }
}
