//! `bailiwick keys`: the keys that protect what is kept.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::place::Place;
use super::users::word;
use crate::admin::order::Order;

/// `bailiwick keys`.
#[derive(Args, Debug)]
pub(crate) struct Keys {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Put everything in the vault under the key that `vault.key` names, while everything goes on
    RotateVault,
}

/// Runs the command.
pub(crate) async fn run(args: Keys) -> ExitCode {
    let Keys { place, verb } = args;
    match verb {
        Verb::RotateVault => {
            let answer = place.order(Order::RotateVault).await;
            let stuck = answer.as_ref().ok().and_then(|told| told.get("stuck")).and_then(Value::as_u64).unwrap_or(0);
            let printed = place.print(answer, |told| {
                let moved = told.get("moved").and_then(Value::as_u64).unwrap_or(0);
                format!("{moved} records put under the current key. {}", word(told, "says"))
            });
            if stuck > 0 { ExitCode::FAILURE } else { printed }
        }
    }
}
