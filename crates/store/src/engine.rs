//! The two engines and what differs between them: how to connect, how a transaction begins, who may open the file.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _};

use crate::error::{Fault, OpenError};

/// Where the store lives.
#[derive(Clone, Debug)]
pub enum Database {
    /// One file, for one process.
    Sqlite(PathBuf),
    /// A PostgreSQL URL, for any number of processes.
    Postgres(String),
}

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// A database that can be connected to.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    kind: Kind,
    options: AnyConnectOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

impl Engine {
    /// Reads where the database is; nothing is opened yet.
    pub(crate) fn new(database: &Database) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let (kind, url) = match database {
            Database::Sqlite(path) => (Kind::Sqlite, file_url(path)?),
            Database::Postgres(url) => (Kind::Postgres, url.clone()),
        };
        let options = url.parse::<AnyConnectOptions>().map_err(|error| unreachable_engine(kind, &error))?;
        Ok(Self { kind, options: options.disable_statement_logging() })
    }

    /// The engine's name.
    pub(crate) fn name(&self) -> &'static str {
        name(self.kind)
    }

    /// The URL, for a listener, where the engine can notify.
    pub(crate) fn notifies(&self) -> Option<&str> {
        match self.kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(self.options.database_url.as_str()),
        }
    }

    /// How many lanes write side by side.
    pub(crate) fn lanes(&self) -> usize {
        match self.kind {
            Kind::Sqlite => 1,
            Kind::Postgres => 4,
        }
    }

    /// How a writing transaction and its first savepoint begin. SQLite takes the write lock at once, because it cannot be upgraded to later;
    /// PostgreSQL needs no more than READ COMMITTED, because every predicate stands in the write itself.
    pub(crate) fn begin(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite => "BEGIN IMMEDIATE; SAVEPOINT job",
            Kind::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED; SAVEPOINT job",
        }
    }

    /// Opens a connection fit for migrations: no time limits yet.
    pub(crate) async fn connect_plain(&self) -> Result<AnyConnection, OpenError> {
        let opened = tokio::time::timeout(CONNECT, self.options.connect()).await;
        let mut connection = match opened {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(unreachable_engine(self.kind, &error)),
            Err(_) => {
                return Err(OpenError::Unreachable { engine: self.name(), reason: "no answer in time".to_owned() });
            }
        };
        if self.kind == Kind::Sqlite {
            run_all(&mut connection, WRITER).await.map_err(|error| unreachable_engine(self.kind, &error))?;
        }
        Ok(connection)
    }

    /// Opens a connection that writes.
    pub(crate) async fn connect(&self) -> Result<AnyConnection, Fault> {
        let opening = async {
            let mut connection = self.options.connect().await?;
            run_all(&mut connection, self.writer()).await?;
            Ok(connection)
        };
        tokio::time::timeout(CONNECT, opening)
            .await
            .map_err(|_| Fault::Lost("no answer in time".to_owned()))?
            .map_err(|error: sqlx::Error| Fault::Lost(error.to_string()))
    }

    /// The pool that reads.
    pub(crate) fn readers(&self) -> AnyPool {
        let (most, set_up) = match self.kind {
            Kind::Sqlite => (4, READER),
            Kind::Postgres => (8, POSTGRES),
        };
        AnyPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(CONNECT)
            // A file does not go away; a server does, and a dead connection must not become a wrong refusal.
            .test_before_acquire(self.kind == Kind::Postgres)
            .after_connect(move |connection, _| Box::pin(run_all(connection, set_up)))
            .connect_lazy_with(self.options.clone())
    }

    fn writer(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Sqlite => WRITER,
            Kind::Postgres => POSTGRES,
        }
    }
}

/// FULL: a commit that was answered survives a power loss, so a spent code cannot come back to life.
const WRITER: &[&str] = &[
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
];

const READER: &[&str] = &["PRAGMA busy_timeout = 5000", "PRAGMA query_only = ON"];

/// Nothing hangs for ever, and an installation with `synchronous_commit = off` is corrected for our sessions.
const POSTGRES: &[&str] = &[
    "SET lock_timeout = '5s'",
    "SET statement_timeout = '10s'",
    "SET idle_in_transaction_session_timeout = '10s'",
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
];

async fn run_all(connection: &mut AnyConnection, statements: &'static [&'static str]) -> Result<(), sqlx::Error> {
    for statement in statements {
        sqlx::query(*statement).execute(&mut *connection).await?;
    }
    Ok(())
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "SQLite",
        Kind::Postgres => "PostgreSQL",
    }
}

fn unreachable_engine(kind: Kind, error: &sqlx::Error) -> OpenError {
    OpenError::Unreachable { engine: name(kind), reason: error.to_string() }
}

/// Makes the database file and takes its lock, which keeps a second process out until the file is dropped.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let lock = PathBuf::from(beside);
    let file = private(&lock).map_err(|source| OpenError::Io { path: lock.clone(), source })?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::Locked(path.to_owned())),
        Err(TryLockError::Error(source)) => return Err(OpenError::Io { path: lock, source }),
    }
    // SQLite gives its side files the mode of the database file.
    private(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    Ok(file)
}

fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The URL of a file: absolute, and whatever a URL would read as its own is escaped.
fn file_url(path: &Path) -> Result<String, OpenError> {
    let absolute = std::path::absolute(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    let mut url = String::from("sqlite://");
    for byte in absolute.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(url, "%{byte:02X}").ok();
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_odd_letters_survives_the_url() {
        let url = file_url(Path::new("/tmp/a b?#%ü/bailiwick.db")).unwrap();

        assert_eq!(url, "sqlite:///tmp/a%20b%3F%23%25%C3%BC/bailiwick.db");
    }
}
