//! Exchanges per second at each depth of a chain, beside `client_credentials`: both durable, both with an audit row.

use bailiwick_e2e::agents::{self, Agent};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::{App, Setup, World};
use futures_util::future::join_all;

use crate::{AT_ONCE, measure};

/// Agents in a row; the last one may call the server.
const LINE: [&str; 4] = ["one", "two", "three", "four"];
const SCOPE: &str = "notes:read";

fn house(upstream: &Honeypot) -> World {
    let mut config = format!(
        "[server.notes]\nupstream = \"{}\"\n[client.load]\ngrant_types = [\"client_credentials\"]\nclient_secret = {{ env = \"{}\" }}\nscope = \"{SCOPE}\"\n",
        upstream.url,
        agents::variable("load"),
    );
    for (place, name) in LINE.iter().enumerate() {
        let next = LINE.get(place + 1).unwrap_or(&"notes");
        config.push_str(&agents::section(name, &format!("may_call = [\"{next}\"]")));
    }
    let named = LINE.into_iter().chain(["load"]);
    let setup =
        named.fold(Setup::config(config), |setup, name| setup.env(&agents::variable(name), &agents::secret(name)));
    setup.approving("alice").start()
}

/// Measures `count` tokens of each kind.
pub(crate) async fn exchange(count: usize) {
    let upstream = Honeypot::start().await;
    let world = house(&upstream);
    let machine = Agent::new(&world.base, "load");
    let resource = world.url("/mcp/notes");
    let own = [("grant_type", "client_credentials"), ("scope", SCOPE), ("resource", resource.as_str())];
    let app = App::register_for(&world.base, &world.url("/agent/one")).await;
    let fronts = join_all((0..AT_ONCE).map(|_| app.tokens(SCOPE))).await;
    let mut held: Vec<String> = fronts.into_iter().map(|tokens| tokens.access).collect();
    for (place, name) in LINE.iter().enumerate() {
        measure("client_credentials", count, |_| async {
            machine.token(&own).await.expect("a token");
        })
        .await;
        let agent = Agent::new(&world.base, name);
        let next = LINE.get(place + 1).copied().unwrap_or("notes");
        measure(&format!("exchange at depth {}", place + 1), count, |n| {
            let (agent, token) = (agent.clone(), held[n % AT_ONCE].clone());
            async move {
                agent.exchange(&token, next).await.expect("a token");
            }
        })
        .await;
        held = join_all(held.iter().map(|token| agent.exchange(token, next)))
            .await
            .into_iter()
            .map(|tokens| tokens.expect("a token").access)
            .collect();
    }
}
