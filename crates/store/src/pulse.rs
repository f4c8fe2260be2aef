//! How the store is doing, for whoever watches it.

use std::time::Duration;

use crate::store::Store;

/// A moment's figures.
#[derive(Clone, Debug)]
pub struct Pulse {
    /// How old the knowledge of revocations is; `None` when there never was any.
    pub feed_age: Option<Duration>,
    /// How many writes wait, lane by lane.
    pub waiting: Vec<usize>,
    /// How many audit events were dropped because too many waited.
    pub audit_dropped: u64,
}

impl Store {
    /// How it is doing now.
    pub fn pulse(&self) -> Pulse {
        Pulse {
            feed_age: self.core.revocations.age(self.core.clock.now()),
            waiting: self.core.lanes.waiting(),
            audit_dropped: self.audit_dropped(),
        }
    }

    /// From now on the feed may be silent for this long before tokens are refused.
    pub fn set_staleness(&self, staleness: Duration) {
        self.core.revocations.set_staleness(staleness);
    }
}
