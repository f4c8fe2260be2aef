//! What stays of the way a request came, and which ways there are.

use bailiwick_domain::control::Control;
use serde_json::json;

use super::{Verdict, beaten, refused};
use crate::agents::Agent;
use crate::handing::{ALL, along, call, handed_to, house, robbed};
use crate::honeypot::Honeypot;

const CHAIN: [(&str, &str); 2] =
    [("orchestrator", "may_call = [\"researcher\"]"), ("researcher", "may_call = [\"notes\"]")];

/// After two hops both agents stand in the token, the last one outermost.
pub async fn forgotten_actor(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, "", &CHAIN).without(off).start();

    let held = along(&world, &["orchestrator", "researcher"], ALL).await;

    let actor = |name: &str| json!({ "iss": world.base, "sub": format!("agent:{name}"), "sub_profile": "ai_agent" });
    let mut act = actor("researcher");
    act["act"] = actor("orchestrator");
    let found = held[2].claims()["act"].clone();
    beaten(found == act, format!("the chain is {found}"))
}

/// The researcher acts only directly for a user, never for another agent.
pub async fn chain_too_deep(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let agents = [CHAIN[0], ("researcher", "may_call = [\"notes\"]\nmax_depth = 1")];
    let world = house(&upstream, "", &agents).without(off).start();
    let (_app, direct) = handed_to(&world, "researcher", ALL).await;
    let researcher = Agent::new(&world.base, "researcher");
    assert!(researcher.exchange(&direct.access, "notes").await.is_ok(), "one actor is allowed");
    let (_app, front) = handed_to(&world, "orchestrator", ALL).await;
    let second = Agent::new(&world.base, "orchestrator").exchange(&front.access, "researcher").await.unwrap();

    refused(researcher.exchange(&second.access, "notes").await, "invalid_request")
}

/// The researcher calls the orchestrator back.
pub async fn chain_in_a_loop(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let agents = [
        ("orchestrator", "may_call = [\"researcher\", \"notes\"]"),
        ("researcher", "may_call = [\"orchestrator\", \"notes\"]"),
    ];
    let world = house(&upstream, "", &agents).without(off).start();
    let (_app, front) = handed_to(&world, "orchestrator", ALL).await;
    let second = Agent::new(&world.base, "orchestrator").exchange(&front.access, "researcher").await.unwrap();

    refused(Agent::new(&world.base, "researcher").exchange(&second.access, "orchestrator").await, "invalid_request")
}

/// An agent acts where nobody said that it may.
pub async fn step_without_an_edge(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let agents = [("orchestrator", "may_call = [\"researcher\"]"), CHAIN[1]];
    let world = house(&upstream, "", &agents).without(off).start();
    let (_app, front) = handed_to(&world, "orchestrator", ALL).await;
    let orchestrator = Agent::new(&world.base, "orchestrator");
    assert!(orchestrator.exchange(&front.access, "researcher").await.is_ok(), "where it may, it does");

    refused(orchestrator.exchange(&front.access, "notes").await, "actor_unauthorized")
}

/// The edge was taken out of the file while the token is out.
pub async fn call_over_an_edge_that_is_gone(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let edge = [("orchestrator", "may_call = [\"researcher\", \"notes\"]"), CHAIN[1]];
    let first = house(&upstream, "", &edge).start();
    let held = along(&first, &["orchestrator"], ALL).await;
    assert!(call(&first, &held[1].access, "look").await.is_result(), "the token is good");
    let ended = first.stop();
    let world = house(&upstream, "", &CHAIN).without(off).after(&ended).start();
    let before = upstream.calls();

    let answer = call(&world, &held[1].access, "look").await;

    beaten(!answer.is_result() && upstream.calls() == before, format!("answered {} {}", answer.status, answer.text))
}

/// A chain with an actor whom somebody else vouches for, under the name of one of ours.
pub async fn foreign_history(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let setup = house(&upstream, "", &CHAIN);
    let (ended, thief) = robbed(&setup).await;
    let world = setup.without(off).after(&ended).start();
    let held = along(&world, &["orchestrator", "researcher"], ALL).await;
    let foreign = |token: usize, pointer: &str| {
        let mut claims = held[token].claims();
        *claims.pointer_mut(pointer).unwrap() = json!("https://login.example.com");
        thief.sign("at+jwt", &claims)
    };
    let before = upstream.calls();

    for pointer in ["/act/iss", "/act/act/iss"] {
        let answer = call(&world, &foreign(2, pointer), "look").await;
        let shut = answer.status == 401 && upstream.calls() == before;
        beaten(shut, format!("{pointer}: answered {} {}", answer.status, answer.text))?;
    }
    refused(Agent::new(&world.base, "researcher").exchange(&foreign(1, "/act/iss"), "notes").await, "invalid_grant")
}

/// The server wants a key of its own from everybody on the way; the agent has a shared secret.
pub async fn weak_actor_in_front(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let agents = [("orchestrator", "may_call = [\"notes\"]")];
    let world = house(&upstream, "assurance_floor = \"private_key_jwt\"", &agents).without(off).start();
    let (_app, front) = handed_to(&world, "orchestrator", ALL).await;

    refused(Agent::new(&world.base, "orchestrator").exchange(&front.access, "notes").await, "actor_unauthorized")
}
