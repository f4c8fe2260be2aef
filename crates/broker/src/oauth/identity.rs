//! Who we are at a provider: whom its operator told us to be, else the URL of our own description, else whom it
//! registers.

use std::sync::LazyLock;

use bailiwick_client::{Applicant, Given, Registration};
use bailiwick_domain::time::Timestamp;
use bailiwick_store::ProviderClient;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::{ConnectError, Found};
use crate::accounts::Accounts;
use crate::settings::UserOauth;

/// Where our own descriptions are, below the public URL (Client ID Metadata Documents): one for each connection.
pub const DOCUMENTS: &str = "/connect/client";
/// Where providers answer, each at a place of its own below this.
const CALLBACK: &str = "/connect/callback";
/// What we are called.
const NAME: &str = "Bailiwick";

/// The path at which the provider of that connection answers. Each has its own: a code that one provider gave never
/// reaches another, also where no answer says whose it is (RFC 9700 §4.4.2).
pub fn callback(connection: &str) -> String {
    below(CALLBACK, connection)
}

/// The path of that connection's own place.
fn below(path: &str, connection: &str) -> String {
    let mut url = NOWHERE.clone();
    url.set_path(path);
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend(connection.split('/'));
    }
    url.path().to_owned()
}

impl Accounts {
    /// Our own description, for the provider of that connection: it answers at that one's place alone. With one for all,
    /// whoever gave a code for one of them could have it answered at another's.
    pub(crate) fn document(&self, connection: &str) -> Value {
        json!({
            "client_id": self.client_id(connection),
            "client_name": NAME,
            "client_uri": self.issuer.as_str(),
            "redirect_uris": [self.issuer.join(&callback(connection))],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "web",
        })
    }

    /// The URL of that description, which is our `client_id`.
    fn client_id(&self, connection: &str) -> String {
        self.issuer.join(&below(DOCUMENTS, connection))
    }

    /// Who we are there, for a person who is about to connect.
    pub(crate) async fn identity(
        &self,
        settings: &UserOauth,
        found: &Found,
        callback: &str,
        now: Timestamp,
    ) -> Result<Registration, ConnectError> {
        if let Some(known) = self.told(settings, found) {
            return Ok(known);
        }
        let asked = settings.asked(found);
        let (provider, issuer) = (settings.connection.as_str(), found.server.issuer.as_str());
        if let Some(kept) = self.registered(provider, issuer).await? {
            if kept.serves(callback, &asked, now) {
                return Ok(kept);
            }
            let forgotten = self.store.forget_provider_client(provider, issuer).await;
            forgotten.map_err(|error| ConnectError::Unkept(error.to_string()))?;
        }
        let applicant = Applicant { name: NAME, kind: "web", redirect_uri: callback, scope: &asked };
        let door = self.places.door(settings, found.server.registration_endpoint.as_ref().unwrap_or(&NOWHERE));
        let made = Registration::register(door, &found.server, &applicant).await;
        let made = made.map_err(|error| ConnectError::Down(error.to_string()))?;
        let secret = Zeroizing::new(serde_json::to_string(&made).unwrap_or_default());
        let new = ProviderClient { provider: provider.to_owned(), issuer: issuer.to_owned(), secret };
        match self.store.keep_provider_client(new, now).await {
            Ok(true) => Ok(made),
            // Another process registered first; one of us is enough.
            Ok(false) => Ok(self.registered(provider, issuer).await?.unwrap_or(made)),
            Err(error) => Err(ConnectError::Unkept(error.to_string())),
        }
    }

    /// Who we are without asking anybody.
    pub(crate) fn told(&self, settings: &UserOauth, found: &Found) -> Option<Registration> {
        if let Some(id) = &settings.client_id {
            let given = Given { id: id.clone(), secret: settings.client_secret.clone() };
            return Some(Registration::given(given, &found.server));
        }
        // A provider elsewhere can read it only where everybody can.
        let readable = found.server.takes_documents && self.issuer.as_str().starts_with("https://");
        let document = Given { id: self.client_id(&settings.connection), secret: None };
        readable.then(|| Registration::given(document, &found.server))
    }

    /// What we are told to be by now, where that is still the client of `then`: our secret may be another. None where the
    /// provider registered us.
    pub(crate) fn told_now(&self, settings: &UserOauth, found: &Found, then: &Registration) -> Option<Registration> {
        self.told(settings, found).filter(|told| told.client_id == then.client_id)
    }

    /// Forgets a registration that is worth nothing any more, unless another took its place.
    pub(crate) async fn forget_client(
        &self,
        provider: &str,
        issuer: &str,
        dead: &Registration,
    ) -> Result<(), ConnectError> {
        let kept = self.registered(provider, issuer).await?;
        if kept.is_none_or(|kept| kept.client_id != dead.client_id) {
            return Ok(());
        }
        let forgotten = self.store.forget_provider_client(provider, issuer).await;
        forgotten.map_err(|error| ConnectError::Unkept(error.to_string()))
    }

    async fn registered(&self, provider: &str, issuer: &str) -> Result<Option<Registration>, ConnectError> {
        let kept = self.store.provider_client(provider, issuer).await;
        let kept = kept.map_err(|error| ConnectError::Unkept(error.to_string()))?;
        Ok(kept.and_then(|kept| serde_json::from_str(&kept.secret).ok()))
    }
}

/// What stands for an endpoint that is not there; nobody is sent to it.
static NOWHERE: LazyLock<Url> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "a literal")]
    Url::parse("https://invalid./").unwrap()
});
