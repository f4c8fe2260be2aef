//! Key-encryption keys that this process holds itself: one that wraps, and those that did before.

use std::sync::Arc;

use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::seal::{MasterKey, Sealer};
use futures_util::future::BoxFuture;

use super::{DataKey, KeyError, KeyWrap, Wrapped};

/// How many characters of a key's mark are its name.
const NAME: usize = 16;

/// Keys from a file, the environment or a command.
pub struct LocalKeys {
    current: Key,
    former: Vec<Key>,
    entropy: Arc<dyn Entropy>,
}

struct Key {
    name: String,
    sealer: Sealer,
}

impl Key {
    fn new(key: &MasterKey) -> Self {
        Self { name: key.mark().chars().take(NAME).collect(), sealer: key.sealer("vault/wrap") }
    }
}

impl LocalKeys {
    /// The key that wraps, and those that did before.
    pub fn new(current: &MasterKey, former: &[MasterKey], entropy: Arc<dyn Entropy>) -> Self {
        Self { current: Key::new(current), former: former.iter().map(Key::new).collect(), entropy }
    }

    /// The key of an installation that names none: derived from its master key.
    pub fn of(master: &MasterKey) -> MasterKey {
        MasterKey::new(*master.derive("vault"))
    }

    /// Keys for an installation that names none.
    pub fn derived(master: &MasterKey, entropy: Arc<dyn Entropy>) -> Self {
        Self::new(&Self::of(master), &[], entropy)
    }

    fn key(&self, name: &str) -> Option<&Key> {
        std::iter::once(&self.current).chain(&self.former).find(|key| key.name == name)
    }
}

impl KeyWrap for LocalKeys {
    fn current(&self) -> &str {
        &self.current.name
    }

    fn knows(&self, key: &str) -> bool {
        self.key(key).is_some()
    }

    fn wrap<'a>(&'a self, context: &'a str, key: &'a DataKey) -> BoxFuture<'a, Result<Wrapped, KeyError>> {
        let text = self.current.sealer.seal(&*self.entropy, context, key.expose());
        Box::pin(async move { Ok(Wrapped { key: self.current.name.clone(), text }) })
    }

    fn unwrap<'a>(&'a self, context: &'a str, wrapped: &'a Wrapped) -> BoxFuture<'a, Result<DataKey, KeyError>> {
        Box::pin(async move {
            let key = self.key(&wrapped.key).ok_or_else(|| KeyError::Unknown(wrapped.key.clone()))?;
            let bytes = key.sealer.open(context, &wrapped.text).ok_or(KeyError::Unreadable)?;
            DataKey::new(&bytes).ok_or(KeyError::Unreadable)
        })
    }
}

impl std::fmt::Debug for LocalKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalKeys").field("current", &self.current.name).finish_non_exhaustive()
    }
}
