//! The schema, brought up to date at every opening. A database that knows more than this program is refused.

use std::borrow::Cow;

use sqlx::AnyConnection;
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::error::OpenError;

/// Every migration, in order: number, name, text.
const ALL: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("../migrations/0001_first.sql")),
    (2, "accounts", include_str!("../migrations/0002_accounts.sql")),
    (3, "identities", include_str!("../migrations/0003_identities.sql")),
    (5, "standing", include_str!("../migrations/0005_standing.sql")),
    (6, "secrets", include_str!("../migrations/0006_secrets.sql")),
    (7, "jobs", include_str!("../migrations/0007_jobs.sql")),
    (8, "replay", include_str!("../migrations/0008_replay.sql")),
    (9, "stops", include_str!("../migrations/0009_stops.sql")),
    (10, "checkpoints", include_str!("../migrations/0010_checkpoints.sql")),
    (11, "grant_stops", include_str!("../migrations/0011_grant_stops.sql")),
    (12, "connections", include_str!("../migrations/0012_connections.sql")),
];

/// Runs what has not run yet, under the engine's own lock.
pub(crate) async fn run(connection: &mut AnyConnection) -> Result<(), OpenError> {
    let migrations = ALL.iter().map(|(version, name, text)| migration(*version, name, text)).collect();
    let migrator = Migrator::with_migrations(migrations);
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
