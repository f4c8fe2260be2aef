//! Where everything stands: names of agents, servers and APIs, and the audiences they stand for.

use std::collections::BTreeMap;

use bailiwick_domain::chain::{Map, agent_subject, edge_id, server_name};
use bailiwick_domain::uri::Resource;

use crate::config::InForce;

/// An agent.
pub(super) struct AgentPlace {
    /// What people call it.
    pub(super) title: String,
    /// What it may call.
    pub(super) may_call: Vec<String>,
    /// The server behind the gateway that it is.
    behind: Option<String>,
}

/// Names, and the audiences they stand for.
#[derive(Default)]
pub(super) struct Places {
    /// The agents.
    pub(super) agents: BTreeMap<String, AgentPlace>,
    /// Everything that tokens can be for; agents included.
    pub(super) targets: BTreeMap<String, Resource>,
}

impl Places {
    /// As the running process knows it.
    pub(super) fn running(map: Map<'_>) -> Self {
        let mut places = Self::default();
        for agent in &map.directory.agents {
            let may_call = agent.edges.iter().map(|edge| edge.to.clone()).collect();
            let name = agent.name.as_str().to_owned();
            places.targets.insert(name.clone(), agent.resource.clone());
            let place = AgentPlace { title: agent.title.clone(), may_call, behind: agent.behind.clone() };
            places.agents.insert(name, place);
        }
        let servers = map.catalogue.servers.iter().chain(&map.directory.apis);
        places.targets.extend(servers.map(|server| (server_name(server).to_owned(), server.resource.clone())));
        places
    }

    /// As the configuration says.
    pub(super) fn written(file: &InForce, public_url: Option<&str>) -> Self {
        let at = |path: String| public_url.map(|url| format!("{}{path}", url.trim_end_matches('/')));
        let mut places = Self::default();
        for name in file.names("server") {
            let resource = at(format!("/mcp/{name}"));
            places.targets.extend(resource.map(|url| (name.clone(), Resource::from_stored(url))));
        }
        for name in file.names("api") {
            let resource = file.text("api", &name, "resource");
            places.targets.extend(resource.map(|url| (name.clone(), Resource::from_stored(url))));
        }
        for name in file.names("agent") {
            let text = |field: &str| file.text("agent", &name, field);
            let own = text("resource");
            let is_it = |server: &String| own.is_some() && file.text("server", server, "upstream") == own;
            let place = AgentPlace {
                title: text("title").unwrap_or_else(|| name.clone()),
                may_call: file.list("agent", &name, "may_call"),
                behind: file.names("server").into_iter().find(is_it),
            };
            let resource = own.or_else(|| at(format!("/agent/{name}")));
            places.targets.extend(resource.map(|url| (name.clone(), Resource::from_stored(url))));
            places.agents.insert(name, place);
        }
        places
    }

    /// The ways in which tokens name the step from an agent to a target: past an agent, and on the way to whatever it
    /// is. An agent that is a server behind the gateway is called by the server's name as well.
    pub(super) fn edge(&self, from: &str, to: &str) -> Vec<String> {
        let from = agent_subject(from);
        let is_it = |place: &AgentPlace, name: &str| name == to || place.behind.as_deref() == Some(to);
        let agents = self.agents.iter().filter(|(name, place)| is_it(place, name));
        let agents: Vec<_> = agents.map(|(name, _)| edge_id(&from, &agent_subject(name))).collect();
        let server = self.agents.get(to).and_then(|place| place.behind.as_deref());
        let called = [Some(to), server].into_iter().flatten().filter_map(|name| self.targets.get(name));
        agents.into_iter().chain(called.map(|resource| edge_id(&from, resource.as_str()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        let place = |behind: Option<&str>| AgentPlace {
            title: String::new(),
            may_call: Vec::new(),
            behind: behind.map(str::to_owned),
        };
        let at = |name: &str, url: &str| (name.to_owned(), Resource::from_stored(url));
        Places {
            agents: [("a", None), ("b", Some("notes"))].map(|(name, it)| (name.to_owned(), place(it))).into(),
            targets: [at("a", "https://a"), at("b", "https://b"), at("notes", "https://x/mcp/notes")].into(),
        }
    }

    #[test]
    fn every_way_to_name_a_step_is_cut() {
        assert_eq!(places().edge("b", "a"), ["agent:b->agent:a", "agent:b->https://a"]);
        assert_eq!(places().edge("a", "b"), ["agent:a->agent:b", "agent:a->https://b", "agent:a->https://x/mcp/notes"]);
        assert_eq!(places().edge("a", "notes"), ["agent:a->agent:b", "agent:a->https://x/mcp/notes"]);
        assert!(places().edge("a", "nothing").is_empty());
    }
}
