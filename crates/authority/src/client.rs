//! Client authentication at the endpoints for programs (RFC 6749 §2.3): exactly one method, the registered one.

use bailiwick_domain::client::{AuthMethod, Client, CredentialError, presented};
use bailiwick_domain::error::ErrorCode;
use bailiwick_store::StoreError;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::authority::Authority;
use crate::form::Form;
use crate::refuse::Refusal;

/// A client that proved who it is; only [`Authority::authenticate`] makes one.
pub(crate) struct Authenticated(Client);

impl Authenticated {
    /// The client.
    pub(crate) fn client(&self) -> &Client {
        &self.0
    }

    /// True when it has a secret.
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
    pub(crate) async fn authenticate(&self, headers: &HeaderMap, form: &Form) -> Result<Authenticated, ClientError> {
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let header = sent.next().map(|value| value.to_str().map_err(|_| CredentialError::Basic)).transpose()?;
        if sent.next().is_some() {
            return Err(CredentialError::Several.into());
        }
        let shown = presented(header, form.one("client_id"), form.one("client_secret"))?;
        let client = self.enabled_client(shown.client_id()).await?.ok_or(ClientError::Unknown)?;
        if !self.methods.contains(&client.auth) {
            return Err(ClientError::Unknown);
        }
        client.authenticate(&shown, &self.secrets.client_secret)?;
        Ok(Authenticated(client))
    }
}
