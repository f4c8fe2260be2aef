//! A job: a piece of a transaction that may run twice, and the person who waits for its answer.

use std::time::Duration;

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::time::Timestamp;
use futures_util::future::BoxFuture;
use sqlx::AnyConnection;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::ledger::Ledger;
use crate::audit;
use crate::error::{Fault, StoreError};
use crate::feed::{self, Change};

/// What a job decided, and what becomes of what it wrote.
pub(crate) enum Verdict<T> {
    /// Commit what was written.
    Keep(T),
    /// Answer, but leave no trace.
    Undo(T),
}

/// The end of one run of a job.
pub(crate) type Done<T> = Result<Verdict<T>, Fault>;

/// A job's body. A plain function: it cannot smuggle state from a run that was rolled back into the next.
pub(crate) type Work<I, T> = for<'a> fn(&'a I, &'a mut Tx) -> BoxFuture<'a, Done<T>>;

/// The open transaction.
pub(crate) struct Tx {
    pub(super) connection: AnyConnection,
    pub(super) ledger: Ledger,
}

impl Tx {
    /// The connection, to run statements on.
    pub(crate) fn sql(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }

    /// Adds an audit row to this writer's chain.
    pub(crate) async fn audit(&mut self, event: &AuditEvent) -> Result<(), Fault> {
        audit::append(&mut self.connection, &mut self.ledger, event).await
    }

    /// Adds a row to the feed; every process hears of it after the commit.
    pub(crate) async fn tell(&mut self, change: Change, at: Timestamp) -> Result<(), Fault> {
        feed::append(&mut self.connection, &mut self.ledger, change, at).await
    }
}

/// A queued job of any kind.
pub(super) trait Pending: Send {
    /// What it locks.
    fn key(&self) -> &str;
    /// How long it has been waiting.
    fn waited(&self) -> Duration;
    /// Runs it once; true when what it wrote shall stay.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Result<bool, Fault>>;
    /// Answers whoever waits.
    fn settle(self: Box<Self>, end: Result<(), StoreError>);
}

pub(super) struct Job<I, T> {
    key: String,
    since: Instant,
    input: I,
    work: Work<I, T>,
    out: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<I, T> Job<I, T> {
    pub(super) fn new(key: &str, input: I, work: Work<I, T>, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { key: key.to_owned(), since: Instant::now(), input, work, out: None, reply }
    }
}

impl<I: Send + Sync, T: Send> Pending for Job<I, T> {
    fn key(&self) -> &str {
        &self.key
    }

    fn waited(&self) -> Duration {
        self.since.elapsed()
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(async move {
            match (self.work)(&self.input, tx).await {
                Ok(Verdict::Keep(out)) => {
                    self.out = Some(Ok(out));
                    Ok(true)
                }
                Ok(Verdict::Undo(out)) => {
                    self.out = Some(Ok(out));
                    Ok(false)
                }
                // The others in the batch need not suffer for this one.
                Err(fault @ (Fault::Refused(_) | Fault::Unreadable(_))) => {
                    self.out = Some(Err(fault.into()));
                    Ok(false)
                }
                Err(fault @ (Fault::Conflict | Fault::Lost(_))) => Err(fault),
            }
        })
    }

    fn settle(self: Box<Self>, end: Result<(), StoreError>) {
        let Self { out, reply, .. } = *self;
        // Nobody may be waiting any more; what was written stays written.
        reply.send(end.and_then(|()| out.unwrap_or(Err(StoreError::Closed)))).ok();
    }
}
