//! What the vault keeps of an account: its tokens, by whom they were given, and as whom.

use bailiwick_client::{Registration, Secret, Tokens};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

/// The credential of a connection, among the kinds of [`crate::connection::Held`].
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename = "oauth")]
pub(crate) struct Bundle {
    /// Who gave the tokens; they are shown to nobody else.
    pub(crate) issuer: String,
    access: String,
    refresh: Option<String>,
    /// As whom: a refresh token is bound to its client (RFC 6749 §10.4).
    pub(crate) registration: Registration,
}

impl Bundle {
    pub(crate) fn new(issuer: &str, tokens: &Tokens, registration: Registration) -> Self {
        let (access, refresh) = tokens.expose();
        let (access, refresh) = (access.to_owned(), refresh.map(str::to_owned));
        Self { issuer: issuer.to_owned(), access, refresh, registration }
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

impl Drop for Bundle {
    fn drop(&mut self) {
        self.access.zeroize();
        self.refresh.zeroize();
    }
}
