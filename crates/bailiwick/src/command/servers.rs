//! `bailiwick servers`: the MCP servers behind the gateway.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::place::Place;
use super::table::table;
use super::users::{died, word};
use crate::admin::order::Order;

/// `bailiwick servers`.
#[derive(Args, Debug)]
pub(crate) struct Servers {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List servers
    List,
    /// List a server's tools, with the scopes that open each
    Tools {
        /// Its name; - for the one at /mcp itself
        name: Option<String>,
        #[command(subcommand)]
        verb: Option<ToolVerb>,
    },
}

#[derive(Debug, Subcommand)]
enum ToolVerb {
    /// Stop a tool for everybody, at once
    Stop {
        /// Its name
        tool: String,
        /// Why, for the record
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let a stopped tool be called again
    Start {
        /// Its name
        tool: String,
    },
}

/// Runs the command.
pub(crate) async fn run(args: Servers) -> ExitCode {
    let Servers { place, verb } = args;
    match verb {
        Verb::List => place.print(place.order(Order::Servers).await, |rows| {
            let columns =
                [("SERVER", "server"), ("TITLE", "title"), ("STATE", "state"), ("TOOLS", "tools"), ("URL", "url")];
            table(rows, &columns, "no server is configured")
        }),
        Verb::Tools { name, verb: Some(ToolVerb::Stop { tool, reason }) } => {
            let order = Order::StopTool { server: name.unwrap_or_else(|| "-".to_owned()), tool, reason };
            place.print(place.order(order).await, |told| {
                let unheard = told.get("known") == Some(&Value::Bool(false));
                let note = if unheard { " (the server lists no such tool at present)" } else { "" };
                died(told, &format!("{} is stopped{note}", word(told, "tool")))
            })
        }
        Verb::Tools { name, verb: Some(ToolVerb::Start { tool }) } => {
            let order = Order::StartTool { server: name.unwrap_or_else(|| "-".to_owned()), tool };
            place.print(place.order(order).await, |told| format!("{} {}", word(told, "tool"), word(told, "says")))
        }
        Verb::Tools { name, verb: None } => place.print(place.order(Order::Tools { server: name }).await, |rows| {
            let columns =
                [("TOOL", "tool"), ("RISK", "risk"), ("STATE", "state"), ("SCOPES", "scopes"), ("TITLE", "title")];
            table(rows, &columns, "this server lists no tools, or was not reached yet")
        }),
    }
}
