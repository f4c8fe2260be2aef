//! The schema, brought up to date at every opening. A database that knows more than this program is refused.

use std::borrow::Cow;

use sqlx::AnyConnection;
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::error::OpenError;

const FIRST: &str = include_str!("../migrations/0001_first.sql");
const ACCOUNTS: &str = include_str!("../migrations/0002_accounts.sql");

/// Runs what has not run yet, under the engine's own lock.
pub(crate) async fn run(connection: &mut AnyConnection) -> Result<(), OpenError> {
    let migrator = Migrator::with_migrations(vec![migration(1, "first", FIRST), migration(2, "accounts", ACCOUNTS)]);
    migrator.run_direct(None, connection, false).await.map_err(|error| refusal(&error))
}

fn migration(version: i64, name: &'static str, text: &'static str) -> Migration {
    let sql = text.into_sql_str();
    Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql, false)
}

fn refusal(error: &MigrateError) -> OpenError {
    if let MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version) = error {
        return OpenError::UnknownMigration(*version);
    }
    OpenError::Migration(error.to_string())
}
