//! How far authority reaches: from hop to hop it only shrinks.

use bailiwick_domain::control::Control;
use serde_json::{Value, json};

use super::{Verdict, beaten, refused};
use crate::agents::Agent;
use crate::forge::tamper;
use crate::handing::{ALL, handed_to, house, robbed};
use crate::honeypot::Honeypot;
use crate::{App, World};

const CALLS_NOTES: [(&str, &str); 1] = [("orchestrator", "may_call = [\"notes\"]")];
const CHAIN: [(&str, &str); 2] =
    [("orchestrator", "may_call = [\"researcher\"]"), ("researcher", "may_call = [\"notes\"]")];

fn orchestrator(world: &World) -> Agent {
    Agent::new(&world.base, "orchestrator")
}

/// Alice was taken off the list of those who may write after she gave the agent her token.
pub async fn exchange_beyond_allow(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let first = house(&upstream, "", &CALLS_NOTES).start();
    let (_app, front) = handed_to(&first, "orchestrator", ALL).await;
    let ended = first.stop();
    let allow = r#"allow = { "notes:write" = ["user:bob"] }"#;
    let world = house(&upstream, allow, &CALLS_NOTES).without(off).after(&ended).start();

    let next = orchestrator(&world).exchange(&front.access, "notes").await.expect("what is left is handed on");

    let scope = next.claims()["scope"].clone();
    beaten(scope == "notes:read", format!("the derived token holds {scope}"))
}

/// The agent may read and write for others; Alice let it read.
pub async fn exchange_for_more(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, "", &CALLS_NOTES).without(off).start();
    let (_app, front) = handed_to(&world, "orchestrator", "notes:read").await;

    let next = orchestrator(&world).exchange_with(&front.access, "notes", &[("scope", ALL)]).await.unwrap();

    let scope = next.claims()["scope"].clone();
    beaten(scope == "notes:read", format!("the derived token holds {scope}"))?;
    refused(
        orchestrator(&world).exchange_with(&front.access, "notes", &[("scope", "notes:write")]).await,
        "invalid_scope",
    )
}

/// The orchestrator passes on one tool; the researcher asks for two.
pub async fn exchange_for_left_out_tools(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, "", &CHAIN).without(off).start();
    let (_app, front) = handed_to(&world, "orchestrator", ALL).await;
    let only = |tools: Value| {
        json!([{ "type": "mcp_tools", "locations": [world.url("/mcp/notes")], "tools": tools }]).to_string()
    };
    let (one, two) = (only(json!(["look"])), only(json!(["look", "change"])));
    let details = [("authorization_details", one.as_str())];
    let second = orchestrator(&world).exchange_with(&front.access, "researcher", &details).await.unwrap();
    let researcher = Agent::new(&world.base, "researcher");
    let kept = researcher.exchange(&second.access, "notes").await.unwrap();
    assert_eq!(kept.claims()["authorization_details"][0]["tools"], json!(["look"]), "what was left out stays out");

    let more = [("authorization_details", two.as_str())];
    refused(researcher.exchange_with(&second.access, "notes", &more).await, "invalid_authorization_details")
}

/// A token with forty seconds left.
pub async fn exchange_for_longer(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let setup = house(&upstream, "", &CALLS_NOTES);
    let (ended, thief) = robbed(&setup).await;
    let world = setup.without(off).after(&ended).start();
    let (_app, front) = handed_to(&world, "orchestrator", ALL).await;
    let mut claims = front.claims();
    let last = claims["iat"].as_i64().unwrap() + 40;
    claims["exp"] = json!(last);

    let next = orchestrator(&world).exchange(&thief.sign("at+jwt", &claims), "notes").await.unwrap();

    let end = next.claims()["exp"].as_i64().unwrap();
    beaten(end <= last, format!("the derived token lives {} s longer", end - last))
}

/// The app took back the token it had handed over; the agent still holds it.
pub async fn exchange_of_the_revoked(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, "", &CALLS_NOTES).without(off).start();
    let (app, front): (App, _) = handed_to(&world, "orchestrator", ALL).await;
    assert!(orchestrator(&world).exchange(&front.access, "notes").await.is_ok());
    assert!(app.revoke(&front.access).await.is_success());

    refused(orchestrator(&world).exchange(&front.access, "notes").await, "invalid_grant")?;
    let retold = tamper(&front.access, |claims| claims["jti"] = json!("at_other"));
    refused(orchestrator(&world).exchange(&retold, "notes").await, "invalid_grant")
}
