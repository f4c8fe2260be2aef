//! The keys tokens are signed with: made on first run, kept sealed in the store, published without their private half.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bailiwick_domain::jose::{Alg, Jwk, JwkSet, KeyError, KeyPair, Signer};
use bailiwick_domain::time::Clock;
use bailiwick_store::{KeyState, NewKey, Store, StoreError};

/// The key that signs, and every key that verifies.
pub struct Keys {
    signer: Arc<dyn Signer>,
    public: Arc<ArcSwap<JwkSet>>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be made or read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No active key, although one was just added.
    #[error("no active signing key is in the store")]
    None,
}

impl Keys {
    /// Loads the keys; makes the one that signs with `alg` where there is none. Keys of other algorithms stay published,
    /// so that what they signed goes on being good.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn load(store: &Store, clock: &dyn Clock, alg: Alg) -> Result<Self, KeysError> {
        if let Some(keys) = Self::stored(store, alg).await? {
            return Ok(keys);
        }
        let pair = KeyPair::generate(alg)?;
        let new = NewKey {
            kid: pair.kid().to_owned(),
            alg: pair.alg().as_str().to_owned(),
            // A key always serialises.
            public_json: serde_json::to_string(&pair.public()).unwrap_or_default(),
            pkcs8: pair.pkcs8(),
            created_at: clock.now(),
        };
        // Another process may have been first; then its key is the one.
        store.add_key(new).await?;
        Self::stored(store, alg).await?.ok_or(KeysError::None)
    }

    /// Keys that are in no store: one signer, published alone.
    pub fn of(signer: Arc<dyn Signer>) -> Self {
        let public = JwkSet::new(vec![signer.public()]);
        Self { signer, public: Arc::new(ArcSwap::from_pointee(public)) }
    }

    /// The public keys, as they change.
    pub fn public(&self) -> Arc<ArcSwap<JwkSet>> {
        Arc::clone(&self.public)
    }

    /// The key that signs, for whoever else speaks in our name.
    pub fn shared(&self) -> Arc<dyn Signer> {
        Arc::clone(&self.signer)
    }

    pub(crate) fn signer(&self) -> &dyn Signer {
        self.signer.as_ref()
    }

    async fn stored(store: &Store, wanted: Alg) -> Result<Option<Self>, KeysError> {
        let mut public: Vec<Jwk> = Vec::new();
        let mut signer: Option<Arc<dyn Signer>> = None;
        for row in store.signing_keys().await? {
            let Some(alg) = Alg::parse(&row.alg) else { continue };
            let pair = KeyPair::from_pkcs8(alg, &row.pkcs8)?;
            public.push(pair.public());
            if row.state == KeyState::Active && alg == wanted {
                signer = Some(Arc::new(pair));
            }
        }
        let public = Arc::new(ArcSwap::from_pointee(JwkSet::new(public)));
        Ok(signer.map(|signer| Self { signer, public }))
    }
}
