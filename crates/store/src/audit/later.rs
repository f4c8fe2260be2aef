//! Events that need not hold up an answer: a bounded queue, written in batches. What cannot be written now stays, and is
//! written when the database takes writes again; when the queue is full, whoever hands an event over is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bailiwick_domain::audit::AuditEvent;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::StoreError;
use crate::lane::{Lanes, Verdict};

/// How many events may wait.
const QUEUE: usize = 8192;
/// How many are written at once.
const MOST: usize = 256;
/// How long to wait before a batch is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What stands in the queue.
enum Entry {
    Event(Box<AuditEvent>),
    /// Somebody waits until everything before is written.
    Mark(oneshot::Sender<()>),
}

/// The way in.
pub(crate) struct Later {
    queue: mpsc::Sender<Entry>,
    dropped: Arc<AtomicU64>,
}

impl Later {
    /// Starts the writer; it ends, after what is queued, when `stop` is cancelled.
    pub(crate) fn start(lanes: Lanes, tasks: &TaskTracker, stop: CancellationToken) -> Self {
        let (queue, entries) = mpsc::channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let writer = Writer { lanes, stop, dropped: Arc::clone(&dropped) };
        tasks.spawn(writer.serve(entries));
        Self { queue, dropped }
    }

    /// False when the event could not be taken.
    pub(super) fn hand_over(&self, event: AuditEvent) -> bool {
        let taken = self.queue.try_send(Entry::Event(Box::new(event))).is_ok();
        if !taken {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// Waits until what was handed over so far is written, or given up.
    pub(super) async fn settled(&self) {
        let (mark, reached) = oneshot::channel();
        if self.queue.send(Entry::Mark(mark)).await.is_ok() {
            reached.await.ok();
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

struct Writer {
    lanes: Lanes,
    stop: CancellationToken,
    dropped: Arc<AtomicU64>,
}

impl Writer {
    async fn serve(self, mut entries: mpsc::Receiver<Entry>) {
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    entries.close();
                    entries.recv_many(&mut batch, MOST).await;
                }
                _ = entries.recv_many(&mut batch, MOST) => {}
            }
            if batch.is_empty() {
                return;
            }
            let (mut events, mut marks) = (Vec::new(), Vec::new());
            for entry in batch {
                match entry {
                    Entry::Event(event) => events.push(*event),
                    Entry::Mark(mark) => marks.push(mark),
                }
            }
            self.keep(events).await;
            for mark in marks {
                mark.send(()).ok();
            }
        }
    }

    /// Writes a batch, as often as it takes; at the end of the store's life, once.
    async fn keep(&self, events: Vec<AuditEvent>) {
        let events = Arc::new(events);
        let mut said = false;
        while !events.is_empty() {
            let error = match self.write(Arc::clone(&events)).await {
                Ok(()) => return,
                Err(StoreError::Refused(_) | StoreError::Unreadable(_)) if events.len() > 1 => {
                    return self.one_by_one(&events).await;
                }
                Err(error) => error,
            };
            let hopeless = matches!(error, StoreError::Refused(_) | StoreError::Unreadable(_) | StoreError::Closed);
            if hopeless || self.stop.is_cancelled() {
                return self.give_up(events.len(), &error);
            }
            if !said {
                tracing::error!(%error, count = events.len(), "audit events cannot be written now, and wait");
                said = true;
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// One event that the database refuses must not take the others along.
    async fn one_by_one(&self, events: &[AuditEvent]) {
        for event in events {
            Box::pin(self.keep(vec![event.clone()])).await;
        }
    }

    fn give_up(&self, count: usize, error: &StoreError) {
        self.dropped.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
        tracing::error!(%error, count, "audit events could not be written and are lost");
    }

    async fn write(&self, events: Arc<Vec<AuditEvent>>) -> Result<(), StoreError> {
        let write = self.lanes.write("audit later", events, |events, tx| {
            Box::pin(async move {
                for event in events.iter() {
                    tx.audit(event).await?;
                }
                Ok(Verdict::Keep(()))
            })
        });
        write.await
    }
}
