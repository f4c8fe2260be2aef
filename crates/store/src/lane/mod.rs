//! The one way to write. A lane is one connection that drains queued jobs into one transaction and answers them after
//! the commit (group commit); SQLite has one lane, PostgreSQL four. A job's key names the row it locks: jobs of one key
//! share a lane in every process, and a batch runs in the order of its keys, so that batches which wait for one
//! another never wait in a circle. Each lane is one writer of the audit chain and the feed.

mod batch;
mod job;
mod ledger;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::time::Clock;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use job::{Done, Tx, Verdict, Work};
pub(crate) use ledger::Ledger;

use crate::engine::Engine;
use crate::error::StoreError;
use crate::feed::Revocations;
use batch::Lane;
use job::{Job, Pending};

/// How many jobs may wait for one lane; more wait outside.
const QUEUE: usize = 1024;

/// What every lane needs.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) engine: Engine,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) revocations: Arc<Revocations>,
}

/// The ways in.
#[derive(Clone)]
pub(crate) struct Lanes(Arc<[mpsc::Sender<Box<dyn Pending>>]>);

impl Lanes {
    /// Starts the lanes; they end, after what is queued, when `stop` is cancelled.
    pub(crate) fn start(tools: &Tools, tasks: &TaskTracker, stop: &CancellationToken) -> Self {
        let start_one = |_| {
            let (sender, queue) = mpsc::channel(QUEUE);
            tasks.spawn(Lane::new(tools.clone(), queue).serve(stop.clone()));
            sender
        };
        Self((0..tools.engine.lanes()).map(start_one).collect())
    }

    /// Runs `work`, which locks what `key` names, in a transaction, and answers once it is durable. `work` may run
    /// more than once; it sees `input` unchanged each time.
    pub(crate) async fn write<I, T>(&self, key: &str, input: I, work: Work<I, T>) -> Result<T, StoreError>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let lane = self.lane(key).ok_or(StoreError::Closed)?;
        lane.send(Box::new(Job::new(key, input, work, reply))).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// How many jobs wait, lane by lane.
    pub(crate) fn waiting(&self) -> Vec<usize> {
        self.0.iter().map(|lane| lane.max_capacity().saturating_sub(lane.capacity())).collect()
    }

    fn lane(&self, key: &str) -> Option<&mpsc::Sender<Box<dyn Pending>>> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let count = u64::try_from(self.0.len()).ok()?;
        let at = hasher.finish().checked_rem(count)?;
        self.0.get(usize::try_from(at).ok()?)
    }
}
