//! The way to a provider.

use std::collections::BTreeSet;

use bailiwick_client::{Pending, PutAside, Registration, Wish};
use bailiwick_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::ConnectError;
use crate::accounts::Accounts;
use crate::settings::UserOauth;

/// A person about to leave for a provider.
#[derive(Debug)]
pub struct Departure {
    /// Whereto.
    pub url: Url,
    /// The `state` that comes back with the answer.
    pub state: String,
    /// What is needed to take the answer; for nobody else's eyes.
    pub sealed: Zeroizing<String>,
}

/// What is put aside while a person is away.
#[derive(Serialize, Deserialize)]
pub(super) struct Away {
    pub(super) provider: String,
    pub(super) pending: PutAside,
    pub(super) registration: Registration,
    /// Where the code will be shown, and nowhere else.
    pub(super) endpoint: String,
    /// Where what comes of it may be shown: nothing else is connected, whatever is configured meanwhile.
    pub(super) to: BTreeSet<String>,
}

impl Accounts {
    /// Makes ready to send a person to that provider; the answer comes back to `callback`.
    ///
    /// # Errors
    /// [`ConnectError`] when it cannot be found, or knows nobody like us.
    pub(crate) async fn begin(
        &self,
        (settings, to): (&UserOauth, BTreeSet<String>),
        callback: &str,
        now: Timestamp,
    ) -> Result<Departure, ConnectError> {
        let found = self.places.find(settings, now).await?;
        let registration = self.identity(settings, &found, callback, now).await?;
        let scope = settings.asked(&found);
        let wish = Wish {
            client_id: &registration.client_id,
            redirect_uri: callback,
            scope: &scope,
            resource: found.resource.as_deref(),
        };
        let pending = Pending::begin(&found.server, wish, self.entropy.as_ref());
        let (mut url, state) = (pending.url.clone(), pending.state().to_owned());
        if found.server.offers_offline_access && !scope.is_empty() {
            // Without it, no offline access is given (OpenID Connect Core §11).
            url.query_pairs_mut().append_pair("prompt", "consent");
        }
        let endpoint = found.server.token_endpoint.to_string();
        let away =
            Away { provider: settings.connection.clone(), pending: pending.put_aside(), registration, endpoint, to };
        let sealed = Zeroizing::new(serde_json::to_string(&away).unwrap_or_default());
        Ok(Departure { url, state, sealed })
    }
}
