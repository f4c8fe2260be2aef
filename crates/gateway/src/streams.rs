//! Open streams, each with whom it serves: when a grant is revoked, what flows for it stops.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailiwick_resource::Caller;
use tokio_util::sync::CancellationToken;

/// The open streams.
#[derive(Debug, Default)]
pub(crate) struct Streams(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    last: u64,
    streams: HashMap<u64, (Caller, CancellationToken)>,
}

/// A stream's place among the open ones; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    streams: Arc<Streams>,
    number: u64,
    cut: CancellationToken,
}

impl Streams {
    /// Opens a stream for that caller.
    pub(crate) fn open(self: &Arc<Self>, caller: &Caller) -> Ticket {
        let cut = CancellationToken::new();
        let mut open = self.lock();
        open.last += 1;
        let number = open.last;
        open.streams.insert(number, (caller.clone(), cut.clone()));
        Ticket { streams: Arc::clone(self), number, cut }
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.lock().streams.len()
    }

    /// Cuts the streams of those `ends` says must stop.
    pub(crate) fn sweep(&self, ends: impl Fn(&Caller) -> bool) {
        self.lock().streams.values().filter(|(caller, _)| ends(caller)).for_each(|(_, cut)| cut.cancel());
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Waits until the stream must stop.
    pub(crate) async fn cut(&self) {
        self.cut.cancelled().await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.streams.lock().streams.remove(&self.number);
    }
}
