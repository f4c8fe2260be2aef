//! The ways by which people connect accounts of theirs at an authorization server, and end that again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::time::Timestamp;
use bailiwick_store::ConnectionKey;
use serde_json::Value;

use crate::broker::Broker;
use crate::oauth::{Bundle, ConnectError, Departure};
use crate::provider::ProviderKind;
use crate::settings::UserOauth;

/// How long a provider may keep a person waiting who is about to leave for it.
const PATIENCE: Duration = Duration::from_secs(10);

impl Broker {
    /// Makes ready to send a person to a provider; its answer comes back to `callback`.
    ///
    /// # Errors
    /// [`ConnectError`] when it cannot be found, or knows nobody like us.
    pub async fn begin(&self, provider: &str, callback: &str, now: Timestamp) -> Result<Departure, ConnectError> {
        let (settings, to) = self.oauth(provider)?;
        let begun = self.accounts.begin((&settings, to), callback, now);
        let late = |_| ConnectError::Down("it did not answer in time".to_owned());
        tokio::time::timeout(PATIENCE, begun).await.map_err(late)?
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
        self.accounts.finish(&self.oauth(&key.provider)?.0, key, answer, event).await
    }

    /// Looks whether a connection still works, by renewing it where that is possible.
    ///
    /// # Errors
    /// [`ConnectError`] says why it does not.
    pub async fn test(&self, key: &ConnectionKey) -> Result<(), ConnectError> {
        let (settings, to) = self.oauth(&key.provider)?;
        self.accounts.test(&Arc::from(settings), key, &to).await
    }

    /// Whether what a person connected may be shown wherever the configuration shows it now. What cannot be looked at
    /// may: its own state says what is wrong.
    pub async fn fits(&self, key: &ConnectionKey) -> bool {
        let providers = self.providers();
        let Some(provider) = providers.get(&key.provider) else { return false };
        let settings = match &provider.kind {
            ProviderKind::Oauth(settings) => settings,
            ProviderKind::Named { audience, .. } => return self.is_for(key, std::iter::once(audience)).await,
            ProviderKind::Key(_) | ProviderKind::Login => return self.is_for(key, provider.destinations.iter()).await,
        };
        let Ok(Some(kept)) = self.store.connection(key).await else { return true };
        let bound = Bundle::read(&kept.secret).map(|bundle| bundle.bound(&kept.view.scope));
        bound.is_some_and(|bound| provider.destinations.iter().all(|to| bound.fits(settings, Some(to))))
    }

    /// Ends a connection, at the provider too where that is possible.
    ///
    /// # Errors
    /// [`ConnectError`] when there is none, or it is still kept.
    pub async fn end(&self, key: &ConnectionKey, event: AuditEvent) -> Result<(), ConnectError> {
        let settings = self.oauth(&key.provider).ok();
        self.accounts.end(settings.as_ref().map(|(settings, _)| &**settings), key, event).await
    }

    /// Our own description (Client ID Metadata Documents) for the provider of that connection, for a path below
    /// [`crate::DOCUMENTS`].
    pub fn client_document(&self, connection: &str) -> Option<Value> {
        self.oauth(connection).ok().map(|(settings, _)| self.accounts.document(&settings.connection))
    }

    /// Finishes the refreshes that were begun.
    pub async fn close(&self) {
        self.accounts.tasks.close();
        self.accounts.tasks.wait().await;
    }

    /// The provider of that connection, and where its tokens are shown.
    fn oauth(&self, id: &str) -> Result<(Box<UserOauth>, BTreeSet<String>), ConnectError> {
        let providers = self.providers();
        let provider = providers.get(id).ok_or(ConnectError::Missing)?;
        match &provider.kind {
            ProviderKind::Oauth(settings) => Ok((settings.clone(), provider.destinations.clone())),
            ProviderKind::Key(_) | ProviderKind::Login | ProviderKind::Named { .. } => Err(ConnectError::Missing),
        }
    }
}
