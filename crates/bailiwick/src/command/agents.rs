//! `bailiwick agents`: the parties that act for people, and what stops them.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::place::Place;
use super::table::table;
use super::users::{died, word};
use crate::admin::order::Order;

/// `bailiwick agents`.
#[derive(Args, Debug)]
pub(crate) struct Agents {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List agents, whether each may act, and toward what
    List,
    /// Stop an agent for everybody, with every token that names it, at once
    Stop {
        /// Its name
        name: String,
        /// Why, for the record
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let a stopped agent act again; tokens from before stay refused
    Start {
        /// Its name
        name: String,
    },
    /// Cut the step from an agent to what it calls, at once
    Cut {
        /// The agent
        name: String,
        /// The agent, server or API it calls
        target: String,
        /// Why, for the record
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let a step that was cut be taken again; tokens from before stay refused
    Mend {
        /// The agent
        name: String,
        /// The agent, server or API it calls
        target: String,
    },
}

/// Runs the command.
pub(crate) async fn run(args: Agents) -> ExitCode {
    let Agents { place, verb } = args;
    match verb.unwrap_or(Verb::List) {
        Verb::List => place.print(place.order(Order::Agents).await, |rows| {
            let columns = [
                ("AGENT", "agent"),
                ("TITLE", "title"),
                ("STATE", "state"),
                ("MAY CALL", "may_call"),
                ("STOPPED", "stopped_at"),
            ];
            table(rows, &columns, "no agent is configured")
        }),
        Verb::Stop { name, reason } => place.print(place.order(Order::StopAgent { name, reason }).await, |told| {
            died(told, &format!("{} is stopped", word(told, "agent")))
        }),
        Verb::Start { name } => place.print(place.order(Order::StartAgent { name }).await, |told| {
            format!("{} {}", word(told, "agent"), word(told, "says"))
        }),
        Verb::Cut { name, target, reason } => place
            .print(place.order(Order::CutEdge { name, target, reason }).await, |told| {
                died(told, &format!("the edge from {} to {} is cut", word(told, "agent"), word(told, "target")))
            }),
        Verb::Mend { name, target } => place.print(place.order(Order::MendEdge { name, target }).await, |told| {
            format!("the edge from {} to {} {}", word(told, "agent"), word(told, "target"), word(told, "says"))
        }),
    }
}
