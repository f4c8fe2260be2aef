//! `bailiwick clients`: apps that somebody let act.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::place::Place;
use super::table::table;
use super::users::{ended, word};
use crate::admin::order::Order;

/// `bailiwick clients`.
#[derive(Args, Debug)]
pub(crate) struct Clients {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the clients that somebody let act
    List,
    /// Stop a client for everybody, at once
    Disable {
        /// The word in the first column of the list, its name, or its whole `client_id`
        // One word in sixty-four begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        client: String,
    },
    /// Let a disabled client go on with the grants it holds
    Enable {
        /// The word in the first column of the list, its name, or its whole `client_id`
        // One word in sixty-four begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        client: String,
    },
}

/// Runs the command.
pub(crate) async fn run(args: Clients) -> ExitCode {
    let Clients { place, verb } = args;
    match verb {
        Verb::List => place.print(place.order(Order::Clients).await, |rows| {
            let columns = [
                ("CLIENT", "client"),
                ("NAME", "name"),
                ("SOURCE", "source"),
                ("STATE", "state"),
                ("FIRST SEEN", "first_seen_at"),
                ("LAST USED", "last_used_at"),
            ];
            table(rows, &columns, "nobody let a client act yet")
        }),
        Verb::Disable { client } => {
            place.print(place.order(Order::DisableClient { client }).await, |told| ended(told, "name"))
        }
        Verb::Enable { client } => place.print(place.order(Order::EnableClient { client }).await, |told| {
            format!("{}: {}", word(told, "name"), word(told, "says"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::args::Cli;

    #[test]
    fn a_client_may_begin_with_a_hyphen() {
        for verb in ["disable", "enable"] {
            assert!(Cli::try_parse_from(["bailiwick", "clients", verb, "-gR8"]).is_ok(), "{verb}");
        }
    }
}
