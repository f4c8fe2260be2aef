//! The vault: envelope encryption. Every record has a data key of its own; that key is wrapped by a key-encryption key
//! that lies elsewhere, behind [`KeyWrap`]. Data and key are both bound to their row, so that a row which was moved,
//! copied or changed by hand opens for nobody.

mod local;
mod record;
mod rewrap;

use bailiwick_domain::entropy::{Entropy, draw};
use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

pub use local::LocalKeys;
pub(crate) use record::{Binding, Record, unavailable};
pub use rewrap::Rewrapped;

/// What seals one record, and nothing else.
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// Draws a new one.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(draw::<32>(entropy)))
    }

    /// The key made of these bytes; `None` unless there are 32.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Its bytes, for whoever wraps it.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(..)")
    }
}

/// A data key that was wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// The name of the key-encryption key.
    pub key: String,
    /// The wrapped key, in whatever text the wrapper chose.
    pub text: String,
}

/// Why a data key could not be wrapped or unwrapped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No key of that name is at hand.
    #[error("the vault key {0} is not at hand")]
    Unknown(String),
    /// It was not wrapped with that key, or not for this row.
    #[error("a wrapped key was moved or changed")]
    Unreadable,
    /// Whoever holds the key does not answer.
    #[error("the vault key cannot be reached: {0}")]
    Unavailable(String),
}

/// Whoever holds the key-encryption keys: this process ([`LocalKeys`]), or a key management service.
pub trait KeyWrap: Send + Sync {
    /// The name of the key that wraps from now on.
    fn current(&self) -> &str;

    /// True when it can unwrap what that key wrapped.
    fn knows(&self, key: &str) -> bool;

    /// Wraps a data key under the current key, bound to `context`.
    fn wrap<'a>(&'a self, context: &'a str, key: &'a DataKey) -> BoxFuture<'a, Result<Wrapped, KeyError>>;

    /// Unwraps a data key that was wrapped for the same `context`.
    fn unwrap<'a>(&'a self, context: &'a str, wrapped: &'a Wrapped) -> BoxFuture<'a, Result<DataKey, KeyError>>;
}
