//! `bailiwick audit`: the record of who did what, newest last.

mod collector;
mod entry;
mod export;
mod otlp;
mod verify;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;

use self::entry::Entry;
use self::export::Export;
use super::place::{Place, say};
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
    /// Show the newest entries that fit everything asked for: who, through whom, did what, by which rule
    Search(Box<Search>),
    /// Check that nothing was altered, moved, taken away or put in; exit code 1 if something was
    Verify,
    /// Sign what was written since the last checkpoint (a running process does so every minute)
    Checkpoint,
    /// Write every entry to standard output, or send it to a collector
    Export(Export),
}

#[derive(Args, Debug)]
struct Search {
    /// For this user
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Where this agent acted: anywhere in the chain, or on its own account
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// In this chain of requests: everything that came of one click
    #[arg(long, value_name = "ID")]
    txn: Option<String>,
    /// On this tool
    #[arg(long)]
    tool: Option<String>,
    /// Under this grant
    #[arg(long, value_name = "ID")]
    grant: Option<String>,
    /// Not before this moment: 2026-01-31, 2026-01-31T12:00:00Z, or how long ago, as in 15m, 2h, 7d
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Before this moment
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Of this kind, such as `tool_refused`
    #[arg(long)]
    kind: Option<String>,
    /// With this end: allowed, refused or failed
    #[arg(long)]
    outcome: Option<String>,
    /// Of this request: the reference of an error page or of the header x-correlation-id
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,
    /// How many entries
    #[arg(short = 'n', long, alias = "lines", default_value_t = 100)]
    limit: u32,
}

impl Search {
    fn query(self) -> AuditQuery {
        AuditQuery {
            after: 0,
            limit: self.limit,
            user: self.user,
            tool: self.tool,
            grant: self.grant,
            kind: self.kind,
            correlation: self.correlation,
            transaction: self.txn,
            agent: self.agent,
            outcome: self.outcome,
            since: self.since,
            until: self.until,
            named: true,
        }
    }
}

/// Runs the command.
pub(crate) async fn run(args: Audit) -> ExitCode {
    let Audit { place, verb } = args;
    let shown = match verb {
        Verb::Tail { lines, follow } => tail(&place, lines, follow).await,
        Verb::Search(search) => {
            fetch(&place, search.query()).await.map(|entries| entry::print_all(&entries, place.json))
        }
        Verb::Verify => return verify::run(&place).await,
        Verb::Checkpoint => {
            return place.print(place.order(Order::Checkpoint).await, |told| {
                let until = told.get("signed_until").and_then(Value::as_str).unwrap_or("-");
                match told.get("written").and_then(Value::as_i64) {
                    Some(number) => format!("checkpoint {number}: the record is signed until {until}"),
                    None => format!("nothing is new: the record is signed until {until}"),
                }
            });
        }
        Verb::Export(export) => export.run(&place).await,
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
            say(&if place.json { entry.json() } else { entry.line() });
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
