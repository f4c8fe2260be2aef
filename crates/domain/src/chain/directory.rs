//! The directory: which agents and APIs there are, who hands to whom, and how far an authority can reach along the way.

use std::collections::{BTreeMap, BTreeSet};

use super::{Agent, Assurance, MOST_HOPS};
use crate::ids::ClientId;
use crate::policy::{Catalogue, Holder, Server, Stage, Tool, ceiling};
use crate::scope::ScopeSet;
use crate::uri::Resource;

/// What stands between the name of a server and of its tool where several servers are shown as one.
const SLASH: char = '/';

/// What the operator says of chains; the servers behind the gateway are in the [`Catalogue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Directory {
    /// The agents.
    pub agents: Vec<Agent>,
    /// Protected resources elsewhere, which verify our tokens themselves. They have no tools.
    pub apis: Vec<Server>,
    /// Apps at the front door, each with the agents it may hand its user to.
    pub doors: BTreeMap<ClientId, BTreeSet<String>>,
    /// The weakest proof of identity that servers and APIs accept of anybody in a chain, by their names.
    pub floors: BTreeMap<String, Assurance>,
    /// A digest of everything in the configuration that decides: which policy it was.
    pub epoch: String,
}

/// Whom a token is for.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// An agent, which may hand it on.
    Agent(&'a Agent),
    /// An MCP server behind the gateway.
    Server(&'a Server),
    /// An API elsewhere.
    Api(&'a Server),
}

/// The directory beside the catalogue: everything there is.
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    /// Agents and APIs.
    pub directory: &'a Directory,
    /// Servers and tools.
    pub catalogue: &'a Catalogue,
}

impl Directory {
    /// The agent of that name.
    pub fn agent(&self, name: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.name.as_str() == name)
    }

    /// The agent that is that client.
    pub fn agent_of_client(&self, client: &ClientId) -> Option<&Agent> {
        self.agent(client.as_str())
    }

    /// The agent whose tokens carry that audience.
    pub fn agent_at(&self, resource: &Resource) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.resource.is(resource.as_str()))
    }
}

impl<'a> Target<'a> {
    /// Its name; the unnamed server is `mcp`.
    pub fn name(&self) -> &'a str {
        match *self {
            Self::Agent(agent) => agent.name.as_str(),
            Self::Server(server) | Self::Api(server) => server_name(server),
        }
    }

    /// The audience of its tokens.
    pub fn resource(&self) -> &'a Resource {
        match *self {
            Self::Agent(agent) => &agent.resource,
            Self::Server(server) | Self::Api(server) => &server.resource,
        }
    }
}

/// The name by which edges mean a server; the unnamed one is `mcp`.
pub fn server_name(server: &Server) -> &str {
    server.name.as_ref().map_or("mcp", |name| name.as_str())
}

/// Places, each with the scopes that lead to it.
type Ways<'a> = Vec<(&'a Server, ScopeSet)>;

fn add<'a>(ways: &mut Ways<'a>, server: &'a Server, scopes: &ScopeSet) {
    match ways.iter_mut().find(|(known, _)| known.resource == server.resource) {
        Some((_, all)) => *all = all.join(scopes),
        None if scopes.is_empty() => {}
        None => ways.push((server, scopes.clone())),
    }
}

/// A walk along every edge. Agents who all call each other are met on very many ways: each is entered once for what is
/// left of the way and what may pass.
#[derive(Default)]
struct Walk<'a> {
    ways: Ways<'a>,
    entered: BTreeMap<(&'a str, usize), Vec<Option<ScopeSet>>>,
}

impl<'a> Walk<'a> {
    /// False where the same agent was entered with as much before.
    fn enters(&mut self, agent: &'a Agent, most: Option<&ScopeSet>, left: usize) -> bool {
        let before = self.entered.entry((agent.name.as_str(), left)).or_default();
        let covered = before.iter().any(|known| match (known, most) {
            (None, _) => true,
            (Some(known), Some(most)) => most.within(known),
            (Some(_), None) => false,
        });
        if !covered {
            before.push(most.cloned());
        }
        !covered
    }
}

/// What of `all` is within a bound, where there is one.
fn bounded(most: Option<&ScopeSet>, all: &ScopeSet) -> ScopeSet {
    most.map_or_else(|| all.clone(), |most| most.meet(all))
}

/// The bound that two bounds make.
fn both(one: Option<&ScopeSet>, other: Option<&ScopeSet>) -> Option<ScopeSet> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.meet(other)),
        (one, other) => one.or(other).cloned(),
    }
}

impl<'a> Map<'a> {
    /// The target of that name.
    pub fn named(&self, name: &str) -> Option<Target<'a>> {
        let agent = self.directory.agent(name).map(Target::Agent);
        let server = || self.catalogue.servers.iter().find(|server| server_name(server) == name).map(Target::Server);
        let api = || self.directory.apis.iter().find(|api| server_name(api) == name).map(Target::Api);
        agent.or_else(server).or_else(api)
    }

    /// The target whose tokens carry that audience.
    pub fn at(&self, resource: &Resource) -> Option<Target<'a>> {
        let agent = self.directory.agent_at(resource).map(Target::Agent);
        let server = || self.catalogue.by_resource(resource).map(Target::Server);
        let api = || self.directory.apis.iter().find(|api| api.resource.is(resource.as_str())).map(Target::Api);
        agent.or_else(server).or_else(api)
    }

    /// What a token for `target` may say: what the target serves itself, and what it may ask further along. A scope
    /// beyond that means nothing there and is not handed over (RFC 8693 §2.1).
    pub fn reach(&self, target: Target<'a>) -> ScopeSet {
        self.ways(target).iter().fold(ScopeSet::default(), |all, (_, scopes)| all.join(scopes))
    }

    /// Every server and API whose scopes a token for `target` may say.
    pub fn served(&self, target: Target<'a>) -> Vec<&'a Server> {
        self.ways(target).into_iter().map(|(server, _)| server).collect()
    }

    /// What `holder` may hold of all that: at the target, where the target serves a scope itself, or else at a place the
    /// scope leads to. One place's list says nothing of another's.
    pub fn entitled(&self, stage: Stage, holder: &Holder, target: Target<'a>) -> ScopeSet {
        let (own, here) = match target {
            Target::Agent(_) => (ScopeSet::default(), ScopeSet::default()),
            Target::Server(server) | Target::Api(server) => (server.all_scopes(), ceiling(stage, holder, server)),
        };
        let ahead = self.ways(target).into_iter().filter(|(server, _)| server.resource != *target.resource());
        let there = ahead.map(|(server, scopes)| ceiling(stage, holder, server).meet(&scopes));
        here.join(&there.fold(ScopeSet::default(), |all, part| all.join(&part)).minus(&own))
    }

    /// Where the scopes of a token for `target` lead to in the end.
    fn ways(&self, target: Target<'a>) -> Ways<'a> {
        let mut walk = Walk::default();
        self.ways_from(target, None, MOST_HOPS + 1, &mut walk);
        walk.ways
    }

    /// Adds what leads on from `target`, within `most`.
    fn ways_from(&self, target: Target<'a>, most: Option<&ScopeSet>, hops: usize, walk: &mut Walk<'a>) {
        let Some(left) = hops.checked_sub(1) else { return };
        match target {
            Target::Agent(agent) => self.ways_of(agent, most, left, walk),
            Target::Api(api) => add(&mut walk.ways, api, &bounded(most, &api.all_scopes())),
            Target::Server(server) => {
                add(&mut walk.ways, server, &bounded(most, &server.all_scopes()));
                let name = server_name(server);
                let inside = self.directory.agents.iter().filter(|agent| agent.behind.as_deref() == Some(name));
                inside.for_each(|agent| self.ways_of(agent, most, left, walk));
            }
        }
    }

    fn ways_of(&self, agent: &'a Agent, most: Option<&ScopeSet>, left: usize, walk: &mut Walk<'a>) {
        let most = both(most, agent.scopes.as_ref());
        if !walk.enters(agent, most.as_ref(), left) {
            return;
        }
        for edge in &agent.edges {
            if let Some(next) = self.named(&edge.to) {
                self.ways_from(next, both(most.as_ref(), edge.scopes.as_ref()).as_ref(), left, walk);
            }
        }
    }

    /// A target as one thing a person can consent to: for an agent, everything it may reach for them, each tool under
    /// the name of its server.
    pub fn place(&self, target: Target<'a>) -> Server {
        let Target::Agent(agent) = target else { return self.with_beyond(target) };
        let empty =
            Server::new(Some(agent.name.clone()), agent.title.clone(), agent.resource.clone(), Some(Vec::new()));
        self.with_served(Server { reachable: true, ..empty }, target, true)
    }

    fn with_beyond(&self, target: Target<'a>) -> Server {
        match target {
            Target::Server(server) | Target::Api(server) => self.with_served(server.clone(), target, false),
            Target::Agent(agent) => {
                Server::new(Some(agent.name.clone()), agent.title.clone(), agent.resource.clone(), Some(Vec::new()))
            }
        }
    }

    /// Adds the scopes (and, where several servers are shown as one, the tools) that lie beyond.
    fn with_served(&self, mut place: Server, target: Target<'a>, tools: bool) -> Server {
        for (server, scopes) in self.ways(target) {
            for group in server.groups.iter().filter(|group| scopes.contains(&group.scope)) {
                if place.group(&group.scope).is_none() {
                    place.groups.push(group.clone());
                    let allow = server.allow.get(&group.scope).map(|named| (group.scope.clone(), named.clone()));
                    place.allow.extend(allow);
                }
            }
            if tools {
                place.tools.extend(
                    server.tools.iter().map(|tool| Tool {
                        name: format!("{}{SLASH}{}", server_name(server), tool.name),
                        ..tool.clone()
                    }),
                );
            }
        }
        place
    }

    /// The server and tool that a name on the page of [`Self::place`] means.
    pub fn tool<'t>(&self, shown: &'t str) -> Option<(&'a Server, &'t str)> {
        let (server, tool) = shown.split_once(SLASH)?;
        let server = self.catalogue.servers.iter().find(|known| server_name(known) == server)?;
        Some((server, tool))
    }
}
