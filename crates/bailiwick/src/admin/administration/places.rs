//! Where everything stands: names of agents, servers and APIs, and the audiences they stand for.

use std::collections::BTreeMap;

use bailiwick_domain::chain::{Map, server_name, steps};
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

    /// Every way in which tokens name the step from an agent to a target; see [`Map::steps`].
    pub(super) fn edge(&self, from: &str, to: &str) -> Vec<String> {
        let agents = self.agents.iter().map(|(name, place)| (name.as_str(), place.behind.as_deref()));
        steps((from, to), agents, |name| self.targets.get(name))
    }
}
