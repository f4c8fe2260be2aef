//! Chains: which agents and APIs the file names, who hands to whom, and the digest of everything that decides.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_broker::Credential;
use bailiwick_domain::chain::{Agent, Assurance, Directory, server_name};
use bailiwick_domain::client::Client;
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::text;
use bailiwick_domain::uri::{Issuer, Resource, ServerName};
use bailiwick_gateway::ServerSettings;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AgentEntry, ApiEntry, Config, ConfigError};

/// How many letters of the digest are shown: enough to tell two configurations apart.
const EPOCH: usize = 12;
/// The name edges mean the unnamed server by.
const UNNAMED: &str = "mcp";

/// An assurance as it is written.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Floor {
    /// Anybody.
    None,
    /// A shared secret.
    ClientSecret,
    /// A platform's token.
    JwtSvid,
    /// A key of its own.
    PrivateKeyJwt,
}

impl Floor {
    /// The level.
    pub(crate) fn level(self) -> Assurance {
        match self {
            Self::None => Assurance::None,
            Self::ClientSecret => Assurance::ClientSecret,
            Self::JwtSvid => Assurance::JwtSvid,
            Self::PrivateKeyJwt => Assurance::PrivateKeyJwt,
        }
    }
}

/// Everything of a file that concerns chains. The directory is made of it as soon as the public URL is known.
#[derive(Clone, Debug)]
pub(crate) struct Chains {
    agents: BTreeMap<String, AgentEntry>,
    apis: BTreeMap<String, ApiEntry>,
    doors: BTreeMap<ClientId, BTreeSet<String>>,
    floors: BTreeMap<String, Assurance>,
    /// The servers by name, and the audience of what the gateway shows each.
    servers: BTreeMap<String, Option<String>>,
    /// What of the servers decides.
    policy: String,
}

impl Chains {
    /// Takes what concerns chains out of a configuration and its servers, and checks that every name leads somewhere.
    pub(crate) fn of(config: &Config, servers: &[ServerSettings]) -> Result<Self, ConfigError> {
        let chains = Self {
            agents: config.agent.clone(),
            apis: config.api.clone(),
            doors: doors(config)?,
            floors: floors(config),
            servers: servers.iter().map(|server| (called(server), reached(server))).collect(),
            policy: format!("{:?}", servers.iter().map(|s| (&s.name, &s.groups, &s.allow)).collect::<Vec<_>>()),
        };
        chains.names_lead_somewhere(config)?;
        // Whatever the public URL will be, everything else is checked now.
        let nowhere = Issuer::parse("http://localhost").map_err(|says| ConfigError::Value(says.to_owned()))?;
        chains.directory(&nowhere)?;
        Ok(chains)
    }

    /// The clients that agents authenticate as.
    pub(crate) fn clients(&self) -> Result<Vec<Client>, ConfigError> {
        self.agents.iter().map(|(name, entry)| entry.client(name)).collect()
    }

    /// The directory under that public URL.
    pub(crate) fn directory(&self, issuer: &Issuer) -> Result<Directory, ConfigError> {
        let behind = |resource: &Resource| {
            let here = |(_, reached): &(&String, &Option<String>)| {
                reached.as_ref().is_some_and(|audience| resource.is(audience))
            };
            self.servers.iter().find(here).map(|(name, _)| name.clone())
        };
        let agents = self.agents.iter().map(|(name, entry)| entry.agent(name, issuer, behind));
        let directory = Directory {
            agents: agents.map(|agent| Ok(self.as_shown(agent?))).collect::<Result<_, ConfigError>>()?,
            apis: self.apis.iter().map(|(name, entry)| entry.server(name)).collect::<Result<_, _>>()?,
            doors: self.doors.clone(),
            floors: self.floors.clone(),
            epoch: String::new(),
        };
        self.audiences_differ(&directory, issuer)?;
        let decides = format!("{directory:?}\n{}", self.policy);
        let epoch = text::encode(&text::sha256(decides.as_bytes())).chars().take(EPOCH).collect();
        Ok(Directory { epoch, ..directory })
    }

    /// An agent that is a server behind: what is handed to it says its audience as the gateway says it there, so that
    /// tokens are compared letter for letter.
    fn as_shown(&self, agent: Agent) -> Agent {
        let shown = agent.behind.as_ref().and_then(|name| self.servers.get(name)?.clone());
        match shown {
            Some(audience) => Agent { resource: Resource::from_stored(audience), ..agent },
            None => agent,
        }
    }

    /// Whoever shares an audience shares the tokens: two parties with one could each exchange what the other was handed.
    fn audiences_differ(&self, directory: &Directory, issuer: &Issuer) -> Result<(), ConfigError> {
        let servers = self.servers.keys().map(|name| {
            let known = ServerName::parse(name).filter(|_| name != UNNAMED);
            (format!("server.{name}"), issuer.resource(known.as_ref()))
        });
        let agents = directory.agents.iter().map(|agent| (format!("agent.{}", agent.name), agent.resource.clone()));
        let apis = directory.apis.iter().map(|api| (format!("api.{}", server_name(api)), api.resource.clone()));
        let mut taken: BTreeMap<Resource, String> = BTreeMap::new();
        for (label, resource) in servers.chain(agents).chain(apis) {
            let resource = Resource::parse(resource.as_str()).unwrap_or(resource);
            if let Some(other) = taken.get(&resource) {
                return Err(ConfigError::Value(format!(
                    "{label}: its resource is that of {other}; each needs its own"
                )));
            }
            taken.insert(resource, label);
        }
        Ok(())
    }

    fn names_lead_somewhere(&self, config: &Config) -> Result<(), ConfigError> {
        let wrong = |says: String| Err(ConfigError::Value(says));
        for name in self.agents.keys().chain(self.apis.keys()) {
            let times = usize::from(self.agents.contains_key(name))
                + usize::from(self.apis.contains_key(name))
                + usize::from(self.servers.contains_key(name));
            if times > 1 || (self.agents.contains_key(name) && config.client.contains_key(name)) {
                return wrong(format!(
                    "{name:?} names two things: agents, clients, servers and APIs need names of their own"
                ));
            }
        }
        for (name, entry) in &self.agents {
            if let Some(to) = entry.targets().find(|to| !self.knows(to)) {
                return wrong(format!("agent.{name}: {to:?} is no agent, server or API of this file"));
            }
        }
        for (client, agents) in &self.doors {
            if let Some(to) = agents.iter().find(|to| !self.agents.contains_key(*to)) {
                return wrong(format!("client.{client}.hands_to: {to:?} is no agent of this file"));
            }
        }
        Ok(())
    }

    fn knows(&self, name: &str) -> bool {
        self.agents.contains_key(name) || self.apis.contains_key(name) || self.servers.contains_key(name)
    }
}

/// The name edges mean a server by.
fn called(server: &ServerSettings) -> String {
    server.name.as_ref().map_or_else(|| UNNAMED.to_owned(), ToString::to_string)
}

/// The audience of what the gateway shows a server.
fn reached(server: &ServerSettings) -> Option<String> {
    let first = server.credential.0.first();
    first
        .and_then(|tier| if let Credential::SignedJwt(settings) = &tier.credential { Some(settings) } else { None })
        .map(|settings| settings.audience.clone())
}

fn doors(config: &Config) -> Result<BTreeMap<ClientId, BTreeSet<String>>, ConfigError> {
    let door = |(name, to): (&String, &Vec<String>)| {
        let id = ClientId::parse(name)
            .ok_or_else(|| ConfigError::Value(format!("client.{name}: not usable as a client_id")))?;
        Ok((id, to.iter().cloned().collect()))
    };
    let named = config.client.iter().map(|(name, entry)| (name, &entry.hands_to));
    named.filter(|(_, to)| !to.is_empty()).map(door).collect()
}

fn floors(config: &Config) -> BTreeMap<String, Assurance> {
    let servers = config.server.iter().map(|(name, entry)| (name, entry.assurance_floor));
    let apis = config.api.iter().map(|(name, entry)| (name, entry.assurance_floor));
    servers.chain(apis).filter_map(|(name, floor)| Some((name.clone(), floor?.level()))).collect()
}
