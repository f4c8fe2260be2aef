//! `bailiwick audit tail`: the record of who did what, newest last.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::ids::WriterId;
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{AuditCursor, AuditFilter, AuditRow, Settings, Store, StoreError};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
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
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
    lines: u32,
    /// Go on showing what comes
    #[arg(short, long)]
    follow: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// The configuration file of `serve`; needed only when nothing runs
    #[arg(long, value_name = "FILE", env = "BAILIWICK_CONFIG", hide_env_values = true)]
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
            if seen.contains(&row.id) {
                continue;
            }
            if row.at > after {
                after = row.at;
                seen.clear();
            }
            println!("{}", if tail.json { json!(row).to_string() } else { row.line() });
            seen.push(row.id);
        }
        if !tail.follow {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn fetch(tail: &Tail, data: &Path, after: i64) -> Result<Vec<Entry>, String> {
    match AdminClient::find(data).await {
        Ok(client) => {
            client.get(&format!("/audit?after={after}&limit={}", tail.lines)).await.map_err(|error| error.to_string())
        }
        Err(AdminError::NotRunning) => from_files(tail, data, after).await,
        Err(error) => Err(error.to_string()),
    }
}

/// Nothing runs: open the data directory ourselves.
async fn from_files(tail: &Tail, data: &Path, after: i64) -> Result<Vec<Entry>, String> {
    let config = Config::read(tail.config.as_deref()).map_err(|error| error.to_string())?;
    let database = database(&config, data);
    if matches!(&database, bailiwick_store::Database::Sqlite(path) if !path.exists()) {
        return Err(format!("nothing is recorded in {}; was `serve` started with another --data?", data.display()));
    }
    let master =
        master_key(config.key.as_ref(), data, false, &SystemEntropy).map_err(|error: ConfigError| error.to_string())?;
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
pub(crate) async fn rows(store: &Store, after: i64, limit: u32) -> Result<Vec<Entry>, StoreError> {
    let from = AuditCursor { at: Timestamp::from_millis(after), writer: WriterId::from_stored(""), seq: 0 };
    let filter = AuditFilter { after: (after > 0).then_some(from), limit, ..AuditFilter::default() };
    let rows = store.audit_rows(&filter).await?;
    let entry = |row: &AuditRow| Entry {
        id: format!("{}/{}", row.writer, row.seq),
        at: row.event.at.millis(),
        event: json!(row.event),
    };
    Ok(rows.iter().map(entry).collect())
}

/// One row of the record, as it travels over the administration socket.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its writer and its number there.
    id: String,
    /// When, Unix milliseconds.
    at: i64,
    /// What happened.
    event: Value,
}

impl Entry {
    /// The row as a person reads it.
    fn line(&self) -> String {
        let seconds = self.at.div_euclid(1000);
        let (hours, minutes, rest) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let word = |field: &str| self.event.get(field).and_then(Value::as_str);
        let (outcome, kind) = (word("outcome").unwrap_or("-"), word("kind").unwrap_or("-"));
        let mut text = format!("{hours:02}:{minutes:02}:{rest:02}Z  {outcome:<8} {kind:<17}");
        for field in ["user", "tool", "scope", "resource", "grant", "rule", "says", "correlation"] {
            if let Some(value) = word(field) {
                let _ = write!(text, "  {field}={value}");
            }
        }
        text
    }
}
