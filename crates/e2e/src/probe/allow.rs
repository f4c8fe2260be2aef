//! People who hold, or held, what `allow` keeps from them.

use bailiwick_domain::control::Control;
use serde_json::json;

use super::{Verdict, beaten};
use crate::honeypot::Honeypot;
use crate::page::Input;
use crate::{App, Mcp, Setup, Tokens, Visitor, World};

const SCOPE: &str = "notes:read notes:write";
/// Alice may not write.
const BOB_WRITES: &str = r#"allow = { "notes:write" = ["user:bob"] }"#;

fn house(upstream: &Honeypot, allow: &str) -> Setup {
    Setup::config(format!("[server.notes]\nupstream = \"{}\"\n{allow}\n", upstream.url))
}

async fn app(world: &World) -> App {
    App::register_for(&world.base, &world.url("/mcp/notes")).await
}

/// Alice on the consent page, with a tick for a tool that is not on it.
pub async fn consent_beyond_allow(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, BOB_WRITES).without(off).start();
    let mut alice = Visitor::new(&world.base);
    alice.set_up(&world.setup_link(), "alice", "correct horse battery").await;
    let app = app(&world).await;
    let page = alice.open(&app.authorize_url(SCOPE)).await;
    let mut form = page.form("checkbox");
    let offered = form.inputs.iter().any(|input| input.value == "change");
    form.inputs.push(Input {
        kind: "checkbox".to_owned(),
        name: "tool".to_owned(),
        value: "change".to_owned(),
        checked: true,
    });

    let done = alice.submit(&page, &form, Some(("decision", "allow"))).await;

    let tokens = app.redeem(&crate::oauth::code_of(&done)).await.expect("tokens");
    let scope = tokens.claims()["scope"].clone();
    beaten(!offered && scope == "notes:read", format!("offered: {offered}; the token holds {scope}"))
}

/// A house where Alice got everything, started anew with her off the list; her tokens.
async fn taken_off(upstream: &Honeypot, off: &[Control]) -> (World, App, Tokens) {
    let first = house(upstream, "").approving("alice").start();
    let app = app(&first).await;
    let tokens = app.tokens(SCOPE).await;
    assert_eq!(tokens.claims()["scope"], SCOPE);
    let ended = first.stop();
    (house(upstream, BOB_WRITES).approving("alice").without(off).after(&ended).start(), app, tokens)
}

/// A refresh token from before.
pub async fn refresh_beyond_allow(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let (_world, app, tokens) = taken_off(&upstream, off).await;

    let next = app.refresh(tokens.refresh.as_deref().unwrap()).await.expect("what is left is refreshed");

    let scope = next.claims()["scope"].clone();
    beaten(scope == "notes:read", format!("the next token holds {scope}"))
}

/// An access token from before.
pub async fn call_beyond_allow(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let (world, _app, tokens) = taken_off(&upstream, off).await;
    let mut client = Mcp::new(&world.url("/mcp/notes"), Some(&tokens.access));
    client.begin().await;
    assert!(client.call("look", json!({})).await.is_result(), "what is left works");
    let before = upstream.calls();

    let answer = client.call("change", json!({})).await;

    let shown = client.tools().await;
    let refused = answer.rule() == Some("allow:notes:write") && upstream.calls() == before;
    beaten(refused && shown == ["look"], format!("answered {} {}; shown {shown:?}", answer.status, answer.text))
}
