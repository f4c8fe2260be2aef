//! Opening: the lock, the schema, the key, and then everything that runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::seal::{MasterKey, Sealer};
use bailiwick_domain::time::Clock;
use sqlx::{AnyConnection, Connection as _};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::Later;
use crate::engine::{self, Database, Engine};
use crate::error::{Fault, OpenError, StoreError};
use crate::feed::{self, Reader, Revocations};
use crate::lane::{Lanes, Tools};
use crate::migrations;
use crate::rows::Columns as _;
use crate::store::{Core, Life, Store};
use crate::sweep;
use crate::vault::LocalKeys;

/// What a store needs to open.
pub struct Settings {
    /// Where it lives.
    pub database: Database,
    /// The key that seals what must not be read from a copied disk.
    pub master: MasterKey,
    /// Where chance comes from.
    pub entropy: Arc<dyn Entropy>,
    /// Where time comes from, for what runs by itself.
    pub clock: Arc<dyn Clock>,
    /// How long the feed may be silent before tokens are refused.
    pub staleness: Duration,
}

impl Store {
    /// Opens the database, makes or updates its schema, and starts what keeps it.
    pub async fn open(settings: Settings) -> Result<Self, OpenError> {
        let engine = Engine::new(&settings.database)?;
        let lock = match &settings.database {
            Database::Sqlite(path) => Some(engine::lock(path)?),
            Database::Postgres(_) => None,
        };
        let mut connection = engine.connect_plain().await?;
        migrations::run(&mut connection).await?;
        check_key(&mut connection, &settings.master).await?;
        connection.close().await.map_err(|error| StoreError::from(Fault::from(error)))?;

        let revocations = Arc::new(Revocations::new(settings.staleness));
        let mut reader = Reader {
            pool: engine.readers(),
            clock: settings.clock.clone(),
            revocations: revocations.clone(),
            cursors: HashMap::new(),
            heard: None,
        };
        // Nobody is let in before what was revoked is known.
        reader.read().await.map_err(StoreError::from)?;
        let tools = Tools { engine, entropy: settings.entropy, clock: settings.clock, revocations };
        Ok(start(tools, reader, &settings.master, lock))
    }
}

fn start(tools: Tools, reader: Reader, master: &MasterKey, lock: Option<std::fs::File>) -> Store {
    let (stop_tasks, stop_lanes) = (CancellationToken::new(), CancellationToken::new());
    let (tasks, lane_tasks) = (TaskTracker::new(), TaskTracker::new());
    let lanes = Lanes::start(&tools, &lane_tasks, &stop_lanes);
    let readers = reader.pool.clone();

    let wake = Arc::new(Notify::new());
    if let Some(url) = tools.engine.notifies() {
        let revocations = tools.revocations.clone();
        tasks.spawn(feed::listen(url.to_owned(), revocations, wake.clone(), stop_tasks.clone()));
    }
    tasks.spawn(reader.run(wake, stop_tasks.clone()));
    tasks.spawn(sweep::run(lanes.clone(), tools.clock.clone(), stop_tasks.clone()));
    let later = Later::start(lanes.clone(), &tasks, stop_tasks.clone());

    Store {
        core: Arc::new(Core {
            engine: tools.engine,
            readers,
            lanes,
            revocations: tools.revocations,
            later,
            sealer: sealer(master),
            keys: RwLock::new(Arc::new(LocalKeys::derived(master, tools.entropy.clone()))),
            entropy: tools.entropy,
            clock: tools.clock,
            life: Life { tasks, stop_tasks, lanes: lane_tasks, stop_lanes, lock: Mutex::new(lock) },
        }),
    }
}

/// Seals what a row holds that must not be read from a copied disk.
pub(crate) fn sealer(master: &MasterKey) -> Sealer {
    master.sealer("store")
}

/// The first key that opens a database is the only one that opens it.
async fn check_key(connection: &mut AnyConnection, master: &MasterKey) -> Result<(), OpenError> {
    let mark = master.mark();
    let kept = async {
        sqlx::query("INSERT INTO settings (name, value) VALUES ('master_key_mark', $1) ON CONFLICT (name) DO NOTHING")
            .bind(mark.as_str())
            .execute(&mut *connection)
            .await?;
        let row = sqlx::query("SELECT value FROM settings WHERE name = 'master_key_mark'");
        row.fetch_one(connection).await?.text("value")
    };
    if kept.await.map_err(StoreError::from)? == mark { Ok(()) } else { Err(OpenError::WrongKey) }
}
