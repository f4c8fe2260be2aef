//! One MCP server behind the gateway: which tools it offers, and which scope opens each of them.

use std::collections::BTreeMap;

use super::{Named, Risk, ScopeGroup, Tool, ToolFacts};
use crate::scope::{Scope, ScopeSet};
use crate::text::presentable;
use crate::uri::{Resource, ServerName};

/// The most tools of one server that are known.
pub const MOST_TOOLS: usize = 2048;

/// One MCP server behind the gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Its name; absent for the one server at `/mcp`.
    pub name: Option<ServerName>,
    /// What people call it.
    pub title: String,
    /// The audience of its tokens.
    pub resource: Resource,
    /// Its scopes, in the operator's order.
    pub groups: Vec<ScopeGroup>,
    /// Who may hold its scopes; one that is not listed is for every account made here.
    pub allow: BTreeMap<Scope, Vec<Named>>,
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
        Self { name, title, resource, groups, allow: BTreeMap::new(), tools: Vec::new(), reachable: false }
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

#[cfg(test)]
mod tests;
