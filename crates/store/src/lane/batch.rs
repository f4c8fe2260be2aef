//! One lane at work: gather, run, commit, answer; and what to do when the database stumbles.

use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::AnyConnection;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Tools;
use super::job::{Pending, Tx};
use super::ledger::Ledger;
use crate::error::{Fault, StoreError};
use crate::feed;

/// How many jobs share one commit at most: PostgreSQL tracks 64 savepoints of a transaction cheaply, and not more.
const MOST: usize = 48;
/// How often a batch is tried before its jobs are told that the database is unavailable.
const TRIES: u32 = 5;
/// How long it is tried at most. Whoever waits is better told soon.
const ENOUGH: Duration = Duration::from_secs(4);
/// How long a batch, or a commit, may take before the connection counts as lost.
const PATIENCE: Duration = Duration::from_secs(15);

type Batch = Vec<Box<dyn Pending>>;

pub(super) struct Lane {
    tools: Tools,
    queue: mpsc::Receiver<Box<dyn Pending>>,
    tx: Option<Tx>,
}

/// How a try ended that did not end well.
enum Trouble {
    /// Nothing was committed: the same may be tried again.
    Undone(Fault),
    /// The commit was sent and not answered: nobody knows.
    Unknown(String),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Undone(fault)
    }
}

impl Lane {
    pub(super) fn new(tools: Tools, queue: mpsc::Receiver<Box<dyn Pending>>) -> Self {
        Self { tools, queue, tx: None }
    }

    /// Serves until `stop`, then what is queued, then closes the connection.
    pub(super) async fn serve(mut self, stop: CancellationToken) {
        loop {
            let first = tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.queue.close();
                    self.queue.recv().await
                }
                first = self.queue.recv() => first,
            };
            let Some(first) = first else { break };
            let mut batch = vec![first];
            while batch.len() < MOST {
                let Ok(next) = self.queue.try_recv() else { break };
                batch.push(next);
            }
            let mut batch = still_fresh(batch);
            // Stable: jobs of one key stay in the order they came.
            batch.sort_by(|one, other| one.key().cmp(other.key()));
            self.work(batch).await;
        }
        if let Some(tx) = self.tx.take() {
            sqlx::Connection::close(tx.connection).await.ok();
        }
    }

    /// Brings a batch to its end: every job in it is answered exactly once.
    fn work(&mut self, mut batch: Batch) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if batch.is_empty() {
                return;
            }
            let mut told = StoreError::from(Fault::Conflict);
            let began = Instant::now();
            for round in 0..TRIES {
                if began.elapsed() > ENOUGH {
                    break;
                }
                match self.attempt(&mut batch).await {
                    Ok(()) => return settle(batch, &Ok(())),
                    Err(Trouble::Unknown(reason)) => {
                        return settle(batch, &Err(StoreError::Unavailable(reason)));
                    }
                    // Alone, a job holds no lock that another waits for.
                    Err(Trouble::Undone(Fault::Conflict)) if batch.len() > 1 => return self.one_by_one(batch).await,
                    Err(Trouble::Undone(fault)) => told = fault.into(),
                }
                tokio::time::sleep(Duration::from_millis(5 << (2 * round))).await;
            }
            tracing::error!(reason = %told, jobs = batch.len(), "the database does not take writes");
            settle(batch, &Err(told));
        })
    }

    async fn one_by_one(&mut self, batch: Batch) {
        for job in batch {
            self.work(vec![job]).await;
        }
    }

    /// Tries a batch once. After trouble the connection is dropped and a new writer begun, unless a rollback is
    /// known to have worked.
    async fn attempt(&mut self, batch: &mut Batch) -> Result<(), Trouble> {
        let mut tx = match self.tx.take() {
            Some(tx) => tx,
            None => Tx { connection: self.tools.engine.connect().await?, ledger: Ledger::begin(&*self.tools.entropy) },
        };
        let before = tx.ledger.clone();
        let ran = tokio::time::timeout(PATIENCE, run(&mut tx, batch, &self.tools)).await;
        match ran.unwrap_or_else(|_| Err(Fault::Lost("a transaction took too long".to_owned()))) {
            Ok(()) => {}
            Err(Fault::Lost(reason)) => return Err(Fault::Lost(reason).into()),
            Err(fault) => {
                tx.ledger = before;
                if control(&mut tx.connection, "ROLLBACK").await.is_ok() {
                    self.tx = Some(tx);
                }
                return Err(fault.into());
            }
        }
        self.commit(tx, before).await
    }

    async fn commit(&mut self, mut tx: Tx, before: Ledger) -> Result<(), Trouble> {
        match tokio::time::timeout(PATIENCE, control(&mut tx.connection, "COMMIT")).await {
            Ok(Ok(())) => {
                let changes = std::mem::take(&mut tx.ledger.changes);
                self.tx = Some(tx);
                self.tools.revocations.learn(changes);
                Ok(())
            }
            Ok(Err(Fault::Conflict)) => {
                tx.ledger = before;
                if control(&mut tx.connection, "ROLLBACK").await.is_ok() {
                    self.tx = Some(tx);
                }
                Err(Fault::Conflict.into())
            }
            Ok(Err(fault)) => Err(Trouble::Unknown(StoreError::from(fault).to_string())),
            Err(_) => Err(Trouble::Unknown("a commit was not answered".to_owned())),
        }
    }
}

/// Runs the jobs up to, but not including, the commit. Each runs in a savepoint, so that one which is undone takes
/// only its own writes along; the last savepoint ends with the commit.
async fn run(tx: &mut Tx, batch: &mut Batch, tools: &Tools) -> Result<(), Fault> {
    let mut open = tools.engine.begin();
    for job in batch {
        control(&mut tx.connection, open).await?;
        open = "RELEASE SAVEPOINT job; SAVEPOINT job";
        let before = tx.ledger.clone();
        if !job.run(tx).await? {
            control(&mut tx.connection, "ROLLBACK TO SAVEPOINT job").await?;
            tx.ledger = before;
        }
    }
    if !tx.ledger.changes.is_empty() && tools.engine.notifies().is_some() {
        let news = feed::told(&tx.ledger.changes);
        sqlx::query("SELECT pg_notify('bailiwick', $1)").bind(news).execute(&mut tx.connection).await?;
    }
    tx.ledger.keep(&mut tx.connection, tools.clock.now()).await
}

/// Runs a statement that moves the transaction itself. Its failure leaves nothing to build on.
async fn control(connection: &mut AnyConnection, statement: &'static str) -> Result<(), Fault> {
    let fault = match sqlx::raw_sql(statement).execute(connection).await {
        Ok(_) => return Ok(()),
        Err(error) => Fault::from(error),
    };
    match fault {
        Fault::Refused(reason) => Err(Fault::Lost(reason)),
        Fault::Conflict | Fault::Lost(_) | Fault::Unreadable(_) => Err(fault),
    }
}

/// Turns away what waited so long that whoever asked has been told to come again.
fn still_fresh(batch: Batch) -> Batch {
    let (late, fresh) = batch.into_iter().partition(|job| job.waited() > PATIENCE);
    settle(late, &Err(StoreError::Unavailable("too many writes are waiting".to_owned())));
    fresh
}

fn settle(batch: Batch, end: &Result<(), StoreError>) {
    for job in batch {
        job.settle(end.clone());
    }
}
