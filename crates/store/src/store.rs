//! The store as a value: its connections, its lanes, its tasks, and how it ends.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::seal::Sealer;
use bailiwick_domain::time::Clock;
use sqlx::AnyPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::Later;
use crate::engine::Engine;
use crate::error::StoreError;
use crate::feed::Revocations;
use crate::lane::{Lanes, Work};
use crate::vault::KeyWrap;

/// Everything that is remembered. Cloning it is cheap; all clones are one store.
#[derive(Clone)]
pub struct Store {
    pub(crate) core: Arc<Core>,
}

pub(crate) struct Core {
    pub(crate) engine: Engine,
    pub(crate) readers: AnyPool,
    pub(crate) lanes: Lanes,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) later: Later,
    pub(crate) sealer: Sealer,
    /// What wraps the keys of the vault's records.
    pub(crate) keys: RwLock<Arc<dyn KeyWrap>>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) life: Life,
}

/// What runs for the store, and what ends it: the last clone's drop, or [`Store::close`].
pub(crate) struct Life {
    /// The feed's reader, the sweep and the late audit.
    pub(crate) tasks: TaskTracker,
    pub(crate) stop_tasks: CancellationToken,
    /// The lanes, which must outlive them.
    pub(crate) lanes: TaskTracker,
    pub(crate) stop_lanes: CancellationToken,
    pub(crate) lock: Mutex<Option<File>>,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.stop_tasks.cancel();
        self.stop_lanes.cancel();
    }
}

impl Store {
    /// The engine's name: `SQLite` or `PostgreSQL`.
    pub fn engine(&self) -> &'static str {
        self.core.engine.name()
    }

    /// True when the database answers and the feed is fresh.
    pub async fn ready(&self) -> bool {
        let answers = sqlx::query("SELECT 1").fetch_optional(self.readers()).await.is_ok();
        answers && !self.core.revocations.is_stale(self.core.clock.now())
    }

    /// What was ended lately, to ask about every token.
    pub fn revocations(&self) -> Arc<Revocations> {
        self.core.revocations.clone()
    }

    /// Finishes what was begun, then lets go of the database, for all clones.
    pub async fn close(self) {
        let life = &self.core.life;
        life.stop_tasks.cancel();
        life.tasks.close();
        life.tasks.wait().await;
        life.stop_lanes.cancel();
        life.lanes.close();
        life.lanes.wait().await;
        self.core.readers.close().await;
        life.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Runs `work` in a transaction of the lane of `key`; answers once it is durable.
    pub(crate) async fn write<I, T>(&self, key: &str, input: I, work: Work<I, T>) -> Result<T, StoreError>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.core.lanes.write(key, input, work).await
    }

    /// The connections that read.
    pub(crate) fn readers(&self) -> &AnyPool {
        &self.core.readers
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("engine", &self.engine()).finish_non_exhaustive()
    }
}
