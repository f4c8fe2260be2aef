//! Calls beyond what was given.

use bailiwick_domain::control::Control;
use http::StatusCode;
use serde_json::json;

use super::{Verdict, beaten};
use crate::honeypot::Honeypot;
use crate::{App, Mcp, Setup, Visitor, World};

/// A call without the scope of its tool.
pub async fn without_scope(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = Setup::upstream(&upstream.url).approving("alice").without(off).start();
    let token = App::register(&world.base).await.tokens("mcp:read").await.access;
    let mut client = Mcp::new(&world.mcp(), Some(&token));
    client.begin().await;
    assert!(client.call("look", json!({})).await.is_result(), "what was given works");
    let before = upstream.calls();

    let answer = client.call("destroy", json!({})).await;

    let asked = answer.challenge().contains(r#"error="insufficient_scope""#)
        && answer.challenge().contains(r#"scope="mcp:destructive""#);
    beaten(
        answer.status == StatusCode::FORBIDDEN && asked && upstream.calls() == before,
        format!("answered {} {} {}", answer.status, answer.challenge(), answer.text),
    )
}

/// Signs up Alice, who leaves `tool` out at consent; her token.
async fn token_without(world: &World, tool: &str) -> crate::Tokens {
    let mut alice = Visitor::new(&world.base);
    alice.set_up(&world.setup_link(), "alice", "correct horse battery").await;
    let app = App::register(&world.base).await;
    let consent = alice.open(&app.authorize_url("mcp:read mcp:write")).await;
    let form = consent.form("checkbox").untick(tool);
    let done = alice.submit(&consent, &form, Some(("decision", "allow"))).await;
    app.redeem(&crate::oauth::code_of(&done)).await.expect("tokens")
}

/// A tool the person took the tick from.
pub async fn left_out(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = Setup::upstream(&upstream.url).without(off).start();
    let tokens = token_without(&world, "change").await;
    let mut shown = tokens.claims()["authorization_details"][0]["tools"].as_array().unwrap().clone();
    shown.sort_by_key(ToString::to_string);
    assert_eq!(shown, ["amend", "look"], "the token shows it");
    let mut client = Mcp::new(&world.mcp(), Some(&tokens.access));
    client.begin().await;
    assert!(client.call("look", json!({})).await.is_result(), "what was given works");
    let before = upstream.calls();

    let answer = client.call("change", json!({})).await;

    beaten(!answer.is_result() && upstream.calls() == before, format!("answered {} {}", answer.status, answer.text))
}

/// A listing shows nothing that may not be called.
pub async fn listing(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = Setup::upstream(&upstream.url).approving("alice").without(off).start();
    let token = App::register(&world.base).await.tokens("mcp:read").await.access;
    let mut client = Mcp::new(&world.mcp(), Some(&token));
    client.begin().await;

    let tools = client.tools().await;

    beaten(tools == ["look"], format!("the listing shows {tools:?}"))
}
