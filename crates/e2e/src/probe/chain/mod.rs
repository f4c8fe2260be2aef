//! Attacks on chained requests: on who may hand on, on how far authority reaches, and on what stays of the way it came.

mod path;
mod recipient;
mod shrink;

pub use path::{
    call_over_an_edge_that_is_gone, chain_in_a_loop, chain_too_deep, foreign_history, forgotten_actor,
    step_without_an_edge, weak_actor_in_front,
};
pub use recipient::{actor_token_of_another, misdeclared_subject, next_turn_of_another, token_of_another_recipient};
pub use shrink::{
    exchange_beyond_allow, exchange_for_left_out_tools, exchange_for_longer, exchange_for_more, exchange_of_the_revoked,
};

use bailiwick_domain::control::Control;
use serde_json::Value;

use super::{Verdict, beaten};
use crate::Tokens;

/// Runs the probe of that name with these controls switched off.
pub(super) async fn run(name: &str, off: &[Control]) -> Verdict {
    match name {
        "token_of_another_recipient" => token_of_another_recipient(off).await,
        "next_turn_of_another" => next_turn_of_another(off).await,
        "actor_token_of_another" => actor_token_of_another(off).await,
        "misdeclared_subject" => misdeclared_subject(off).await,
        "exchange_beyond_allow" => exchange_beyond_allow(off).await,
        "exchange_for_more" => exchange_for_more(off).await,
        "exchange_for_left_out_tools" => exchange_for_left_out_tools(off).await,
        "exchange_for_longer" => exchange_for_longer(off).await,
        "exchange_of_the_revoked" => exchange_of_the_revoked(off).await,
        "forgotten_actor" => forgotten_actor(off).await,
        "chain_too_deep" => chain_too_deep(off).await,
        "chain_in_a_loop" => chain_in_a_loop(off).await,
        "step_without_an_edge" => step_without_an_edge(off).await,
        "call_over_an_edge_that_is_gone" => call_over_an_edge_that_is_gone(off).await,
        "weak_actor_in_front" => weak_actor_in_front(off).await,
        "foreign_history" => foreign_history(off).await,
        other => panic!("no probe {other:?}"),
    }
}

/// The only right answer: nothing, for this reason.
fn refused(answer: Result<Tokens, Value>, error: &str) -> Verdict {
    match answer {
        Ok(tokens) => Err(format!("issued {}", tokens.claims())),
        Err(says) => beaten(says["error"] == error, format!("answered {says}")),
    }
}
