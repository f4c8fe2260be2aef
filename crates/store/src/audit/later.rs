//! Events that need not hold up an answer: a bounded queue, written in batches.

use std::sync::atomic::{AtomicU64, Ordering};

use bailiwick_domain::audit::AuditEvent;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::lane::{Lanes, Verdict};

/// How many events may wait.
const QUEUE: usize = 8192;
/// How many are written at once.
const MOST: usize = 256;

/// The way in.
pub(crate) struct Later {
    queue: mpsc::Sender<AuditEvent>,
    dropped: AtomicU64,
}

impl Later {
    /// Starts the writer; it ends, after what is queued, when `stop` is cancelled.
    pub(crate) fn start(lanes: Lanes, tasks: &TaskTracker, stop: CancellationToken) -> Self {
        let (queue, events) = mpsc::channel(QUEUE);
        tasks.spawn(serve(events, lanes, stop));
        Self { queue, dropped: AtomicU64::new(0) }
    }

    pub(super) fn hand_over(&self, event: AuditEvent) {
        if self.queue.try_send(event).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

async fn serve(mut events: mpsc::Receiver<AuditEvent>, lanes: Lanes, stop: CancellationToken) {
    loop {
        let mut batch = Vec::new();
        tokio::select! {
            biased;
            () = stop.cancelled() => {
                events.close();
                events.recv_many(&mut batch, MOST).await;
            }
            _ = events.recv_many(&mut batch, MOST) => {}
        }
        if batch.is_empty() {
            return;
        }
        let count = batch.len();
        let written = lanes
            .write("audit later", batch, |batch, tx| {
                Box::pin(async move {
                    for event in batch {
                        tx.audit(event).await?;
                    }
                    Ok(Verdict::Keep(()))
                })
            })
            .await;
        if let Err(error) = written {
            tracing::error!(%error, count, "audit events could not be written");
        }
    }
}
