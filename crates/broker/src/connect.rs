//! The ways by which people connect accounts of theirs, and end that again.

use std::sync::Arc;

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{ConnectionKey, NewConnection};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::broker::Broker;
use crate::connection::Held;
use crate::credential::fit;
use crate::oauth::{ConnectError, Departure};
use crate::provider::{Provider, ProviderKind};
use crate::settings::UserOauth;

/// The fields of a form in which a person leaves something.
pub const KEY_FIELD: &str = "key";
/// The name.
pub const NAME_FIELD: &str = "username";
/// The password.
pub const PASSWORD_FIELD: &str = "password";

impl Broker {
    /// Makes ready to send a person to a provider; its answer comes back to `callback`.
    ///
    /// # Errors
    /// [`ConnectError`] when it cannot be found, or knows nobody like us.
    pub async fn begin(&self, provider: &str, callback: &str, now: Timestamp) -> Result<Departure, ConnectError> {
        self.accounts.begin(&*self.oauth(provider)?, callback, now).await
    }

    /// Takes a provider's answer, and keeps what comes of it: what [`Departure::sealed`] was, and the parameters that
    /// came, as they came.
    ///
    /// # Errors
    /// [`ConnectError`]; nothing is kept then.
    pub async fn finish(
        &self,
        key: &ConnectionKey,
        answer: (&str, &str),
        event: AuditEvent,
    ) -> Result<(), ConnectError> {
        self.accounts.finish(&*self.oauth(&key.provider)?, key, answer, event).await
    }

    /// Keeps what a person left in the fields of a form.
    ///
    /// # Errors
    /// [`ConnectError::Unfit`] when it cannot be a credential.
    pub async fn keep(
        &self,
        key: &ConnectionKey,
        fields: &[(String, Zeroizing<String>)],
        event: AuditEvent,
    ) -> Result<(), ConnectError> {
        let provider = self.known(&key.provider)?;
        let field = |name: &str| {
            let found = fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
            let found = found.filter(|value| !value.is_empty() && value.len() <= 16_384);
            found.map(str::to_owned).ok_or_else(|| ConnectError::Unfit(format!("{name} is missing")))
        };
        let held = match &provider.kind {
            ProviderKind::Oauth(_) => return Err(ConnectError::Missing),
            ProviderKind::Key(_) => Held::Key { key: field(KEY_FIELD)? },
            ProviderKind::Login => Held::Login { username: field(NAME_FIELD)?, password: field(PASSWORD_FIELD)? },
        };
        fit(&provider.kind, &held).map_err(|error| ConnectError::Unfit(error.to_string()))?;
        let new = NewConnection {
            key: key.clone(),
            client: String::new(),
            scope: ScopeSet::default(),
            account: None,
            secret: Zeroizing::new(serde_json::to_string(&held).unwrap_or_default()),
            expires_at: None,
            rotates: false,
        };
        let kept = self.store.connect(new, event).await;
        kept.map(drop).map_err(|error| ConnectError::Unkept(error.to_string()))
    }

    /// Looks whether a connection still works, by renewing it where that is possible.
    ///
    /// # Errors
    /// [`ConnectError`] says why it does not.
    pub async fn test(&self, key: &ConnectionKey) -> Result<(), ConnectError> {
        match &self.known(&key.provider)?.kind {
            ProviderKind::Oauth(settings) => self.accounts.test(&Arc::new(UserOauth::clone(settings)), key).await,
            ProviderKind::Key(_) | ProviderKind::Login => {
                self.open(key).await.map(drop).map_err(|error| ConnectError::of(&error))
            }
        }
    }

    /// Ends a connection, at the provider too where that is possible.
    ///
    /// # Errors
    /// [`ConnectError`] when there is none, or it is still kept.
    pub async fn end(&self, key: &ConnectionKey, event: AuditEvent) -> Result<(), ConnectError> {
        let settings = self.oauth(&key.provider).ok();
        self.accounts.end(settings.as_deref(), key, event).await
    }

    /// Our own description (Client ID Metadata Documents), for [`crate::DOCUMENT`].
    pub fn client_document(&self) -> Value {
        self.accounts.document()
    }

    /// Finishes the refreshes that were begun.
    pub async fn close(&self) {
        self.accounts.tasks.close();
        self.accounts.tasks.wait().await;
    }

    fn known(&self, id: &str) -> Result<Arc<Provider>, ConnectError> {
        self.providers().get(id).cloned().ok_or(ConnectError::Missing)
    }

    fn oauth(&self, id: &str) -> Result<Box<UserOauth>, ConnectError> {
        match &self.known(id)?.kind {
            ProviderKind::Oauth(settings) => Ok(settings.clone()),
            ProviderKind::Key(_) | ProviderKind::Login => Err(ConnectError::Missing),
        }
    }
}
