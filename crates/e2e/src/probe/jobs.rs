//! Jobs that would take more than they were given: more calls, more agents.

use bailiwick_domain::control::Control;
use http::StatusCode;
use serde_json::json;

use super::{Verdict, beaten};
use crate::honeypot::Honeypot;
use crate::jobs::{alice, give, house, mint};
use crate::{Mcp, World};

/// How many calls Alice gave.
const GIVEN: usize = 20;
/// How many are tried.
const TRIED: usize = 32;

/// An agent of the job in conversation with `notes`, on a token of its own.
async fn in_talk(world: &World, who: &str, grant: &str) -> Mcp {
    let token = mint(world, who, grant, "notes").await.expect("a token").access;
    let mut client = Mcp::new(&world.url("/mcp/notes"), Some(&token));
    client.begin().await;
    client
}

/// Two agents of one job that fan out: many calls at once, each on its own token.
pub async fn call_beyond_budget(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = house(&upstream).without(off).start();
    let grant = give(&mut alice(&world).await, &world, "20", |form| form).await;
    let agents = [in_talk(&world, "orchestrator", &grant).await, in_talk(&world, "researcher", &grant).await];
    let before = upstream.calls();

    let calls = (0..TRIED).map(|n| {
        let client = agents[n % 2].clone();
        tokio::spawn(async move { client.call("look", json!({})).await })
    });
    let mut answers = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        answers.push(call.await.unwrap());
    }

    let made = answers.iter().filter(|answer| answer.is_result()).count();
    let told = answers.iter().filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS).count();
    let heard = upstream.calls() - before;
    beaten(
        (made, told, heard) == (GIVEN, TRIED - GIVEN, GIVEN),
        format!("of {TRIED} calls {made} were made, {told} refused; the server behind heard {heard}"),
    )
}

/// An agent that Alice did not name, with the id of her grant and with the help of the one she did name.
pub async fn agent_outside_the_job(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = house(&upstream).without(off).start();
    let grant = give(&mut alice(&world).await, &world, "20", |form| form.untick("researcher")).await;
    assert!(mint(&world, "orchestrator", &grant, "notes").await.is_ok(), "the job goes on");

    let by_itself = mint(&world, "researcher", &grant, "notes").await;
    let handed = mint(&world, "orchestrator", &grant, "researcher").await;

    let refused = |told: &Result<crate::Tokens, serde_json::Value>, error: &str| {
        told.as_ref().is_err_and(|body| body["error"] == error)
    };
    beaten(
        refused(&by_itself, "invalid_grant") && refused(&handed, "actor_unauthorized"),
        format!("by itself: {by_itself:?}; handed on: {handed:?}"),
    )
}
