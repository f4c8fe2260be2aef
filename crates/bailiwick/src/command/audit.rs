//! `bailiwick audit tail`: the record of who did what, newest last.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::ids::WriterId;
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{AuditCursor, AuditFilter, Settings, Store, StoreError};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::admin::{AdminClient, AdminError};
use crate::args::DataDirectory;
use crate::config::{Config, ConfigError, master_key};
use crate::house::database;
use crate::wire::{SystemClock, SystemEntropy};

/// `bailiwick audit`.
#[derive(Args, Debug)]
pub(crate) struct Audit {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the newest entries
    Tail(Tail),
}

#[derive(Args, Debug)]
struct Tail {
    /// How many entries
    #[arg(short = 'n', long, default_value_t = 20)]
    lines: u32,
    /// Go on showing what comes
    #[arg(short, long)]
    follow: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Configuration file the process was started with, when nothing runs
    #[arg(long, value_name = "FILE", env = "BAILIWICK_CONFIG")]
    config: Option<std::path::PathBuf>,
    #[command(flatten)]
    data: DataDirectory,
}

/// Runs the command.
pub(crate) async fn run(args: Audit) -> ExitCode {
    let Verb::Tail(tail) = args.verb;
    match show(&tail).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(says) => {
            eprintln!("bailiwick: {says}");
            ExitCode::FAILURE
        }
    }
}

async fn show(tail: &Tail) -> Result<(), String> {
    let data = tail.data.path().ok_or("no data directory; give one with --data DIR")?;
    let mut after = 0;
    let mut seen: Vec<String> = Vec::new();
    loop {
        for row in fetch(tail, &data, after).await? {
            let key = row["id"].as_str().unwrap_or_default().to_owned();
            let at = row["at"].as_i64().unwrap_or(after);
            if seen.contains(&key) {
                continue;
            }
            if at > after {
                after = at;
                seen.clear();
            }
            seen.push(key);
            println!("{}", if tail.json { row.to_string() } else { line(&row) });
        }
        if !tail.follow {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn fetch(tail: &Tail, data: &Path, after: i64) -> Result<Vec<Value>, String> {
    match AdminClient::find(data).await {
        Ok(client) => client
            .get(&format!("/audit?after={after}&limit={}", tail.lines))
            .await
            .map_err(|error| error.to_string()),
        Err(AdminError::NotRunning) => from_files(tail, data, after).await,
        Err(error) => Err(error.to_string()),
    }
}

/// Nothing runs: open the data directory ourselves.
async fn from_files(tail: &Tail, data: &Path, after: i64) -> Result<Vec<Value>, String> {
    let config = Config::read(tail.config.as_deref()).map_err(|error| error.to_string())?;
    let database = database(&config, data);
    if matches!(&database, bailiwick_store::Database::Sqlite(path) if !path.exists()) {
        return Err(format!("nothing is recorded in {}; was `serve` started with another --data?", data.display()));
    }
    let master = master_key(config.key.as_ref(), data, false, &SystemEntropy).map_err(|error: ConfigError| error.to_string())?;
    let store = Store::open(Settings {
        database,
        master,
        entropy: Arc::new(SystemEntropy),
        clock: Arc::new(SystemClock),
        staleness: Duration::from_secs(5),
    })
    .await
    .map_err(|error| error.to_string())?;
    let rows = rows(&store, after, tail.lines).await.map_err(|error| error.to_string());
    store.close().await;
    rows
}

/// The newest `limit` rows not older than `after` (Unix milliseconds), newest last.
pub(crate) async fn rows(store: &Store, after: i64, limit: u32) -> Result<Vec<Value>, StoreError> {
    let from = AuditCursor { at: Timestamp::from_millis(after), writer: WriterId::from_stored(""), seq: 0 };
    let filter = AuditFilter { after: (after > 0).then_some(from), limit, ..AuditFilter::default() };
    let rows = store.audit_rows(&filter).await?;
    Ok(rows.iter().map(|row| json!({ "id": format!("{}/{}", row.writer, row.seq), "at": row.event.at.millis(), "event": row.event })).collect())
}

/// One row as a person reads it.
fn line(row: &Value) -> String {
    let event = &row["event"];
    let seconds = row["at"].as_i64().unwrap_or(0).div_euclid(1000);
    let (hours, minutes, rest) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let word = |field: &str| event[field].as_str().unwrap_or("-").to_owned();
    let mut text = format!("{hours:02}:{minutes:02}:{rest:02}Z  {:<8} {:<16}", word("outcome"), word("kind"));
    for field in ["user", "tool", "scope", "resource", "grant", "rule", "says", "correlation"] {
        if let Some(value) = event[field].as_str() {
            text.push_str(&format!("  {field}={value}"));
        }
    }
    text
}
