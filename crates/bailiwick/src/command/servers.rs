//! `bailiwick servers`: the MCP servers behind the gateway.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::place::Place;
use super::table::table;
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
        Verb::Tools { name } => place.print(place.order(Order::Tools { server: name }).await, |rows| {
            let columns = [("TOOL", "tool"), ("RISK", "risk"), ("SCOPES", "scopes"), ("TITLE", "title")];
            table(rows, &columns, "this server lists no tools, or was not reached yet")
        }),
    }
}
