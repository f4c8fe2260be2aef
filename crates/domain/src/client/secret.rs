//! What a client's proof is held against: a secret derived for those that registered themselves, so that none is stored;
//! a digest for the operator's; or keys the operator named.

use zeroize::Zeroizing;

use super::{AuthMethod, Client, ClientSource, CredentialError, Once, Place, Presented};
use crate::ids::ClientId;
use crate::opaque::{ClientSecret, Digest, Opaque};
use crate::{seal, text};

/// The secret of a self-registered client: a MAC of its `client_id` under our key.
pub fn derived_secret(key: &[u8; 32], id: &ClientId) -> Opaque<ClientSecret> {
    Opaque::from_bytes(Zeroizing::new(seal::mac(key, id.as_str().as_bytes())))
}

/// The digest of a secret as the operator wrote it, for [`Client::secret`].
pub fn secret_digest(raw: &str) -> Digest<ClientSecret> {
    Digest::from_stored(text::encode(&text::sha256(raw.as_bytes())))
}

impl Client {
    /// Checks what a client showed of itself; `key` is the one its secret was derived from. An assertion of its own comes
    /// back as something that must be used up before the client is let in.
    ///
    /// # Errors
    /// [`CredentialError`] when it is another client, another method than the registered one, or a proof that is wrong.
    pub fn authenticate(
        &self,
        presented: &Presented,
        key: &[u8; 32],
        place: &Place<'_>,
    ) -> Result<Option<Once>, CredentialError> {
        if presented.client_id().is_some_and(|id| *id != self.id) {
            return Err(CredentialError::Client);
        }
        match (self.auth, presented) {
            (AuthMethod::None, Presented::None { .. }) => Ok(None),
            (AuthMethod::ClientSecretBasic, Presented::Basic { secret, .. })
            | (AuthMethod::ClientSecretPost, Presented::Post { secret, .. }) => {
                if self.has_secret(secret, key) {
                    Ok(None)
                } else {
                    Err(CredentialError::Secret)
                }
            }
            (method, Presented::Assertion { assertion, .. }) => {
                let trust = self.assertion.as_ref().filter(|trust| trust.method() == method);
                Ok(trust.ok_or(CredentialError::Method(method))?.check(&self.id, assertion, place)?)
            }
            (method, Presented::None { .. } | Presented::Basic { .. } | Presented::Post { .. }) => {
                Err(CredentialError::Method(method))
            }
        }
    }

    fn has_secret(&self, raw: &str, key: &[u8; 32]) -> bool {
        match (self.source, &self.secret) {
            (ClientSource::Static | ClientSource::Agent, Some(digest)) => secret_digest(raw) == *digest,
            (ClientSource::Static | ClientSource::Agent, None) | (ClientSource::Document, _) => false,
            (ClientSource::Registered, _) => {
                text::same(derived_secret(key, &self.id).expose().as_bytes(), raw.as_bytes())
            }
        }
    }
}
