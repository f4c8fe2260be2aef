//! Client authentication at the endpoints for programs (RFC 6749 §2.3): exactly one method, the registered one.

use bailiwick_domain::client::{
    AssertionError, AuthMethod, Client, CredentialError, Once, Place, Presented, Sent, presented,
};
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::error::ErrorCode;
use bailiwick_store::StoreError;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::authority::Authority;
use crate::form::Form;
use crate::refuse::Refusal;
use crate::visit::Visit;

/// As what used assertions are remembered.
const ASSERTION: &str = "client_assertion";

/// A client that proved who it is; only [`Authority::authenticate`] makes one.
pub(crate) struct Authenticated(Client);

impl Authenticated {
    /// The client.
    pub(crate) fn client(&self) -> &Client {
        &self.0
    }

    /// True when it proves who it is, by a secret or an assertion.
    pub(crate) fn is_confidential(&self) -> bool {
        self.0.auth != AuthMethod::None
    }
}

/// Why a client is not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// What it showed.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// Nobody by that name, or disabled: the same words, and the client may register anew.
    #[error("this client is not known here; register again")]
    Unknown,
    /// The store did not answer.
    #[error("not available at the moment")]
    Store(#[from] StoreError),
}

impl ClientError {
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Credential(error) => error.code(),
            Self::Unknown => ErrorCode::InvalidClient,
            Self::Store(_) => ErrorCode::TemporarilyUnavailable,
        }
    }

    /// The refusal; `headers` tell whether Basic was tried.
    pub(crate) fn refusal(&self, headers: &HeaderMap) -> Refusal {
        Refusal { basic: headers.contains_key(AUTHORIZATION), ..Refusal::new(self.code(), self) }
    }
}

impl Authority {
    /// Authenticates the client of a form.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) async fn authenticate(&self, visit: &Visit, form: &Form) -> Result<Authenticated, ClientError> {
        let mut headers = visit.headers.get_all(AUTHORIZATION).iter();
        let header = headers.next().map(|value| value.to_str().map_err(|_| CredentialError::Basic)).transpose()?;
        if headers.next().is_some() {
            return Err(CredentialError::Several.into());
        }
        let shown = presented(&Sent {
            authorization: header,
            client_id: form.one("client_id"),
            client_secret: form.one("client_secret"),
            client_assertion: form.one("client_assertion"),
            client_assertion_type: form.one("client_assertion_type"),
        })?;
        let client = self.shown_client(&shown).await?.ok_or(ClientError::Unknown)?;
        if !self.methods.contains(&client.auth) {
            return Err(ClientError::Unknown);
        }
        let place = Place { issuer: &self.issuer, now: visit.now };
        if let Some(once) = client.authenticate(&shown, &self.secrets.client_secret, &place)? {
            self.use_up(once, visit).await?;
        }
        Ok(Authenticated(client))
    }

    /// The client that was named, beside its proof or by it.
    async fn shown_client(&self, shown: &Presented) -> Result<Option<Client>, StoreError> {
        let id = match shown {
            Presented::Assertion { id: None, assertion } => self.claimed_client(assertion),
            Presented::None { .. } | Presented::Basic { .. } | Presented::Post { .. } | Presented::Assertion { .. } => {
                shown.client_id().cloned()
            }
        };
        match id {
            Some(id) => self.enabled_client(&id).await,
            None => Ok(None),
        }
    }

    /// Lets an assertion that is good once serve this once.
    async fn use_up(&self, once: Once, visit: &Visit) -> Result<(), ClientError> {
        let fresh = self.store.once(ASSERTION, &once.key, once.until, visit.now).await?;
        if fresh || !holds(Control::AssertionOnce) {
            Ok(())
        } else {
            Err(CredentialError::from(AssertionError::Replayed).into())
        }
    }
}
