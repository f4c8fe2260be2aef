//! The tree of a grant as people read it: parties instead of tokens. Who was handed what by whom, what of it was lost on
//! the way, and what was called in the end.

use std::collections::BTreeMap;

use bailiwick_domain::chain::{Agent, Map, Target, agent_name, agent_subject, door_subject, edge_id};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::Resource;
use bailiwick_store::{Calls, Tree, Way};

/// One party below a grant, with everybody it turned to.
#[derive(Clone, Debug)]
pub struct Party {
    /// What it is.
    pub kind: PartyKind,
    /// What stands for it in tokens: the `sub` of an agent, the audience of a server; for the app, its `client_id`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it is reached, if it is.
    pub resource: Option<Resource>,
    /// How it stands.
    pub state: PartyState,
    /// What a stop of it names under this grant, itself first; nothing for the app.
    pub stop: Vec<String>,
    /// When it was stopped under this grant.
    pub stopped_at: Option<Timestamp>,
    /// With which scopes it was last reached; what the app was granted.
    pub scope: ScopeSet,
    /// Which of the scopes before it were not handed on.
    pub lost: ScopeSet,
    /// How many tokens led to it.
    pub tokens: u64,
    /// How many of them may be used.
    pub live: u64,
    /// When the last of them expires, or the grant.
    pub expires_at: Option<Timestamp>,
    /// What was called there.
    pub calls: Vec<Calls>,
    /// To whom it turned, by id.
    pub parties: BTreeMap<String, Party>,
}

/// What a party is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartyKind {
    /// The app somebody approved.
    App,
    /// An agent.
    Agent,
    /// An MCP server behind the gateway.
    Server,
    /// An API elsewhere, or a server that is no longer in the configuration.
    Api,
}

/// How a party stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartyState {
    /// It may act, or be called, right now.
    Live,
    /// Nothing that leads to it is live.
    Over,
    /// It is stopped under this grant.
    Stopped,
}

impl PartyKind {
    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Agent => "agent",
            Self::Server => "server",
            Self::Api => "API",
        }
    }
}

impl PartyState {
    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Over => "over",
            Self::Stopped => "stopped",
        }
    }
}

/// Makes the tree of parties; its root is the app.
pub fn grow(map: Map<'_>, tree: &Tree) -> Party {
    let approval = &tree.grant.approval;
    let mut app = Party::new(PartyKind::App, approval.client.as_str(), &approval.client_name);
    app.scope.clone_from(&approval.scope);
    app.expires_at = Some(approval.expires_at);
    // The app itself acts at the front door, or is the agent that the grant was given to.
    let itself = [door_subject(&approval.client), agent_subject(approval.client.as_str())];
    for way in &tree.ways {
        app.end_of(map, beyond(&way.path, &itself), &way.audience).reach(way);
    }
    for calls in &tree.calls {
        app.end_of(map, beyond(&calls.path, &itself), &calls.resource).calls.push(calls.clone());
    }
    app.settle(tree, None);
    app
}

/// The actors after the app.
fn beyond<'a>(path: &'a [String], itself: &[String; 2]) -> &'a [String] {
    match path.split_first() {
        Some((first, rest)) if itself.contains(first) => rest,
        Some(_) | None => path,
    }
}

impl Party {
    fn new(kind: PartyKind, id: &str, name: &str) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            name: name.to_owned(),
            resource: None,
            state: PartyState::Over,
            stop: Vec::new(),
            stopped_at: None,
            scope: ScopeSet::default(),
            lost: ScopeSet::default(),
            tokens: 0,
            live: 0,
            expires_at: None,
            calls: Vec::new(),
            parties: BTreeMap::new(),
        }
    }

    fn agent(agent: &Agent) -> Self {
        let party = Self::new(PartyKind::Agent, &agent.subject(), &agent.title);
        let stop = vec![party.id.clone(), agent.resource.as_str().to_owned()];
        Self { resource: Some(agent.resource.clone()), stop, ..party }
    }

    fn actor(map: Map<'_>, sub: &str) -> Self {
        let name = agent_name(sub).unwrap_or(sub);
        let unknown = || Self { stop: vec![sub.to_owned()], ..Self::new(PartyKind::Agent, sub, name) };
        map.directory.agent(name).map_or_else(unknown, Self::agent)
    }

    /// What `actor` calls there; the app itself where there is none.
    fn at(map: Map<'_>, actor: Option<&str>, resource: &Resource) -> Self {
        let party = |kind, name: &str| Self::new(kind, resource.as_str(), name);
        let party = match map.at(resource) {
            Some(Target::Agent(agent)) => return Self::agent(agent),
            Some(Target::Server(server)) => party(PartyKind::Server, &server.title),
            Some(Target::Api(api)) => party(PartyKind::Api, &api.title),
            None => party(PartyKind::Api, resource.as_str()),
        };
        // Whoever else calls the same may go on.
        let step = actor.map_or_else(|| resource.as_str().to_owned(), |actor| edge_id(actor, resource.as_str()));
        Self { resource: Some(resource.clone()), stop: vec![step], ..party }
    }

    /// The party at the end of a way.
    fn end_of(&mut self, map: Map<'_>, path: &[String], resource: &Resource) -> &mut Self {
        let last = path.iter().fold(self, |here, sub| here.child(Self::actor(map, sub)));
        last.child(Self::at(map, path.last().map(String::as_str), resource))
    }

    fn child(&mut self, party: Self) -> &mut Self {
        self.parties.entry(party.id.clone()).or_insert(party)
    }

    fn reach(&mut self, way: &Way) {
        self.tokens += way.tokens;
        self.live += way.live;
        self.scope.clone_from(&way.scope);
        self.expires_at = self.expires_at.max(Some(way.expires_at));
    }

    /// Says how everybody stands and what they lost; `before` is what the party before holds.
    fn settle(&mut self, tree: &Tree, before: Option<&ScopeSet>) {
        self.stopped_at = self.stop.iter().find_map(|name| tree.stopped.get(name)).copied();
        if let Some(before) = before.filter(|_| self.tokens > 0) {
            self.lost = before.minus(&self.scope);
        }
        let held = if self.scope.is_empty() { before.cloned().unwrap_or_default() } else { self.scope.clone() };
        self.parties.values_mut().for_each(|party| party.settle(tree, Some(&held)));
        // A server that goes further was shown a token that is not kept: it acts as long as what it obtained lives.
        let shown = self.tokens == 0 && self.parties.values().any(|party| party.state == PartyState::Live);
        let live = if before.is_some() { self.live > 0 || shown } else { tree.live };
        self.state = match self.stopped_at {
            Some(_) => PartyState::Stopped,
            None if live => PartyState::Live,
            None => PartyState::Over,
        };
    }

    /// True when agents act here, and not the app alone.
    pub fn is_chain(&self) -> bool {
        self.parties.values().any(|party| party.kind == PartyKind::Agent)
    }

    /// What a stop names that begins with that name; `None` where no party here has it.
    pub fn stop_names(&self, name: &str) -> Option<Vec<String>> {
        if self.stop.first().is_some_and(|first| first == name) {
            return Some(self.stop.clone());
        }
        self.parties.values().find_map(|party| party.stop_names(name))
    }

    /// When the first of what is live is over.
    pub fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        let own = self.expires_at.filter(|end| *end > now);
        self.parties.values().filter_map(|party| party.next_end(now)).chain(own).min()
    }
}
