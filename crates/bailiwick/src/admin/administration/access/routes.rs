//! The ways from a grant to a server: straight, or through agents along their edges.

use std::collections::HashMap;

use bailiwick_domain::chain::{
    Actor, Agent, Assurance, Chain, MOST_HOPS, Map, Passage, Target, door_subject, narrow, server_name,
};
use bailiwick_domain::client::{AuthMethod, Client};
use bailiwick_domain::grant::Approval;
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::policy::{Holder, Server};
use bailiwick_domain::scope::ScopeSet;

/// How apps prove who they are.
pub(super) struct Apps(HashMap<ClientId, Assurance>);

impl Apps {
    pub(super) fn of(clients: impl Iterator<Item = Client>) -> Self {
        let assurance = |client: &Client| {
            if client.auth == AuthMethod::None { Assurance::None } else { Assurance::ClientSecret }
        };
        Self(clients.map(|client| (client.id.clone(), assurance(&client))).collect())
    }
}

/// One way: who acts on it, first actor first. With nobody, the app calls by itself.
#[derive(Clone, Default)]
pub(super) struct Route {
    /// Each one's `sub`.
    actors: Vec<String>,
    /// The weakest proof of identity among them.
    weakest: Option<Assurance>,
}

/// Every way from a grant to that server that has so few actors as a chain may have.
pub(super) fn of(map: Map<'_>, approval: &Approval, server: &Server, apps: &Apps) -> Vec<Route> {
    let mut routes = Vec::new();
    if approval.resource == server.resource {
        routes.push(Route::default());
    }
    // Whoever a token is for acts next.
    for agent in map.at(&approval.resource).map(|target| agents_at(map, target)).unwrap_or_default() {
        Route::default().go_on(map, agent, server, &mut routes);
    }
    let handed_to = map.directory.doors.get(&approval.client).into_iter().flatten();
    for agent in handed_to.filter_map(|name| map.directory.agent(name)) {
        let assurance = apps.0.get(&approval.client).copied().unwrap_or_default();
        let door = Route { actors: vec![door_subject(&approval.client)], weakest: Some(assurance) };
        door.go_on(map, agent, server, &mut routes);
    }
    routes
}

impl Route {
    /// Goes on through an agent, and from there along each of its edges.
    fn go_on<'a>(&self, map: Map<'a>, agent: &'a Agent, server: &Server, routes: &mut Vec<Self>) {
        if self.actors.len() >= MOST_HOPS {
            return;
        }
        let mut next = self.clone();
        next.actors.push(agent.subject());
        next.weakest = Some(self.weakest.map_or(agent.assurance, |weakest| weakest.min(agent.assurance)));
        for edge in &agent.edges {
            if edge.to == server_name(server) {
                routes.push(next.clone());
            }
            for beyond in map.named(&edge.to).map(|target| agents_at(map, target)).unwrap_or_default() {
                // Round and round leads nowhere that was not reached before.
                if !next.actors.contains(&beyond.subject()) {
                    next.go_on(map, beyond, server, routes);
                }
            }
        }
    }

    /// What flows to the server on this way; `None` where somebody on it has no leave.
    pub(super) fn passes(&self, map: Map<'_>, holder: &Holder, server: &Server) -> Option<ScopeSet> {
        let mut chain = Chain::default();
        for sub in &self.actors {
            let actor = Actor { iss: String::new(), sub: sub.clone(), sub_profile: None, act: None };
            chain = chain.wrap(actor).ok()?;
        }
        let target = Target::Server(server);
        narrow(map, &Passage { holder, chain: &chain, weakest: self.weakest, job: None, target }).ok()
    }

    /// The way as people read it, from the app on.
    pub(super) fn shown(&self, app: &str) -> String {
        let agents = self.actors.iter().filter_map(|sub| sub.strip_prefix("agent:"));
        std::iter::once(app).chain(agents).collect::<Vec<_>>().join(" > ")
    }
}

/// The agents that a token for a target is for: the agent itself, or the one that stands behind the gateway there.
fn agents_at<'a>(map: Map<'a>, target: Target<'a>) -> Vec<&'a Agent> {
    match target {
        Target::Agent(agent) => vec![agent],
        Target::Server(server) | Target::Api(server) => {
            let name = server_name(server);
            map.directory.agents.iter().filter(|agent| agent.behind.as_deref() == Some(name)).collect()
        }
    }
}
