//! A backup: one file, whole and consistent, made while everything goes on. What is sealed in it stays sealed: the
//! master key is not part of it.

use std::path::Path;

use sqlx::Connection as _;

use crate::error::{Fault, OpenError, StoreError};
use crate::store::Store;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// PostgreSQL has tools of its own for this.
    #[error(
        "the data is in PostgreSQL: back it up with `pg_dump --format=custom --file=FILE URL`, restore it with `pg_restore`"
    )]
    Elsewhere,
    /// Nothing is overwritten.
    #[error("{0} exists: name a file that does not")]
    Exists(String),
    /// The database said no.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database said no, later.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file could not be made.
    #[error("cannot write {path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Store {
    /// Writes everything that is remembered into one new file that only its owner may read; answers its length.
    pub async fn backup(&self, file: &Path) -> Result<u64, BackupError> {
        if self.core.engine.notifies().is_some() {
            return Err(BackupError::Elsewhere);
        }
        let shown = file.display().to_string();
        let io = |source: std::io::Error| BackupError::Io { path: shown.clone(), source };
        // Made first, so that nobody else can read it for a moment.
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(file) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(BackupError::Exists(shown));
            }
            Err(error) => return Err(io(error)),
        }
        let mut connection = self.core.engine.connect_plain().await?;
        let copied = sqlx::query("VACUUM INTO $1").bind(file.to_string_lossy().into_owned()).execute(&mut connection);
        let copied = copied.await.map_err(|error| StoreError::from(Fault::from(error)));
        connection.close().await.map_err(|error| StoreError::from(Fault::from(error)))?;
        if let Err(error) = copied {
            std::fs::remove_file(file).map_err(&io)?;
            return Err(error.into());
        }
        let written = std::fs::File::open(file).map_err(&io)?;
        written.sync_all().map_err(&io)?;
        Ok(written.metadata().map_err(&io)?.len())
    }
}
