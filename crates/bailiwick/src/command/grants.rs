//! `bailiwick grants`: who let which app do what.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::place::Place;
use super::table::{card, table};
use super::tree::{Brush, draw};
use super::users::{died, word};
use crate::admin::order::Order;

/// `bailiwick grants`.
#[derive(Args, Debug)]
pub(crate) struct Grants {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List grants, newest first
    List {
        /// Only those of this user
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// How many
        #[arg(short = 'n', long, default_value_t = 100)]
        lines: u32,
    },
    /// Show one grant, and the tree of everybody who acts with it
    Show {
        /// Its id
        id: String,
    },
    /// End a grant and everything below it, at once
    Revoke {
        /// Its id
        id: String,
    },
    /// End one access token and everything derived from it, at once
    Token {
        /// Its `jti`
        id: String,
        #[command(subcommand)]
        verb: TokenVerb,
    },
}

#[derive(Debug, Subcommand)]
enum TokenVerb {
    /// End it
    Revoke,
}

/// A grant as people read it: its facts, then its tree.
fn shown(told: &Value) -> String {
    let mut facts = told.clone();
    if let Some(facts) = facts.as_object_mut() {
        facts.retain(|name, _| !["tree", "tokens_left_out", "calls_left_out"].contains(&name.as_str()));
    }
    format!("{}\n\n{}", card(&facts), draw(told, Brush::here()))
}

/// Runs the command.
pub(crate) async fn run(args: Grants) -> ExitCode {
    let Grants { place, verb } = args;
    match verb {
        Verb::List { user, lines } => place.print(place.order(Order::Grants { user, limit: lines }).await, |rows| {
            let columns = [
                ("GRANT", "grant"),
                ("USER", "user"),
                ("CLIENT", "client"),
                ("STATE", "state"),
                ("UNTIL", "expires_at"),
                ("SCOPE", "scope"),
                ("SERVER", "server"),
            ];
            table(rows, &columns, "no grants")
        }),
        Verb::Show { id } => place.print(place.order(Order::Grant { id }).await, shown),
        Verb::Revoke { id } => place.print(place.order(Order::RevokeGrant { id }).await, |told| {
            format!("{} of {} is revoked: {}", word(told, "grant"), word(told, "client"), word(told, "says"))
        }),
        Verb::Token { id, verb: TokenVerb::Revoke } => place
            .print(place.order(Order::RevokeToken { id }).await, |told| {
                died(told, &format!("{} is revoked", word(told, "token")))
            }),
    }
}
