//! Attacks on what the tools behind are shown: more than was asked for, a stronger one than needed.

use bailiwick_domain::control::Control;
use http::StatusCode;
use serde_json::json;

use super::cache::credential;
use super::{Verdict, beaten};
use crate::giver::{Giver, Humour};
use crate::honeypot::Honeypot;
use crate::{App, Mcp, Setup, World};

/// A server whose tools want tokens of that authorization server.
pub(super) fn exchanging(upstream: &Honeypot, giver: &Giver) -> Setup {
    Setup::config(exchanging_with(upstream, giver)).approving("alice")
}

/// The configuration of such a house.
pub(super) fn exchanging_with(upstream: &Honeypot, giver: &Giver) -> String {
    let credential = credential(giver, "crm:use");
    let none = "discovery = { kind = \"none\" }";
    format!("[server.crm]\nupstream = \"{}\"\n{none}\ncredential = {credential}\n", upstream.url)
}

pub(super) async fn client(world: &World, scope: &str) -> (Mcp, String) {
    let resource = world.url("/mcp/crm");
    let token = App::register_for(&world.base, &resource).await.tokens(scope).await.access;
    let mut client = Mcp::new(&resource, Some(&token));
    client.begin().await;
    (client, token)
}

/// The authorization server of a tool gives more than it was asked for, or for somebody else.
pub async fn overgranted_token(off: &[Control]) -> Verdict {
    let (upstream, giver) = (Honeypot::start().await, Giver::start().await);
    let world = exchanging(&upstream, &giver).without(off).start();
    for humour in [Humour::Generous, Humour::Whispering, Humour::Mistaken] {
        giver.turn(Humour::Fair);
        let resource = world.url("/mcp/crm");
        let app = App::register_for(&world.base, &resource).await;
        let mut client = Mcp::new(&resource, Some(&app.tokens("crm:read").await.access));
        client.begin().await;
        giver.turn(humour);
        // Another token of the same caller's, for which nothing was kept.
        let mut other = Mcp::new(&resource, Some(&app.tokens("crm:read").await.access));
        other.session.clone_from(&client.session);
        let before = upstream.headers().len();

        let answer = other.call("look", json!({})).await;

        let held = answer.status == StatusCode::BAD_GATEWAY;
        let quiet = upstream.headers().len() == before;
        beaten(
            held && quiet,
            format!("{humour:?}: {} {}; something was sent: {}", answer.status, answer.text, !quiet),
        )?;
    }
    Ok(())
}

/// A call that only reads, while a key for everything lies ready.
pub async fn stronger_key(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let tier = |scope: &str, name: &str| {
        let key = format!("{{ kind = \"api_key\", header = \"x-api-key\", secret = {{ env = \"{name}\" }} }}");
        format!("{{ scopes = [\"crm:{scope}\"], credential = {key} }}")
    };
    let tiers = [tier("read", "KEY_LOW"), tier("write", "KEY_HIGH")].join(", ");
    let config = format!("[server.crm]\nupstream = \"{}\"\ntiers = [{tiers}]\n", upstream.url);
    let setup = Setup::config(config).env("KEY_LOW", "the low key").env("KEY_HIGH", "the high key");
    let world = setup.approving("alice").without(off).start();
    let (client, _) = client(&world, "crm:read crm:write crm:destructive").await;
    let used = || upstream.headers().into_iter().rfind(|(name, _)| name == "x-api-key").map(|(_, value)| value);

    for (tool, key) in [("look", "the low key"), ("change", "the high key"), ("look", "the low key")] {
        assert!(client.call(tool, json!({})).await.is_result());
        let used = used();
        beaten(used.as_deref() == Some(key), format!("{tool} was called with {used:?}"))?;
    }
    // No key is for what destroys: nothing is sent, rather than the strongest.
    let before = upstream.calls();
    let answer = client.call("destroy", json!({})).await;
    beaten(
        answer.rule() == Some("credential:none") && upstream.calls() == before,
        format!("destroy: {} {}", answer.status, answer.text),
    )
}

/// Runs the probe of that name.
pub(super) async fn run(name: &str, off: &[Control]) -> Option<Verdict> {
    Some(match name {
        "overgranted_token" => overgranted_token(off).await,
        "stronger_key" => stronger_key(off).await,
        _ => return None,
    })
}
