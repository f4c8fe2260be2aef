//! What can go wrong with remembering, told apart by what the caller should do.

use std::path::PathBuf;

/// Why an operation has no answer. Never a "no": whoever sees this knows nothing about the question asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not be reached, or the fate of the write is unknown.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database refused a statement.
    #[error("the database refused: {0}")]
    Refused(String),
    /// A row holds what this program never wrote.
    #[error("column {0} holds something unreadable")]
    Unreadable(&'static str),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// Why a store did not open, each with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process works on this database file.
    #[error("{} is in use by another process: stop it, or choose another --data directory", .0.display())]
    Locked(PathBuf),
    /// The master key is not the one this database was begun with.
    #[error("the master key does not belong to this database: give the key it was created with, or an empty database")]
    WrongKey,
    /// Records in the vault need a key that is not at hand.
    #[error(
        "the vault holds records under a key ({0}) that is not configured: name it as `vault.key`, or among `vault.former`"
    )]
    VaultKey(String),
    /// The database does not answer.
    #[error("cannot reach {engine}: {reason}: check that it runs and that the configured database names it")]
    Unreachable {
        /// Which engine.
        engine: &'static str,
        /// What it or the network said.
        reason: String,
    },
    /// The database was written by a newer or a different version.
    #[error(
        "the database has a schema this version does not know (migration {0}): run the version that wrote it, or a newer one"
    )]
    UnknownMigration(i64),
    /// A migration failed.
    #[error("cannot bring the database to this version's schema: {0}")]
    Migration(String),
    /// A file could not be made or opened.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database answered, but not to be worked with.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a statement's failure means for the transaction around it.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Another transaction was in the way: run the same again.
    Conflict,
    /// The connection is gone, or as good as gone.
    Lost(String),
    /// The statement itself was refused.
    Refused(String),
    /// A row could not be read.
    Unreadable(&'static str),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(refusal) = &error {
            return by_code(refusal.code().as_deref().unwrap_or(""), refusal.message());
        }
        let misread = matches!(
            error,
            sqlx::Error::ColumnDecode { .. }
                | sqlx::Error::ColumnNotFound(_)
                | sqlx::Error::Decode(_)
                | sqlx::Error::Encode(_)
                | sqlx::Error::RowNotFound
        );
        if misread { Self::Refused(error.to_string()) } else { Self::Lost(error.to_string()) }
    }
}

/// Reads a SQLSTATE (PostgreSQL, five characters) or a result code (SQLite, a number whose low byte counts).
fn by_code(code: &str, message: &str) -> Fault {
    if code.len() == 5 {
        return match code {
            // Serialization failure, deadlock, lock timeout.
            "40001" | "40P01" | "55P03" => Fault::Conflict,
            // Connection trouble, no resources, shutdown or cancel, idle transaction ended.
            _ if ["08", "53", "57", "58", "25P03"].iter().any(|class| code.starts_with(class)) => {
                Fault::Lost(message.to_owned())
            }
            _ => Fault::Refused(message.to_owned()),
        };
    }
    match code.parse::<u32>().unwrap_or(0) & 0xff {
        // SQLITE_BUSY, SQLITE_LOCKED.
        5 | 6 => Fault::Conflict,
        // NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN: SQLite may have ended the transaction by itself.
        7 | 8 | 10 | 11 | 13 | 14 => Fault::Lost(message.to_owned()),
        _ => Fault::Refused(message.to_owned()),
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Conflict => Self::Unavailable("too many transactions in each other's way".to_owned()),
            Fault::Lost(reason) => Self::Unavailable(reason),
            Fault::Refused(reason) => Self::Refused(reason),
            Fault::Unreadable(column) => Self::Unreadable(column),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_whether_to_try_again() {
        for (code, conflict, lost) in [
            ("40001", true, false),
            ("40P01", true, false),
            ("5", true, false),
            ("517", true, false),
            ("57P01", false, true),
            ("13", false, true),
            ("23505", false, false),
            ("2067", false, false),
        ] {
            let fault = by_code(code, "said");

            assert_eq!(matches!(fault, Fault::Conflict), conflict, "{code}");
            assert_eq!(matches!(fault, Fault::Lost(_)), lost, "{code}");
        }
    }
}
