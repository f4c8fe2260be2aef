//! The end of a connection: revoked where it was given (RFC 7009), and forgotten here whatever becomes of that.

use std::collections::BTreeSet;
use std::sync::Arc;

use bailiwick_client::{Desk, TokenError};
use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::time::Timestamp;
use bailiwick_store::ConnectionKey;

use super::{Bundle, ConnectError};
use crate::accounts::{Account, Accounts};
use crate::settings::UserOauth;

impl Accounts {
    /// Looks whether a connection still works, by renewing it where that is possible, and serves wherever it is shown.
    ///
    /// # Errors
    /// [`ConnectError`] says why it does not.
    pub(crate) async fn test(
        self: &Arc<Self>,
        settings: &Arc<UserOauth>,
        key: &ConnectionKey,
        to: &BTreeSet<String>,
    ) -> Result<(), ConnectError> {
        let kept = self.store.connection(key).await.map_err(|error| ConnectError::Unkept(error.to_string()))?;
        let kept = kept.ok_or(ConnectError::Missing)?;
        let renewable = Bundle::read(&kept.secret).is_some_and(|bundle| bundle.renewable());
        let worn = renewable.then_some(kept.view.generation);
        let mut account = Account { settings, key, destination: None };
        self.usable(&account, worn).await.map_err(|error| ConnectError::of(&error))?;
        for destination in to {
            account.destination = Some(destination);
            self.usable(&account, None).await.map_err(|error| ConnectError::of(&error))?;
        }
        Ok(())
    }

    /// Ends a connection.
    ///
    /// # Errors
    /// [`ConnectError::Missing`] when there is none, [`ConnectError::Unkept`] when it is still kept.
    pub(crate) async fn end(
        &self,
        settings: Option<&UserOauth>,
        key: &ConnectionKey,
        event: AuditEvent,
    ) -> Result<(), ConnectError> {
        if let Some(settings) = settings
            && let Err(error) = self.revoke(settings, key, event.at).await
        {
            tracing::warn!(provider = %key.provider, %error, "a connection is forgotten here but not revoked there");
        }
        match self.store.disconnect(key, event).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(ConnectError::Missing),
            Err(error) => Err(ConnectError::Unkept(error.to_string())),
        }
    }

    /// Revokes the token that stands for the whole grant: the refresh token where there is one.
    async fn revoke(&self, settings: &UserOauth, key: &ConnectionKey, now: Timestamp) -> Result<(), ConnectError> {
        let Ok(Some(kept)) = self.store.connection(key).await else { return Ok(()) };
        let Some(bundle) = Bundle::read(&kept.secret) else { return Ok(()) };
        let found = self.places.find(settings, now).await?;
        let Some(address) = found.server.revocation_endpoint.as_ref() else { return Ok(()) };
        if found.server.issuer != bundle.issuer || !bundle.bound(&kept.view.scope).fits(settings, None) {
            return Err(ConnectError::Issuer);
        }
        let told = self.told_now(settings, &found, &bundle.registration);
        let desk = Desk {
            http: self.places.door(settings, address),
            endpoint: address,
            registration: told.as_ref().unwrap_or(&bundle.registration),
            resource: None,
            now,
        };
        let tokens = bundle.tokens(kept.view.scope, kept.view.expires_at);
        desk.revoke_all(&tokens).await.map_err(|error: TokenError| ConnectError::Down(error.to_string()))
    }
}
