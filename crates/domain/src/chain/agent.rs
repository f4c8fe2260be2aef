//! Agents: parties that act for others, as the operator knows them. What an agent may do for somebody is what its edges
//! say, and nothing else.

use crate::chain::{Assurance, MOST_HOPS};
use crate::ids::ClientId;
use crate::policy::{Named, Person};
use crate::scope::ScopeSet;
use crate::uri::{Resource, ServerName};

/// What the `sub` of every agent begins with.
const AGENT: &str = "agent:";
/// What the `sub` of an app at the front door begins with.
const DOOR: &str = "client:";

/// The `sub` of the agent of that name.
pub fn agent_subject(name: &str) -> String {
    format!("{AGENT}{name}")
}

/// The name of the agent with that `sub`.
pub fn agent_name(subject: &str) -> Option<&str> {
    subject.strip_prefix(AGENT)
}

/// The `sub` of an app that hands its user to an agent.
pub fn door_subject(client: &ClientId) -> String {
    format!("{DOOR}{client}")
}

/// The `client_id` of the app with that `sub`.
pub fn door_client(subject: &str) -> Option<ClientId> {
    subject.strip_prefix(DOOR).and_then(ClientId::parse)
}

/// The id of the step from one actor to the next party: what a switch names and a token is looked up by. `to` is the
/// `sub` of an agent, or the audience of what is called.
pub fn edge_id(from: &str, to: &str) -> String {
    format!("{from}->{to}")
}

/// The ids of the steps of a chain: `actors` are everybody who acts, current actor first, `audience` is what is called.
/// The last step comes first.
pub fn edge_ids<'a>(actors: impl Iterator<Item = &'a str>, audience: &'a str) -> impl Iterator<Item = String> {
    actors.scan(audience, |to, from| {
        let step = edge_id(from, to);
        *to = from;
        Some(step)
    })
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its name, which is also its `client_id`.
    pub name: ServerName,
    /// What people call it.
    pub title: String,
    /// The audience of tokens that are handed to it.
    pub resource: Resource,
    /// The MCP server behind the gateway that it is: its audience is then that of the gateway's own tokens.
    pub behind: Option<String>,
    /// How it proves who it is.
    pub assurance: Assurance,
    /// The weakest proof it accepts of anybody who acted before it.
    pub floor: Assurance,
    /// Whom it may act for; nobody named means whoever may hold the scope anyway.
    pub acts_for: Option<Vec<Named>>,
    /// The most it may exercise for others; none means what its edges reach.
    pub scopes: Option<ScopeSet>,
    /// What it may hold on its own account.
    pub own: ScopeSet,
    /// The most actors in a token it obtains.
    pub max_depth: usize,
    /// Toward what it may act.
    pub edges: Vec<Edge>,
}

/// Leave for an agent to act toward one target (default is no leave).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The name of an agent, a server or an API.
    pub to: String,
    /// For whom; nobody named means whomever its agent acts for.
    pub acts_for: Option<Vec<Named>>,
    /// Only when one of these acted before: names of agents, or `client_id`s at the front door.
    pub after: Option<Vec<String>>,
    /// The most that passes; none means no bound of its own.
    pub scopes: Option<ScopeSet>,
    /// The most actors in a token obtained by it.
    pub max_depth: usize,
    /// True when the target may have acted before in the same chain.
    pub reentrant: bool,
}

impl Agent {
    /// Its `sub`, as an actor and on its own account.
    pub fn subject(&self) -> String {
        agent_subject(self.name.as_str())
    }

    /// True when it may act for that person at all.
    pub fn acts_for(&self, person: &Person) -> bool {
        means(self.acts_for.as_deref(), person)
    }
}

impl Edge {
    /// The plain edge to a target: no bound but its agent's own.
    pub fn to(target: impl Into<String>) -> Self {
        Self { to: target.into(), acts_for: None, after: None, scopes: None, max_depth: MOST_HOPS, reentrant: false }
    }

    /// True when it is there for that person.
    pub fn acts_for(&self, person: &Person) -> bool {
        means(self.acts_for.as_deref(), person)
    }
}

fn means(named: Option<&[Named]>, person: &Person) -> bool {
    named.is_none_or(|named| named.iter().any(|named| named.means(person)))
}
