//! `bailiwick audit verify`: what is wrong with the record, in words.

use std::process::ExitCode;

use serde_json::Value;

use super::super::place::{Place, say};
use crate::admin::order::Order;

/// How many flaws are told one by one.
const MOST: usize = 20;

pub(super) async fn run(place: &Place) -> ExitCode {
    let told = match place.order(Order::VerifyAudit).await {
        Ok(told) => told,
        Err(says) => return place.print(Err(says), |_| String::new()),
    };
    let whole = told.get("whole").and_then(Value::as_bool).unwrap_or(false);
    if place.json {
        say(&told.to_string());
    } else if whole {
        say(&format!("whole: {}\n{}", counted(&told), signed(&told)));
    } else {
        eprintln!("bailiwick: {}", broken(&told));
    }
    if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn counted(told: &Value) -> String {
    format!(
        "{} entries of {} writers, {} checkpoints",
        number(told, "rows"),
        number(told, "writers"),
        number(told, "checkpoints")
    )
}

fn signed(told: &Value) -> String {
    let Some(until) = told.get("signed_until").and_then(Value::as_str) else {
        return "nothing is signed yet; `bailiwick audit checkpoint` signs, and so does a running process every minute"
            .to_owned();
    };
    let rest = match number(told, "unsigned") {
        0 => String::new(),
        more => format!("; {more} entries since then are chained, and not signed yet"),
    };
    format!("signed until {until}, by checkpoint {}{rest}", number(told, "checkpoint"))
}

fn broken(told: &Value) -> String {
    let breaks = told.get("breaks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut lines = vec!["the record was altered".to_owned()];
    lines.extend(breaks.iter().take(MOST).map(|found| format!("  {}", flaw(found))));
    if breaks.len() > MOST {
        lines.push(format!("  and {} more; --json names them all", breaks.len() - MOST));
    }
    lines.push(format!("whole besides: {}", counted(told)));
    lines.push(signed(told));
    lines.push("Keep a copy of the database as it is, and compare it with a backup or an export".to_owned());
    lines.join("\n")
}

/// One flaw: where, when, what.
fn flaw(found: &Value) -> String {
    let word = |field: &str| found.get(field).and_then(Value::as_str);
    let (seq, writer) = (number(found, "seq"), word("writer").unwrap_or("-"));
    let entry = match (word("at"), word("kind")) {
        (Some(at), Some(kind)) => format!("entry {seq} of writer {writer} ({kind}, {at})"),
        (Some(at), None) => format!("entry {seq} of writer {writer} ({at})"),
        (None, _) => format!("entry {seq} of writer {writer}"),
    };
    let after =
        word("after").map_or_else(String::new, |after| format!("; the last one before that is whole is of {after}"));
    let checkpoint = format!("checkpoint {seq}");
    match word("flaw").unwrap_or("-") {
        "altered" => format!("{entry} does not say what was written{after}"),
        "moved" => {
            format!("{entry} does not follow the entry before it: one of the two was moved, put in or altered{after}")
        }
        "missing" => format!("{entry} was taken out{after}"),
        "truncated" => format!("{entry} and all after it were cut off{after}"),
        "gone" => format!("{entry} and all others of this writer were taken away"),
        "rewritten" => format!("the chain from {entry} on was written anew and is not what was signed{after}"),
        "headless" => format!("the head of the chain that ends with {entry} was taken away"),
        "extra" => format!("{entry} was put behind the end of the chain"),
        "checkpoint_missing" => format!(
            "{checkpoint} was taken away: what only it had signed is chained, and no longer signed; if it was the newest, entries that followed it may be gone with it{after}"
        ),
        "checkpoint_altered" => format!("{checkpoint} does not say what was signed: it vouches for nothing{after}"),
        other => format!("{entry}: {other}"),
    }
}

fn number(told: &Value, field: &str) -> i64 {
    told.get(field).and_then(Value::as_i64).unwrap_or(0)
}
