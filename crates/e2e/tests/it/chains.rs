//! Chained requests: a user, an orchestrator, a researcher, a server.

use bailiwick_e2e::agents::{self, Agent};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::{App, Mcp, Setup, Tokens, World};
use serde_json::json;

use crate::reload::{until, write};

fn house(upstream: &Honeypot, orchestrator: &str, researcher: &str) -> Setup {
    let config = format!(
        "[server.notes]\nupstream = \"{}\"\n{}{}",
        upstream.url,
        agents::section("orchestrator", orchestrator),
        agents::section("researcher", researcher)
    );
    ["orchestrator", "researcher"]
        .into_iter()
        .fold(Setup::config(config), |setup, name| setup.env(&agents::variable(name), &agents::secret(name)))
}

async fn handed_to_the_orchestrator(world: &World) -> (App, Tokens) {
    let app = App::register_for(&world.base, &world.url("/agent/orchestrator")).await;
    let tokens = app.tokens("notes:read notes:write").await;
    (app, tokens)
}

const RESEARCH: (&str, &str) = ("may_call = [\"researcher\", \"notes\"]", "may_call = [\"notes\"]");

#[tokio::test]
async fn each_hop_is_a_token_of_its_own_and_revoking_the_root_ends_all() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, RESEARCH.0, RESEARCH.1).approving("alice").start();
    let (app, front) = handed_to_the_orchestrator(&world).await;
    let orchestrator = Agent::new(&world.base, "orchestrator");
    let researcher = Agent::new(&world.base, "researcher");

    let second = orchestrator.exchange_with(&front.access, "researcher", &[("scope", "notes:read")]).await.unwrap();
    let third = researcher.exchange(&second.access, "notes").await.unwrap();

    assert_eq!(third.body["issued_token_type"], agents::ACCESS_TOKEN);
    let claims = third.claims();
    assert_eq!(
        (claims["scope"].as_str(), claims["aud"].as_str()),
        (Some("notes:read"), Some(world.url("/mcp/notes").as_str()))
    );
    let first = json!({ "iss": world.base, "sub": "agent:orchestrator", "sub_profile": "ai_agent" });
    let act = json!({ "iss": world.base, "sub": "agent:researcher", "sub_profile": "ai_agent", "act": first });
    assert_eq!(claims["act"], act);
    let mut client = Mcp::new(&world.url("/mcp/notes"), Some(&third.access));
    client.begin().await;
    assert!(client.call("look", json!({})).await.is_result());

    app.revoke(front.refresh.as_deref().unwrap()).await;

    assert_eq!(client.call("look", json!({})).await.status, 401);
    let refused = researcher.exchange(&second.access, "notes").await.unwrap_err();
    assert_eq!(refused["error"], "invalid_grant");
}

#[tokio::test]
async fn an_edge_taken_out_of_the_file_ends_what_went_over_it() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, RESEARCH.0, RESEARCH.1).approving("alice").start();
    let (_app, front) = handed_to_the_orchestrator(&world).await;
    let token = Agent::new(&world.base, "orchestrator").exchange(&front.access, "notes").await.unwrap().access;
    let mut client = Mcp::new(&world.url("/mcp/notes"), Some(&token));
    client.begin().await;
    assert!(client.call("look", json!({})).await.is_result());
    let client = client;

    let file = std::fs::read_to_string(world.data().join("bailiwick.toml")).unwrap();
    write(&world, &file.replace("\"researcher\", \"notes\"", "\"researcher\""));

    until("the call over the edge that is gone is refused", async || {
        client.call("look", json!({})).await.rule() == Some("edge:orchestrator->notes")
    })
    .await;
}

#[tokio::test]
async fn a_server_behind_goes_further_with_the_token_it_was_shown() {
    let upstream = Honeypot::start().await;
    let ledger = "[api.ledger]\nresource = \"http://localhost:4003\"\nscopes = { \"ledger:read\" = { says = \"Read the books\" } }\n";
    let inside = format!("resource = \"{}\"\nmay_call = [\"ledger\"]", upstream.url);
    let config = format!(
        "[server.notes]\nupstream = \"{}\"\n{}{}{ledger}",
        upstream.url,
        agents::section("orchestrator", "may_call = [\"notes\"]"),
        agents::section("notes-mcp", &inside),
    );
    let world = ["orchestrator", "notes-mcp"]
        .into_iter()
        .fold(Setup::config(config), |setup, name| setup.env(&agents::variable(name), &agents::secret(name)))
        .approving("alice")
        .start();
    let app = App::register_for(&world.base, &world.url("/agent/orchestrator")).await;
    let front = app.tokens("notes:read ledger:read").await;
    let token = Agent::new(&world.base, "orchestrator").exchange(&front.access, "notes").await.unwrap();
    let mut client = Mcp::new(&world.url("/mcp/notes"), Some(&token.access));
    client.begin().await;
    assert!(client.call("look", json!({})).await.is_result());
    let headers = upstream.headers();
    let (_, shown) = headers.iter().rfind(|(name, _)| name == "authorization").expect("a token of ours");
    let shown = shown.strip_prefix("Bearer ").unwrap();

    let server = Agent::new(&world.base, "notes-mcp");
    let last = server.exchange(shown, "ledger").await.unwrap();

    let claims = last.claims();
    assert_eq!(
        (claims["aud"].as_str(), claims["scope"].as_str()),
        (Some("http://localhost:4003"), Some("ledger:read"))
    );
    assert_eq!(claims["act"]["sub"], "agent:notes-mcp");
    assert_eq!(claims["act"]["act"]["sub"], "agent:orchestrator");
    assert_eq!(server.exchange(&token.access, "ledger").await.unwrap_err()["error"], "invalid_grant");

    app.revoke(front.refresh.as_deref().unwrap()).await;
    assert_eq!(server.exchange(shown, "ledger").await.unwrap_err()["error"], "invalid_grant");
}
