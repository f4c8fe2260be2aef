//! `[server.NAME]`: one MCP server behind the gateway.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bailiwick_domain::policy::{Pattern, Risk, ScopeGroup};
use bailiwick_domain::scope::Scope;
use bailiwick_domain::uri::ServerName;
use bailiwick_gateway::{ServerSettings, Upstream};
use serde::Deserialize;
use url::Url;

use super::allow::{self, AllowEntry};
use super::{ConfigError, Secret};

/// What the file says of one server: either `upstream` or `command`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerEntry {
    /// URL of a server that speaks streamable HTTP.
    pub(crate) upstream: Option<String>,
    /// Program and arguments of a server that speaks stdio.
    pub(crate) command: Option<Vec<String>>,
    /// Working directory of the child.
    pub(crate) directory: Option<PathBuf>,
    /// Environment of the child, beside PATH, HOME, LANG and TERM.
    pub(crate) env: BTreeMap<String, EnvEntry>,
    /// The name people see.
    pub(crate) title: Option<String>,
    /// Scopes that group tools; without any, read, write and destructive.
    pub(crate) scopes: BTreeMap<String, ScopeEntry>,
    /// Who may hold which scope: `user:`, `group:` and `domain:`. A scope without a list is for every account made here.
    pub(crate) allow: AllowEntry,
    /// Origins of browser-based clients.
    pub(crate) allowed_origins: Vec<String>,
}

/// A value in a child's environment: plain text, or a secret by reference.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum EnvEntry {
    /// As written.
    Plain(String),
    /// Fetched at start.
    Secret(Secret),
}

/// One scope in words a person can consent to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScopeEntry {
    /// Names or patterns (`get_*`) of the tools it opens.
    pub(crate) tools: Vec<String>,
    /// What a person reads at consent.
    pub(crate) says: String,
    /// `read`, `write` or `destructive`; by default told from the scope's last word, else write.
    #[serde(default)]
    pub(crate) risk: Option<RiskWord>,
}

/// A risk as it is written.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RiskWord {
    /// Looks only.
    Read,
    /// Changes something.
    Write,
    /// Destroys something.
    Destructive,
}

impl ServerEntry {
    /// Turns the entry into what the gateway runs.
    pub(crate) fn settings(&self, name: Option<ServerName>) -> Result<ServerSettings, ConfigError> {
        let label = name.as_ref().map_or("the server".to_owned(), |name| format!("server.{name}"));
        let upstream = match (&self.upstream, &self.command) {
            (Some(url), None) => Upstream::Http(http_url(&label, url)?),
            (None, Some(words)) => self.child(&label, words)?,
            _ => return Err(ConfigError::Value(format!("{label}: give either `upstream` or `command`"))),
        };
        let title = self.title.clone().or_else(|| name.as_ref().map(ToString::to_string));
        let groups = self.groups(&label)?;
        let prefix = name.as_ref().map_or("mcp", ServerName::as_str);
        Ok(ServerSettings {
            allow: allow::ceilings(&self.allow, &label, prefix, groups.as_ref())?,
            title: title.unwrap_or_else(|| "MCP server".to_owned()),
            upstream,
            groups,
            allowed_origins: self.allowed_origins.clone(),
            name,
        })
    }

    fn child(&self, label: &str, words: &[String]) -> Result<Upstream, ConfigError> {
        let (program, args) =
            words.split_first().ok_or_else(|| ConfigError::Value(format!("{label}: `command` is empty")))?;
        let mut env = Vec::new();
        for (key, entry) in &self.env {
            let value = match entry {
                EnvEntry::Plain(text) => text.clone(),
                EnvEntry::Secret(secret) => secret.fetch(&format!("{label}.env.{key}"))?.to_string(),
            };
            env.push((key.clone(), value));
        }
        Ok(Upstream::Stdio { program: program.clone(), args: args.to_vec(), env, cwd: self.directory.clone() })
    }

    fn groups(&self, label: &str) -> Result<Option<Vec<ScopeGroup>>, ConfigError> {
        if self.scopes.is_empty() {
            return Ok(None);
        }
        let group = |(text, entry): (&String, &ScopeEntry)| {
            let scope = Scope::parse(text)
                .ok_or_else(|| ConfigError::Value(format!("{label}.scopes: {text:?} is not a scope")))?;
            let pattern = |raw: &String| {
                Pattern::parse(raw).ok_or_else(|| {
                    ConfigError::Value(format!("{label}.scopes: {raw:?} is not a tool's name or pattern"))
                })
            };
            let patterns = entry.tools.iter().map(pattern).collect::<Result<Vec<_>, _>>()?;
            Ok(ScopeGroup { scope, says: entry.says.clone(), risk: entry.risk(text), patterns })
        };
        self.scopes.iter().map(group).collect::<Result<_, _>>().map(Some)
    }
}

impl ScopeEntry {
    fn risk(&self, scope: &str) -> Risk {
        match (self.risk, scope.rsplit(':').next()) {
            (Some(RiskWord::Read), _) | (None, Some("read")) => Risk::Read,
            (Some(RiskWord::Destructive), _) | (None, Some("destructive")) => Risk::Destructive,
            (Some(RiskWord::Write) | None, _) => Risk::Write,
        }
    }
}

fn http_url(label: &str, raw: &str) -> Result<Url, ConfigError> {
    match Url::parse(raw) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => Ok(url),
        Ok(_) | Err(_) => Err(ConfigError::Value(format!(
            "{label}: {raw:?} is not the URL of an MCP server, such as http://localhost:3000/mcp"
        ))),
    }
}
