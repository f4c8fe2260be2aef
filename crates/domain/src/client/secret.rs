//! Client secrets: derived for those that registered themselves, so that none is stored; digests for the operator's.

use zeroize::Zeroizing;

use super::{AuthMethod, Client, ClientSource, CredentialError, Presented};
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
    /// Checks what a client showed of itself; `key` is the one its secret was derived from.
    ///
    /// # Errors
    /// [`CredentialError`] when it is another client, another method than the registered one, or a wrong secret.
    pub fn authenticate(&self, presented: &Presented, key: &[u8; 32]) -> Result<(), CredentialError> {
        if *presented.client_id() != self.id {
            return Err(CredentialError::Client);
        }
        match (self.auth, presented) {
            (AuthMethod::None, Presented::None { .. }) => Ok(()),
            (AuthMethod::ClientSecretBasic, Presented::Basic { secret, .. })
            | (AuthMethod::ClientSecretPost, Presented::Post { secret, .. }) => {
                if self.has_secret(secret, key) {
                    Ok(())
                } else {
                    Err(CredentialError::Secret)
                }
            }
            (AuthMethod::None | AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost, _) => {
                Err(CredentialError::Method(self.auth))
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
