//! Tools, the scopes that group them, and the catalogue of the servers that offer them.

use serde::{Deserialize, Serialize};

use super::{Pattern, Server};
use crate::scope::Scope;
use crate::uri::Resource;

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
    /// True when one of its patterns takes in that name.
    pub fn claims(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(name))
    }
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
