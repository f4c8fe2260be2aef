//! `bailiwick audit export`: every entry, once and in the order of its chain, as JSON lines or as OpenTelemetry logs.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use bailiwick_net::Http;
use bailiwick_store::AuditPlaces;
use clap::Args;
use serde_json::Value;

use super::super::place::Place;
use super::{collector, otlp};
use crate::admin::order::{FollowQuery, Followed, FollowedRow, Order};
use crate::keep;

/// How many entries are fetched, and sent, at once.
const BATCH: u32 = 500;
/// How long to wait for more.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a collector is tried, unless somebody goes on waiting.
const TRIES: u32 = 5;

/// How entries are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// One JSON object a line, with the hashes
    Jsonl,
    /// OpenTelemetry logs: an OTLP/JSON request a line
    Otel,
}

#[derive(Args, Debug)]
pub(super) struct Export {
    /// How entries are written
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// Send OpenTelemetry logs to a collector
    #[arg(
        long,
        value_name = "URL",
        help = "Send OpenTelemetry logs there (OTLP/HTTP, JSON), such as http://localhost:4318/v1/logs"
    )]
    to: Option<String>,
    /// Go on with what comes
    #[arg(short, long)]
    follow: bool,
    /// Not before this moment: 2026-01-31, 2026-01-31T12:00:00Z, or how long ago, as in 15m, 2h, 7d
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Before this moment
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Remember in FILE what was exported, and go on after it the next time
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

/// How a batch was taken.
enum Taken {
    Yes,
    /// Nobody reads any more.
    Enough,
}

impl Export {
    pub(super) async fn run(self, place: &Place) -> Result<(), String> {
        if self.to.is_some() && self.format != Format::Otel {
            return Err("--to sends OpenTelemetry logs: add --format otel".to_owned());
        }
        let http = Http::new();
        let mut places = self.begin()?;
        loop {
            let followed = match self.fetch(place, &places).await {
                Ok(followed) => followed,
                Err(says) if !self.follow => return Err(says),
                Err(says) => {
                    eprintln!("bailiwick: {says}; trying again");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let (rows, done) = (followed.rows, followed.places == places);
            if !rows.is_empty() && matches!(self.deliver(&http, &rows).await?, Taken::Enough) {
                return Ok(());
            }
            places = followed.places;
            if !done {
                self.remember(&places)?;
            } else if self.follow {
                tokio::time::sleep(PAUSE).await;
            } else {
                return Ok(());
            }
        }
    }

    fn begin(&self) -> Result<AuditPlaces, String> {
        let Some(file) = &self.state else { return Ok(AuditPlaces::new()) };
        match std::fs::read(file) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| format!("{} does not say what was exported: {error}", file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(AuditPlaces::new()),
            Err(error) => Err(format!("cannot read {}: {error}", file.display())),
        }
    }

    fn remember(&self, places: &AuditPlaces) -> Result<(), String> {
        let Some(file) = &self.state else { return Ok(()) };
        let text = serde_json::to_vec(places).map_err(|error| error.to_string())?;
        keep::write_private(file, &text).map_err(|error| format!("cannot write {}: {error}", file.display()))
    }

    async fn fetch(&self, place: &Place, places: &AuditPlaces) -> Result<Followed, String> {
        let query =
            FollowQuery { places: places.clone(), limit: BATCH, since: self.since.clone(), until: self.until.clone() };
        let told = place.order(Order::FollowAudit(query)).await?;
        serde_json::from_value(told).map_err(|error| format!("the record cannot be read: {error}"))
    }

    async fn deliver(&self, http: &Http, rows: &[FollowedRow]) -> Result<Taken, String> {
        let lines: Vec<String> = match self.format {
            Format::Jsonl => rows.iter().map(line).collect(),
            Format::Otel => vec![otlp::request(rows)?.to_string()],
        };
        if let (Some(url), [request]) = (&self.to, lines.as_slice()) {
            return self.send(http, url, request).await;
        }
        let mut out = std::io::stdout().lock();
        let written = lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
        Ok(if written.is_ok() { Taken::Yes } else { Taken::Enough })
    }

    /// Sends a request to the collector, and again where it may be taken later (OTLP/HTTP, "Failures").
    async fn send(&self, http: &Http, url: &str, request: &str) -> Result<Taken, String> {
        let mut tries = 0;
        loop {
            let trouble = match collector::post(http, url, request).await? {
                Ok(()) => return Ok(Taken::Yes),
                Err(trouble) => trouble,
            };
            tries += 1;
            if tries >= TRIES && !self.follow {
                return Err(trouble);
            }
            if tries == 1 {
                eprintln!("bailiwick: {trouble}; trying again");
            }
            tokio::time::sleep(PAUSE * tries.min(30)).await;
        }
    }
}

/// One entry with everything its hash is made of; the event is spelled as it was hashed.
fn line(row: &FollowedRow) -> String {
    let FollowedRow { writer, seq, prev_hash, hash, body } = row;
    let text = |text: &str| Value::from(text);
    format!(
        r#"{{"writer":{},"seq":{seq},"prev_hash":{},"hash":{},"event":{body}}}"#,
        text(writer),
        text(prev_hash),
        text(hash)
    )
}
