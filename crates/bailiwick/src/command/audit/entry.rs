//! One row of the record, as administration hands it out, and as people read it.

use std::fmt::Write as _;

use bailiwick_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::place::say;
use crate::admin::moment::written;

/// What is said of a row behind its first columns.
const FIELDS: [&str; 7] = ["tool", "scope", "resource", "grant", "rule", "says", "correlation"];

/// One row of the record.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its writer and its number there.
    pub(super) id: String,
    /// When, Unix milliseconds.
    pub(super) at: i64,
    /// For whom, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    who: Option<String>,
    /// Through which app or agents, by name, current one first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    through: Option<String>,
    /// What happened.
    event: Value,
}

impl Entry {
    /// The row as machines read it.
    pub(super) fn json(&self) -> String {
        json!(self).to_string()
    }

    /// The row on one line.
    pub(super) fn line(&self) -> String {
        let mut text = self.head();
        self.tell(&["user"], &mut text);
        self.tell(&FIELDS, &mut text);
        text
    }

    fn head(&self) -> String {
        let word = |field: &str| self.event.get(field).and_then(Value::as_str).unwrap_or("-");
        format!("{}  {:<8} {:<17}", written(Timestamp::from_millis(self.at)), word("outcome"), word("kind"))
    }

    fn tell(&self, fields: &[&str], text: &mut String) {
        for field in fields {
            if let Some(value) = self.event.get(field).and_then(Value::as_str) {
                // Writing to a string cannot fail.
                write!(text, "  {field}={}", plain(value)).ok();
            }
        }
    }
}

/// Prints rows under one another: when, with which end, what, for whom, through whom, and by which rule.
pub(super) fn print_all(entries: &[Entry], as_json: bool) {
    let cell = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), plain);
    let widest = |column: fn(&Entry) -> &Option<String>| {
        entries.iter().map(|entry| cell(column(entry)).chars().count()).max().unwrap_or(0)
    };
    let (who, through) = (widest(|entry| &entry.who), widest(|entry| &entry.through));
    for entry in entries {
        if as_json {
            say(&entry.json());
            continue;
        }
        let mut text =
            format!("{}  {:<who$}  through {:<through$}", entry.head(), cell(&entry.who), cell(&entry.through));
        entry.tell(&FIELDS, &mut text);
        say(text.trim_end());
    }
}

/// A stranger's words, fit for a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
