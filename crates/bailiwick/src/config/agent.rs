//! `[agent.NAME]`: a party that acts for others, and how far.

use bailiwick_domain::chain::{Agent, Assurance, Edge, MOST_HOPS};
use bailiwick_domain::client::{Client, ClientSource, GrantType};
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::policy::Named;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::{Issuer, Resource, ServerName};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AuthenticateEntry, ConfigError, Floor, Secret};

/// What the file says of one agent; its `client_id` is the name of the section.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentEntry {
    /// The name people see.
    title: Option<String>,
    /// The audience of tokens that are handed to it; by default `{public_url}/agent/NAME`. For an MCP server behind the
    /// gateway: its upstream URL.
    resource: Option<String>,
    /// How it proves who it is.
    authenticate: AuthenticateEntry,
    /// Whom it may act for (`user:`, `group:`, `domain:`); by default whoever may hold the scope.
    #[schemars(with = "Option<Vec<String>>")]
    acts_for: Option<Vec<Named>>,
    /// Agents, servers and APIs it may act toward.
    #[serde(default)]
    may_call: Vec<String>,
    /// The most it may exercise for others; by default what it can reach.
    scopes: Option<Vec<String>>,
    /// The most actors in a chain it acts in, itself included.
    max_depth: Option<usize>,
    /// The weakest authentication it accepts of anybody who acted before it.
    assurance_floor: Option<Floor>,
    /// What it may hold on its own account.
    #[serde(default)]
    own_scopes: Vec<String>,
    /// Leave toward a target, in detail.
    #[serde(default)]
    edge: Vec<EdgeEntry>,
}

/// `[[agent.NAME.edge]]`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdgeEntry {
    /// The agent, server or API it leads to.
    to: String,
    /// For whom.
    #[schemars(with = "Option<Vec<String>>")]
    acts_for: Option<Vec<Named>>,
    /// Only when one of these acted before: agents, or client ids at the front door.
    after: Option<Vec<String>>,
    /// The most that passes.
    scopes: Option<Vec<String>>,
    /// The most actors in a token obtained by it.
    max_depth: Option<usize>,
    /// True when the target may have acted before in the same chain.
    #[serde(default)]
    reentrant: bool,
}

impl AgentEntry {
    /// The client it authenticates as.
    pub(crate) fn client(&self, name: &str) -> Result<Client, ConfigError> {
        let label = format!("agent.{name}");
        let id = ClientId::parse(name).ok_or_else(|| wrong(&label, "not usable as a client_id"))?;
        let proof = self.authenticate.proof(&format!("{label}.authenticate"))?;
        let own = scopes(&label, "own_scopes", &self.own_scopes)?;
        let alone = (!own.is_empty()).then_some(GrantType::ClientCredentials);
        Ok(Client {
            id,
            name: self.title(name),
            source: ClientSource::Agent,
            redirect_uris: Vec::new(),
            grant_types: std::iter::once(GrantType::TokenExchange).chain(alone).collect(),
            auth: proof.auth,
            scope: Some(own),
            uri: None,
            secret: proof.secret,
            assertion: proof.assertion,
            issued_at: Timestamp::from_millis(0),
        })
    }

    /// The agent; `behind` is the server whose upstream it is.
    pub(crate) fn agent(
        &self,
        name: &str,
        issuer: &Issuer,
        behind: impl Fn(&Resource) -> Option<String>,
    ) -> Result<Agent, ConfigError> {
        let label = format!("agent.{name}");
        let known = ServerName::parse(name).ok_or_else(|| wrong(&label, "a name is made of a-z, 0-9 and -"))?;
        let resource = match &self.resource {
            Some(raw) => Resource::verbatim(raw).ok_or_else(|| wrong(&label, "resource: not an http or https URL"))?,
            None => Resource::from_stored(issuer.join(&format!("/agent/{name}"))),
        };
        let plain = self.may_call.iter().map(Edge::to).map(Ok);
        let edges = plain.chain(self.edge.iter().map(|edge| edge.edge(&label))).collect::<Result<_, _>>()?;
        Ok(Agent {
            behind: behind(&resource),
            resource,
            title: self.title(name),
            assurance: self.authenticate.assurance(),
            floor: self.assurance_floor.map_or(Assurance::None, Floor::level),
            acts_for: self.acts_for.clone(),
            scopes: self.scopes.as_ref().map(|list| scopes(&label, "scopes", list)).transpose()?,
            own: scopes(&label, "own_scopes", &self.own_scopes)?,
            max_depth: depth(&label, self.max_depth)?,
            edges,
            name: known,
        })
    }

    /// The secret it names.
    pub(super) fn secret(&mut self) -> Option<&mut Secret> {
        self.authenticate.client_secret.as_mut()
    }

    /// The names it may act toward.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &str> {
        self.may_call.iter().chain(self.edge.iter().map(|edge| &edge.to)).map(String::as_str)
    }

    fn title(&self, name: &str) -> String {
        self.title.clone().unwrap_or_else(|| name.to_owned())
    }
}

impl EdgeEntry {
    fn edge(&self, label: &str) -> Result<Edge, ConfigError> {
        let label = format!("{label}.edge to {}", self.to);
        Ok(Edge {
            acts_for: self.acts_for.clone(),
            after: self.after.clone(),
            scopes: self.scopes.as_ref().map(|list| scopes(&label, "scopes", list)).transpose()?,
            max_depth: depth(&label, self.max_depth)?,
            reentrant: self.reentrant,
            ..Edge::to(&self.to)
        })
    }
}

fn scopes(label: &str, field: &str, list: &[String]) -> Result<ScopeSet, ConfigError> {
    if list.is_empty() {
        return Ok(ScopeSet::default());
    }
    ScopeSet::parse(&list.join(" ")).ok_or_else(|| wrong(label, &format!("{field}: not a list of scopes")))
}

fn depth(label: &str, depth: Option<usize>) -> Result<usize, ConfigError> {
    match depth.unwrap_or(MOST_HOPS) {
        depth @ 1..=MOST_HOPS => Ok(depth),
        _ => Err(wrong(label, &format!("max_depth: from 1 to {MOST_HOPS}"))),
    }
}

fn wrong(label: &str, says: &str) -> ConfigError {
    ConfigError::Value(format!("{label}: {says}"))
}
