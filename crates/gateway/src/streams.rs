//! Open streams, each with whom it serves and which tool it is of: when a grant is revoked or a tool stopped, what flows
//! for it stops.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailiwick_domain::time::Clock;
use bailiwick_domain::token::Standing;
use bailiwick_domain::uri::Resource;
use bailiwick_resource::{Caller, Liveness as _};
use tokio_util::sync::CancellationToken;

use crate::call::{Call, Said};
use crate::liveness::Feed;

/// The open streams.
#[derive(Debug, Default)]
pub(crate) struct Streams(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    last: u64,
    streams: HashMap<u64, (Arc<Errand>, CancellationToken)>,
}

/// What a stream is for.
#[derive(Debug)]
pub(crate) struct Errand {
    /// Whom it serves.
    pub(crate) caller: Caller,
    /// Which tool of which server it is of, where it is a call's.
    pub(crate) tool: Option<(Resource, String)>,
}

/// A stream's place among the open ones; given back when it is dropped.
pub(crate) struct Ticket {
    streams: Arc<Streams>,
    number: u64,
    cut: CancellationToken,
    errand: Arc<Errand>,
    watch: Watch,
}

/// What tells whether a stream may still flow.
#[derive(Clone)]
pub(crate) struct Watch {
    /// What was ended.
    pub(crate) feed: Feed,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Errand {
    /// What a call's stream is for.
    pub(crate) fn by(call: &Call) -> Self {
        let tool = call.said().and_then(Said::tool);
        let tool = tool.map(|tool| (call.server.resource.clone(), tool.to_owned()));
        Self { caller: call.caller.clone(), tool }
    }

    /// True when its tool is stopped for everybody.
    pub(crate) fn is_stopped(&self, feed: &Feed) -> bool {
        self.tool.as_ref().is_some_and(|(resource, tool)| feed.0.is_tool_stopped(resource.as_str(), tool))
    }
}

impl Streams {
    /// Opens a stream for that call.
    pub(crate) fn open(self: &Arc<Self>, call: &Call, watch: Watch) -> Ticket {
        let errand = Arc::new(Errand::by(call));
        let cut = CancellationToken::new();
        let mut open = self.lock();
        open.last += 1;
        let number = open.last;
        open.streams.insert(number, (Arc::clone(&errand), cut.clone()));
        Ticket { streams: Arc::clone(self), number, cut, errand, watch }
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.lock().streams.len()
    }

    /// Cuts the streams that `ends` says must stop.
    pub(crate) fn sweep(&self, ends: impl Fn(&Errand) -> bool) {
        self.lock().streams.values().filter(|(errand, _)| ends(errand)).for_each(|(_, cut)| cut.cancel());
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

    /// True while what comes may be passed on: a process that was held up, or hears nothing of revocations any more,
    /// passes nothing on that it could not answer for.
    pub(crate) fn flows(&self) -> bool {
        let Watch { feed, clock } = &self.watch;
        let standing = feed.standing(self.errand.caller.token(), clock.now());
        standing == Standing::Live && !self.errand.is_stopped(feed)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.streams.lock().streams.remove(&self.number);
    }
}
