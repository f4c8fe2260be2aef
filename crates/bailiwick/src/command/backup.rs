//! `bailiwick backup` and `bailiwick restore`: everything that is remembered, in one file. The master key is not in it:
//! without the key, what is sealed in it stays sealed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::place::Place;
use super::users::word;
use crate::admin::order::Order;
use crate::admin::{AdminClient, Administration};
use crate::keep;
use crate::notary::Notary;

/// The first bytes of every SQLite file.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// `bailiwick backup`.
#[derive(Args, Debug)]
pub(crate) struct Backup {
    #[command(flatten)]
    place: Place,
    /// The file to write; it must not exist
    file: PathBuf,
}

/// `bailiwick restore`.
#[derive(Args, Debug)]
pub(crate) struct Restore {
    #[command(flatten)]
    place: Place,
    /// A file that `backup` wrote
    file: PathBuf,
}

/// Runs `backup`.
pub(crate) async fn run(args: Backup) -> ExitCode {
    let Backup { place, file } = args;
    let written = match std::path::absolute(&file) {
        Ok(file) => place.order(Order::Backup { file }).await,
        Err(error) => Err(format!("{}: {error}", file.display())),
    };
    place.print(written, |told| {
        let bytes = told.get("bytes").and_then(Value::as_u64).unwrap_or(0);
        format!(
            "{}: {bytes} bytes. The master key is not in it: keep {} (or the `key` of your configuration), and the keys that `vault` names, elsewhere",
            word(told, "file"),
            place.data().map_or_else(|_| "master.key".to_owned(), |data| data.join("master.key").display().to_string())
        )
    })
}

/// Runs `restore`.
pub(crate) async fn restore(args: Restore) -> ExitCode {
    let Restore { place, file } = args;
    let restored = put_back(&place, &file).await;
    place.print(restored, |told| format!("restored into {}; `bailiwick serve` goes on from there", word(told, "data")))
}

async fn put_back(place: &Place, file: &Path) -> Result<Value, String> {
    let data = place.data()?;
    if AdminClient::find(&data).await.is_ok() {
        return Err(format!(
            "a process runs on {}; stop it, or restore into another directory with --data DIR",
            data.display()
        ));
    }
    let database = data.join("bailiwick.db");
    if database.exists() {
        return Err(format!(
            "{} exists; move it away, or restore into another directory with --data DIR",
            database.display()
        ));
    }
    let content = std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    if !content.starts_with(MAGIC) {
        return Err(format!("{} is not a file that `bailiwick backup` wrote", file.display()));
    }
    keep::private_directory(&data).map_err(|error| format!("cannot make {}: {error}", data.display()))?;
    // What was signed later is not in the backup; that is for whoever restores it to know.
    Notary::forget(&data).map_err(|error| format!("cannot prepare {}: {error}", data.display()))?;
    keep::write_private(&database, &content)
        .map_err(|error| format!("cannot write {}: {error}", database.display()))?;
    // Opening it shows whether the key is the one it was sealed with.
    match Administration::open(&data, place.config.as_deref()).await {
        Ok(administration) => administration.close().await,
        Err(refused) => {
            for beside in ["bailiwick.db", "bailiwick.db-wal", "bailiwick.db-shm", "bailiwick.db.lock"] {
                std::fs::remove_file(data.join(beside)).ok();
            }
            return Err(format!(
                "nothing was restored: {refused}. A backup opens only with the keys it was sealed with: put the master key at {} (mode 0600) or name it as `key` in the configuration given with --config, and the vault's keys as `vault` there, then restore again",
                data.join("master.key").display()
            ));
        }
    }
    Ok(json!({ "data": data.display().to_string() }))
}
