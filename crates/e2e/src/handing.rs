//! A house whose agents hand on to each other, in front of one server called `notes`.

use serde_json::json;

use crate::agents::{self, Agent};
use crate::forge::Forger;
use crate::honeypot::Honeypot;
use crate::world::Ended;
use crate::{Answer, App, Mcp, Setup, Tokens, World};

/// Everything Alice can give.
pub const ALL: &str = "notes:read notes:write";

/// `[server.notes]` with `notes` as what else it says, before the agents: the name of each, and what else its section
/// says. Everything is approved for Alice.
pub fn house(upstream: &Honeypot, notes: &str, agents: &[(&str, &str)]) -> Setup {
    house_with(upstream, notes, agents, "")
}

/// The same with further sections.
pub fn house_with(upstream: &Honeypot, notes: &str, agents: &[(&str, &str)], more: &str) -> Setup {
    configured(&file(upstream, notes, agents, more), agents)
}

/// What the configuration file of such a house says.
pub fn file(upstream: &Honeypot, notes: &str, agents: &[(&str, &str)], more: &str) -> String {
    let sections: String = agents.iter().map(|(name, rest)| agents::section(name, rest)).collect();
    format!("[server.notes]\nupstream = \"{}\"\n{notes}\n{sections}{more}", upstream.url)
}

/// A house with that file, which knows the secrets of these agents.
pub fn configured(file: &str, agents: &[(&str, &str)]) -> Setup {
    let setup = Setup::config(file).approving("alice");
    agents.iter().fold(setup, |setup, (name, _)| setup.env(&agents::variable(name), &agents::secret(name)))
}

/// What Alice's app holds for the agent of that name.
pub async fn handed_to(world: &World, agent: &str, scope: &str) -> (App, Tokens) {
    let app = App::register_for(&world.base, &world.url(&format!("/agent/{agent}"))).await;
    let tokens = app.tokens(scope).await;
    (app, tokens)
}

/// A house whose signing key was stolen: what it left behind, and the thief.
pub async fn robbed(setup: &Setup) -> (Ended, Forger) {
    let ended = setup.clone().start().stop();
    let thief = Forger::steal(&ended).await;
    (ended, thief)
}

/// A tool of `notes`, called with that token.
pub async fn call(world: &World, token: &str, tool: &str) -> Answer {
    let mut client = Mcp::new(&world.url("/mcp/notes"), Some(token));
    let begun = client.begin().await;
    if !begun.status.is_success() {
        return begun;
    }
    client.call(tool, json!({})).await
}

/// Alice's token for the first agent, taken along all of them to `notes`; the token of each hop, the first one first.
pub async fn along(world: &World, agents: &[&str], scope: &str) -> Vec<Tokens> {
    let (_app, front) = handed_to(world, agents[0], scope).await;
    let mut held = vec![front];
    for (place, name) in agents.iter().enumerate() {
        let to = agents.get(place + 1).copied().unwrap_or("notes");
        let from = held.last().unwrap().access.clone();
        held.push(Agent::new(&world.base, name).exchange(&from, to).await.unwrap());
    }
    held
}
