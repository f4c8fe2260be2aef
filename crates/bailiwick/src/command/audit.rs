//! `bailiwick audit`: the record of who did what, newest last.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use bailiwick_domain::time::Timestamp;
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::place::{Place, say};
use crate::admin::moment::written;
use crate::admin::order::{AuditQuery, Order};

/// `bailiwick audit`.
#[derive(Args, Debug)]
pub(crate) struct Audit {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the newest entries
    Tail {
        /// How many entries
        #[arg(short = 'n', long, default_value_t = 20)]
        lines: u32,
        /// Go on showing what comes
        #[arg(short, long)]
        follow: bool,
    },
    /// Show the newest entries that fit everything asked for
    Search(Search),
    /// Check that nothing was altered, taken away or put in between
    Verify,
}

#[derive(Args, Debug)]
struct Search {
    /// For this user
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// On this tool
    #[arg(long)]
    tool: Option<String>,
    /// Under this grant
    #[arg(long, value_name = "ID")]
    grant: Option<String>,
    /// Of this kind, such as `tool_refused`
    #[arg(long)]
    kind: Option<String>,
    /// Of this request: the reference of an error page or of the header x-correlation-id
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,
    /// How many entries
    #[arg(short = 'n', long, default_value_t = 100)]
    lines: u32,
}

/// Runs the command.
pub(crate) async fn run(args: Audit) -> ExitCode {
    let Audit { place, verb } = args;
    let shown = match verb {
        Verb::Tail { lines, follow } => tail(&place, lines, follow).await,
        Verb::Search(search) => {
            let Search { user, tool, grant, kind, correlation, lines } = search;
            let query = AuditQuery { after: 0, limit: lines, user, tool, grant, kind, correlation };
            fetch(&place, query).await.map(|entries| entries.iter().for_each(|entry| entry.print(&place)))
        }
        Verb::Verify => {
            return place.print(place.order(Order::VerifyAudit).await, |told| {
                format!("whole: {} entries", told.get("rows").unwrap_or(&Value::Null))
            });
        }
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(says) => place.print(Err(says), |_| String::new()),
    }
}

async fn tail(place: &Place, lines: u32, follow: bool) -> Result<(), String> {
    let mut after = 0;
    let mut seen: Vec<String> = Vec::new();
    loop {
        for entry in fetch(place, AuditQuery { after, limit: lines, ..AuditQuery::default() }).await? {
            if seen.contains(&entry.id) {
                continue;
            }
            if entry.at > after {
                after = entry.at;
                seen.clear();
            }
            entry.print(place);
            seen.push(entry.id);
        }
        if !follow {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn fetch(place: &Place, query: AuditQuery) -> Result<Vec<Entry>, String> {
    let rows = place.order(Order::Audit(query)).await?;
    serde_json::from_value(rows).map_err(|error| format!("the record cannot be read: {error}"))
}

/// One row of the record, as administration hands it out.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// Its writer and its number there.
    id: String,
    /// When, Unix milliseconds.
    at: i64,
    /// What happened.
    event: Value,
}

impl Entry {
    fn print(&self, place: &Place) {
        say(&if place.json { json!(self).to_string() } else { self.line() });
    }

    /// The row as a person reads it.
    fn line(&self) -> String {
        let word = |field: &str| self.event.get(field).and_then(Value::as_str);
        let (outcome, kind) = (word("outcome").unwrap_or("-"), word("kind").unwrap_or("-"));
        let mut text = format!("{}  {outcome:<8} {kind:<17}", written(Timestamp::from_millis(self.at)));
        for field in ["user", "tool", "scope", "resource", "grant", "rule", "says", "correlation"] {
            if let Some(value) = word(field) {
                let _ = write!(text, "  {field}={value}");
            }
        }
        text
    }
}
