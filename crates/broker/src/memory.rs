//! What was read from the vault lately, kept true by the feed: it is heard at each look, so that nothing is ever told that
//! changed before.

use std::sync::{Mutex, PoisonError};

use bailiwick_domain::generations::Generations;
use bailiwick_domain::ids::UserId;
use bailiwick_store::{Change, ChangeKind, ConnectionKey, Store};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

/// How many connections are kept in memory before the older ones are read again.
const HALF: usize = 16_384;

/// What is kept of each connection.
pub(crate) struct Memory<V>(Mutex<Kept<V>>);

struct Kept<V> {
    held: Generations<ConnectionKey, V>,
    changes: broadcast::Receiver<Change>,
    /// How many changes were heard.
    heard: u64,
}

impl<V: Clone> Memory<V> {
    pub(crate) fn of(store: &Store) -> Self {
        let changes = store.revocations().subscribe();
        Self(Mutex::new(Kept { held: Generations::new(HALF), changes, heard: 0 }))
    }

    /// What is kept of that connection.
    pub(crate) fn find(&self, key: &ConnectionKey) -> Option<V> {
        self.hearing(|kept| kept.held.get(key).cloned())
    }

    /// How many changes were heard so far; what is read from the store afterwards is newer than those.
    pub(crate) fn mark(&self) -> u64 {
        self.hearing(|kept| kept.heard)
    }

    /// Keeps what was read after `mark`, unless something changed in between.
    pub(crate) fn keep(&self, key: &ConnectionKey, value: V, mark: u64) {
        self.hearing(|kept| {
            if kept.heard == mark {
                kept.held.keep(key.clone(), value);
            }
        });
    }

    fn hearing<T>(&self, act: impl FnOnce(&mut Kept<V>) -> T) -> T {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.hear();
        act(&mut kept)
    }
}

impl<V> Kept<V> {
    /// Lets go of whatever changed.
    fn hear(&mut self) {
        loop {
            match self.changes.try_recv() {
                Ok(Change { kind: ChangeKind::Connection, subject }) => {
                    self.heard += 1;
                    if let Some((user, provider)) = subject.split_once(' ') {
                        let user = UserId::from_stored(user);
                        self.held.forget(&ConnectionKey { user, provider: provider.to_owned() });
                    }
                }
                Ok(_) => {}
                Err(TryRecvError::Lagged(_)) => {
                    self.heard += 1;
                    self.held = Generations::new(HALF);
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }
}
