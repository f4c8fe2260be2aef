//! `bailiwick access`: who could do what today.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::place::Place;
use super::table::table;
use crate::admin::order::Order;

/// The columns of a report: heading, and field.
const COLUMNS: [(&str, &str); 9] = [
    ("SERVER", "server"),
    ("TOOL", "tool"),
    ("RISK", "risk"),
    ("SCOPE", "scope"),
    ("WHO", "who"),
    ("RULE", "rule"),
    ("THROUGH", "through"),
    ("GRANT", "grant"),
    ("UNTIL", "until"),
];

/// `bailiwick access`.
#[derive(Args, Debug)]
pub(crate) struct Access {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Who could call a tool, by which rule; and through which app or agents somebody can today
    Report {
        /// The tool
        #[arg(long)]
        tool: String,
        /// Only at this server; `-` for the one at /mcp itself
        #[arg(long, value_name = "NAME")]
        server: Option<String>,
        /// Comma-separated values, for a spreadsheet
        #[arg(long)]
        csv: bool,
    },
}

/// Runs the command.
pub(crate) async fn run(args: Access) -> ExitCode {
    let Access { place, verb: Verb::Report { tool, server, csv } } = args;
    let report = place.order(Order::AccessReport { tool, server }).await;
    place.print(report, |rows| if csv { comma_separated(rows) } else { table(rows, &COLUMNS, "nobody") })
}

/// RFC 4180, with a heading.
fn comma_separated(rows: &Value) -> String {
    let heading = COLUMNS.map(|(_, field)| field.to_owned());
    let mut lines = vec![heading.join(",")];
    for row in rows.as_array().into_iter().flatten() {
        let cells = COLUMNS.map(|(_, field)| cell(row.get(field).and_then(Value::as_str).unwrap_or("")));
        lines.push(cells.join(","));
    }
    lines.join("\r\n")
}

/// A cell. A spreadsheet would take words that begin like a formula for one, and some of these are strangers' words.
fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text != "-" {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cell_is_never_a_formula() {
        let rows = json!([{ "server": "-", "tool": "look", "who": "a,b", "through": "=HYPERLINK(\"x\")" }]);

        assert_eq!(
            comma_separated(&rows),
            "server,tool,risk,scope,who,rule,through,grant,until\r\n-,look,,,\"a,b\",,\"'=HYPERLINK(\"\"x\"\")\",,"
        );
    }
}
