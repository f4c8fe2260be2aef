//! The catalogue: which servers stand behind the gateway, which tools they offer, and which scope opens each tool.

use serde::{Deserialize, Serialize};

use super::Pattern;
use crate::scope::{Scope, ScopeSet};
use crate::text::presentable;
use crate::uri::{Resource, ServerName};

/// What a tool can do to the world, from harmless to irreversible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// It only looks.
    Read,
    /// It adds or changes.
    Write,
    /// It may delete or overwrite.
    Destructive,
}

impl Risk {
    /// Its name on the wire and in pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }
}

/// One tool as the operator's classification sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// The name it is called by.
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// What the server says it does.
    pub description: Option<String>,
    /// What it can do.
    pub risk: Risk,
    /// The scopes that open it: any one of them does, the mildest comes first; with none it stays shut.
    pub scopes: Vec<Scope>,
}

impl Tool {
    /// What to call it in front of people: its title, else its name.
    pub fn label(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }
}

/// What a server says of one of its tools; a suggestion, not a classification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolFacts {
    /// The name it is called by.
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// What it does, in the server's words.
    pub description: Option<String>,
    /// The annotation `readOnlyHint`.
    pub read_only: Option<bool>,
    /// The annotation `destructiveHint`.
    pub destructive: Option<bool>,
}

impl ToolFacts {
    /// The risk its annotations suggest. A tool that says nothing counts as [`Risk::Write`]; `destructiveHint` means
    /// something only where `readOnlyHint` is not set (MCP, `ToolAnnotations`).
    pub fn suggested(&self) -> Risk {
        match (self.read_only, self.destructive) {
            (Some(true), _) => Risk::Read,
            (Some(false) | None, Some(true)) => Risk::Destructive,
            (Some(false) | None, Some(false) | None) => Risk::Write,
        }
    }
}

/// A scope and the tools it groups, in words a person can consent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeGroup {
    /// The scope that opens these tools.
    pub scope: Scope,
    /// What it allows, in the operator's words.
    pub says: String,
    /// How far it reaches.
    pub risk: Risk,
    /// The names it takes in; with none it takes every tool of its risk that no pattern claims.
    #[serde(default)]
    pub patterns: Vec<Pattern>,
}

impl ScopeGroup {
    fn claims(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(name))
    }
}

/// The most tools of one server that are known.
pub const MOST_TOOLS: usize = 2048;

/// One MCP server behind the gateway.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name; absent for the one server at `/mcp`.
    pub name: Option<ServerName>,
    /// What people call it.
    pub title: String,
    /// The audience of its tokens.
    pub resource: Resource,
    /// Its scopes, in the operator's order.
    pub groups: Vec<ScopeGroup>,
    /// Its tools, as last listed.
    pub tools: Vec<Tool>,
    /// True while it answers.
    pub reachable: bool,
}

impl Server {
    /// A server of which nothing is known yet but where it stands and how its tools are grouped.
    pub fn new(name: Option<ServerName>, title: String, resource: Resource, groups: Option<Vec<ScopeGroup>>) -> Self {
        let prefix = name.as_ref().map_or("mcp", ServerName::as_str);
        let groups = groups.unwrap_or_else(|| Self::default_groups(prefix));
        Self { name, title, resource, groups, tools: Vec::new(), reachable: false }
    }

    /// The three scopes of a server whose operator declared none: `{prefix}:read`, `:write`, `:destructive`.
    pub fn default_groups(prefix: &str) -> Vec<ScopeGroup> {
        let group = |risk: Risk, says: &str| {
            let scope = Scope::parse(&format!("{prefix}:{}", risk.as_str()))?;
            Some(ScopeGroup { scope, says: says.to_owned(), risk, patterns: Vec::new() })
        };
        [
            group(Risk::Read, "Look things up, without changing anything"),
            group(Risk::Write, "Add and change things"),
            group(Risk::Destructive, "Delete or overwrite things for good"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Every scope of this server.
    pub fn all_scopes(&self) -> ScopeSet {
        self.groups.iter().map(|group| group.scope.clone()).collect()
    }

    /// The scopes to begin with: all that destroy nothing.
    pub fn baseline(&self) -> ScopeSet {
        let mild = self.groups.iter().filter(|group| group.risk < Risk::Destructive);
        mild.map(|group| group.scope.clone()).collect()
    }

    /// The group of that scope.
    pub fn group(&self, scope: &Scope) -> Option<&ScopeGroup> {
        self.groups.iter().find(|group| group.scope == *scope)
    }

    /// The tool of that name.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// The tools `scope` opens.
    pub fn tools_behind(&self, scope: &Scope) -> impl Iterator<Item = &Tool> {
        self.tools.iter().filter(move |tool| tool.scopes.contains(scope))
    }

    /// Takes over what the server lists now: of its first [`MOST_TOOLS`] tools, and where one name comes twice the
    /// riskier of the two. A tool that is not taken over is unknown, so nobody can call it.
    pub fn learn(&mut self, listed: impl IntoIterator<Item = ToolFacts>) {
        let mut tools: Vec<Tool> = Vec::new();
        for tool in listed.into_iter().take(MOST_TOOLS).map(|facts| self.classify(facts)) {
            match tools.iter_mut().find(|known| known.name == tool.name) {
                Some(known) if known.risk < tool.risk => *known = tool,
                Some(_) => {}
                None => tools.push(tool),
            }
        }
        self.tools = tools;
    }

    /// Classifies a tool: the operator's patterns decide; where none claims it, its annotations choose among the
    /// groups that take tools by risk. Its words are made fit to be shown to a person.
    pub fn classify(&self, facts: ToolFacts) -> Tool {
        let claimed: Vec<&ScopeGroup> = self.groups.iter().filter(|group| group.claims(&facts.name)).collect();
        let suggested = facts.suggested();
        let risk = claimed.iter().map(|group| group.risk).max().unwrap_or(suggested);
        let mut opening = if claimed.is_empty() { self.by_risk(suggested) } else { claimed };
        opening.sort_by_key(|group| group.risk);
        Tool {
            risk,
            scopes: opening.into_iter().map(|group| group.scope.clone()).collect(),
            title: words(facts.title, 120),
            description: words(facts.description, 1000),
            name: facts.name,
        }
    }

    fn by_risk(&self, risk: Risk) -> Vec<&ScopeGroup> {
        self.groups.iter().filter(|group| group.patterns.is_empty() && group.risk == risk).collect()
    }
}

/// A stranger's words, fit to be shown, or nothing where nothing is left of them.
fn words(raw: Option<String>, most: usize) -> Option<String> {
    raw.map(|raw| presentable(&raw, most)).filter(|words| !words.is_empty())
}

/// Every server of this installation.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// The servers, in the order of the configuration.
    pub servers: Vec<Server>,
}

impl Catalogue {
    /// The server whose tokens carry that audience.
    pub fn by_resource(&self, resource: &Resource) -> Option<&Server> {
        self.servers.iter().find(|server| server.resource == *resource)
    }

    /// The server at that path, such as `/mcp/notes`.
    pub fn by_path(&self, path: &str) -> Option<&Server> {
        self.servers.iter().find(|server| server.resource.path() == path)
    }
}

#[cfg(test)]
mod tests;
