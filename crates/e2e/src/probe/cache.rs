//! Attacks on what was obtained before: used for another person, another chain of agents, another route, or after its
//! token was revoked (T20).

use bailiwick_domain::control::Control;
use http::StatusCode;
use serde_json::{Value, json};

use super::broker::{client, exchanging, exchanging_with};
use super::{Verdict, beaten};
use crate::connecting::{self, PASSWORD};
use crate::giver::Giver;
use crate::handing::{ALL, along, call, house};
use crate::honeypot::Honeypot;
use crate::oauth::claims;
use crate::{App, Mcp, Setup, Visitor, admin};

/// What the server was shown last.
fn last(pot: &Honeypot) -> Value {
    claims(&pot.shown().pop().expect("a credential"))
}

/// Calls a tool, after which the server must have been shown what was obtained for that very token.
async fn shown(client: &Mcp, (pot, tool): (&Honeypot, &str)) -> Result<Value, String> {
    let answer = client.call(tool, json!({})).await;
    assert!(answer.is_result(), "{} {}", answer.status, answer.text);
    let (wanted, got) = (claims(client.token.as_deref().unwrap()), last(pot));
    beaten(got["for"] == wanted["jti"], format!("obtained for {}, used for {}", got["for"], wanted["jti"]))?;
    Ok(got)
}

/// What was obtained for one token of a caller's is used for another.
pub async fn anothers_credential(off: &[Control]) -> Verdict {
    let (pot, giver) = (Honeypot::start().await, Giver::start().await);
    let world = exchanging(&pot, &giver).without(off).start();
    for scope in ["crm:read crm:write", "crm:read", "crm:read crm:write"] {
        let (client, _) = client(&world, scope).await;
        shown(&client, (&pot, "look")).await?;
    }
    Ok(())
}

/// Two people, one after the other and back, at one server.
pub async fn credential_of_another_person(off: &[Control]) -> Verdict {
    let (pot, giver) = (Honeypot::start().await, Giver::start().await);
    let world = Setup::config(exchanging_with(&pot, &giver)).without(off).start();
    let mut alice = Visitor::new(&world.base);
    alice.set_up(&world.setup_link(), "alice", PASSWORD).await;
    let order = json!({ "order": "add_user", "name": "bob", "password": PASSWORD });
    admin::order(world.data(), &order).await.expect("carried out");
    let mut bob = Visitor::new(&world.base);
    let page = bob.open(&world.url("/login")).await;
    bob.sign_in(&page, "bob", PASSWORD).await;
    let hers = connecting::client(&world, &alice, "crm").await;
    let his = connecting::client(&world, &bob, "crm").await;
    let subject = |client: &Mcp| claims(client.token.as_deref().unwrap())["sub"].clone();
    assert_ne!(subject(&hers), subject(&his));

    for client in [&hers, &his, &hers, &his] {
        let used = shown(client, (&pot, "look")).await?;
        beaten(used["sub"] == subject(client), format!("{} was served as {}", subject(client), used["sub"]))?;
    }
    assert_eq!(giver.count(), 2, "once for each");
    Ok(())
}

/// One person, through one agent and through two.
pub async fn credential_of_another_actor(off: &[Control]) -> Verdict {
    let (pot, giver) = (Honeypot::start().await, Giver::start().await);
    let agents = [("planner", "may_call = [\"writer\", \"notes\"]"), ("writer", "may_call = [\"notes\"]")];
    let shown = format!("discovery = {{ kind = \"none\" }}\ncredential = {}", credential(&giver, "notes:use"));
    let world = house(&pot, &shown, &agents).without(off).start();
    let mut held = Vec::new();
    for chain in [&["planner"][..], &["writer"][..], &["planner", "writer"][..]] {
        held.push(along(&world, chain, ALL).await.pop().unwrap());
    }

    for tokens in held.iter().chain(held.iter().rev()) {
        let answer = call(&world, &tokens.access, "look").await;
        assert!(answer.is_result(), "{} {}", answer.status, answer.text);
        let (wanted, used) = (tokens.claims(), last(&pot));
        beaten(
            used["act"] == wanted["act"] && used["for"] == wanted["jti"],
            format!("through {} it was shown what was obtained through {}", wanted["act"], used["act"]),
        )?;
    }
    Ok(())
}

/// After its token was revoked: the token is refused, and the next one is exchanged anew.
pub async fn credential_of_a_revoked_token(off: &[Control]) -> Verdict {
    let (pot, giver) = (Honeypot::start().await, Giver::start().await);
    let world = exchanging(&pot, &giver).without(off).start();
    let app = App::register_for(&world.base, &world.url("/mcp/crm")).await;
    let first = app.tokens("crm:read").await.access;
    let client = |token: &str| Mcp::new(&world.url("/mcp/crm"), Some(token));
    for _ in 0..2 {
        shown(&client(&first), (&pot, "look")).await?;
    }
    assert_eq!(giver.count(), 1, "what was obtained is kept");
    let calls = pot.calls();

    assert!(app.revoke(&first).await.is_success());
    let late = client(&first).call("look", json!({})).await;
    beaten(late.status == StatusCode::UNAUTHORIZED && pot.calls() == calls, format!("answered {}", late.status))?;
    let second = app.tokens("crm:read").await.access;
    shown(&client(&second), (&pot, "look")).await?;

    beaten(giver.count() == 2, format!("it was exchanged {} times", giver.count()))
}

/// `{ kind = "exchange", … }` at that authorization server, always for the same audience.
pub(super) fn credential(giver: &Giver, scope: &str) -> String {
    format!(
        "{{ kind = \"exchange\", token_url = \"{}\", audience = \"https://crm.example\", scopes = [\"{scope}\"] }}",
        giver.token_url
    )
}

/// Two tools of one server, and another server: one audience, one caller's token, scopes of their own. In every order.
pub async fn credential_of_another_route(off: &[Control]) -> Verdict {
    let (pot, giver) = (Honeypot::start().await, Giver::start().await);
    let server = |name: &str, scope: &str| {
        let (url, shown) = (&pot.url, credential(&giver, scope));
        format!("[server.{name}]\nupstream = \"{url}\"\ndiscovery = {{ kind = \"none\" }}\ncredential = {shown}\n")
    };
    let change = format!("[server.crm.tool.change]\ncredential = {}\n", credential(&giver, "crm.write"));
    let config = [server("crm", "crm.read"), change, server("desk", "desk.read")].concat();
    let setup = Setup::config(config).approving("alice").without(off);
    let (look, change, desk) =
        (("crm", "look", "crm.read"), ("crm", "change", "crm.write"), ("desk", "look", "desk.read"));
    for order in [[look, change, desk], [desk, change, look], [change, look, desk]] {
        let world = setup.clone().start();
        let client = async |server: &str| {
            let resource = world.url(&format!("/mcp/{server}"));
            let scope = format!("{server}:read {server}:write");
            let token = App::register_for(&world.base, &resource).await.tokens(&scope).await.access;
            Mcp::new(&resource, Some(&token))
        };
        let (crm, at_desk) = (client("crm").await, client("desk").await);
        for (server, tool, scope) in order.into_iter().chain(order) {
            let client = if server == "crm" { &crm } else { &at_desk };
            let used = shown(client, (&pot, tool)).await?;
            beaten(used["scope"] == scope, format!("{server} {tool} was shown a token for {}", used["scope"]))?;
        }
    }
    assert_eq!(giver.count(), 9, "each was kept by itself");
    Ok(())
}

/// Runs the probe of that name.
pub(super) async fn run(name: &str, off: &[Control]) -> Option<Verdict> {
    Some(match name {
        "anothers_credential" => anothers_credential(off).await,
        "credential_of_another_person" => credential_of_another_person(off).await,
        "credential_of_another_actor" => credential_of_another_actor(off).await,
        "credential_of_a_revoked_token" => credential_of_a_revoked_token(off).await,
        _ => return None,
    })
}
