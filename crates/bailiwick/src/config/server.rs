//! `[server.NAME]`: one MCP server behind the gateway.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bailiwick_broker::Credentials;
use bailiwick_domain::policy::{Pattern, Risk, ScopeGroup, Server};
use bailiwick_domain::scope::Scope;
use bailiwick_domain::uri::ServerName;
use bailiwick_gateway::{Isolate, ServerSettings, Upstream};
use http::header::{ACCEPT, CONNECTION, EXPECT, HOST, TE, TRAILER, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

use super::allow::{self, AllowEntry};
use super::credential::{CredentialEntry, Place, TierEntry, ToolEntry, credentials};
use super::{ConfigError, Floor, IsolateWord, SandboxEntry, Secret};

/// What the file says of one server: either `upstream` or `command`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerEntry {
    /// URL of a server that speaks streamable HTTP.
    pub(crate) upstream: Option<Text>,
    /// Headers every request to it carries, such as an API key.
    pub(crate) headers: BTreeMap<String, Text>,
    /// Program and arguments of a server that speaks stdio.
    pub(crate) command: Option<Vec<Text>>,
    /// What the server at `upstream` is shown to let us in; by default `{ kind = "signed_jwt" }` for servers nearby,
    /// `{ kind = "none" }` for others.
    pub(crate) credential: Option<CredentialEntry>,
    /// The same in several steps, lowest privilege first: a call gets the first whose scopes do for it.
    pub(crate) tiers: Vec<TierEntry>,
    /// What single tools are shown instead.
    pub(crate) tool: BTreeMap<String, ToolEntry>,
    /// What it is shown when the gateway itself asks which tools there are; by default what all callers share.
    pub(crate) discovery: Option<CredentialEntry>,
    /// Working directory of the child.
    pub(crate) directory: Option<PathBuf>,
    /// Environment of the child, beside PATH, HOME, LANG and TERM.
    pub(crate) env: BTreeMap<String, Text>,
    /// What the child may reach.
    pub(crate) sandbox: SandboxEntry,
    /// Who shares a child: the requests of one session, or all sessions of one person.
    pub(crate) isolate: IsolateWord,
    /// The name people see.
    pub(crate) title: Option<String>,
    /// Scopes that group tools; without any, read, write and destructive.
    pub(crate) scopes: BTreeMap<String, ScopeEntry>,
    /// Who may hold which scope: `user:`, `group:` and `domain:`. A scope without a list is for every account made here.
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    pub(crate) allow: AllowEntry,
    /// Origins of browser-based clients.
    pub(crate) allowed_origins: Vec<String>,
    /// The weakest authentication it accepts of anybody who acts in a chain.
    pub(crate) assurance_floor: Option<Floor>,
}

/// A text that may be a secret: as it is written, or by reference.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Text {
    /// As written.
    Plain(String),
    /// Fetched at start.
    Secret(Secret),
}

impl Text {
    /// The text itself.
    fn fetch(&self, what: &str) -> Result<Zeroizing<String>, ConfigError> {
        match self {
            Self::Plain(text) => Ok(Zeroizing::new(text.clone())),
            Self::Secret(secret) => secret.fetch(what),
        }
    }

    /// The secret it refers to.
    pub(crate) fn secret(&mut self) -> Option<&mut Secret> {
        match self {
            Self::Plain(_) => None,
            Self::Secret(secret) => Some(secret),
        }
    }
}

/// One scope in words a person can consent to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RiskWord {
    /// Looks only.
    Read,
    /// Changes something.
    Write,
    /// Destroys something.
    Destructive,
}

/// What a server is shown, for all of it, for single tools, and when the gateway asks for itself.
#[derive(Default)]
struct ShownEntry {
    whole: Credentials,
    tools: BTreeMap<String, Credentials>,
    discovery: Option<Credentials>,
}

impl ServerEntry {
    /// Turns the entry into what the gateway runs.
    pub(crate) fn settings(&self, name: Option<ServerName>) -> Result<ServerSettings, ConfigError> {
        let label = name.as_ref().map_or("the server".to_owned(), |name| format!("server.{name}"));
        let groups = self.groups(&label)?;
        let prefix = name.as_ref().map_or("mcp", ServerName::as_str);
        let scopes: Vec<Scope> = groups
            .clone()
            .unwrap_or_else(|| Server::default_groups(prefix))
            .into_iter()
            .map(|group| group.scope)
            .collect();
        let (upstream, shown) = match (&self.upstream, &self.command) {
            (Some(written), None) => {
                let raw = written.fetch(&format!("{label}.upstream"))?;
                let url = http_url(&label, matches!(written, Text::Secret(_)), &raw)?;
                let shown =
                    self.shown(Place { label: &label, connection: prefix, url: Some((&raw, &url)) }, &scopes)?;
                (Upstream::Http(url), shown)
            }
            (None, Some(_)) if !self.headers.is_empty() => {
                return Err(ConfigError::Value(format!("{label}: `headers` go with `upstream`, not with `command`")));
            }
            (None, Some(_)) if self.shows_something() => {
                let says = "`credential` is for a server at an `upstream`; give a child its own in `env`";
                return Err(ConfigError::Value(format!("{label}: {says}")));
            }
            (None, Some(words)) => (self.child(&label, words)?, ShownEntry::default()),
            _ => return Err(ConfigError::Value(format!("{label}: give either `upstream` or `command`"))),
        };
        let title = self.title.clone().or_else(|| name.as_ref().map(ToString::to_string));
        Ok(ServerSettings {
            allow: allow::ceilings(&self.allow, &label, prefix, groups.as_ref())?,
            title: title.unwrap_or_else(|| "MCP server".to_owned()),
            upstream,
            headers: headers(&label, &self.headers)?,
            credential: shown.whole,
            tools: shown.tools,
            discovery: shown.discovery,
            groups,
            allowed_origins: self.allowed_origins.clone(),
            name,
        })
    }

    fn shows_something(&self) -> bool {
        self.credential.is_some() || !self.tiers.is_empty() || !self.tool.is_empty() || self.discovery.is_some()
    }

    /// What it is shown.
    fn shown(&self, place: Place<'_>, scopes: &[Scope]) -> Result<ShownEntry, ConfigError> {
        let known = |scope: &Scope| scopes.contains(scope);
        let tool = |(name, entry): (&String, &ToolEntry)| {
            let label = format!("{}.tool.{name}", place.label);
            let connection = format!("{}/{name}", place.connection);
            let place = Place { label: &label, connection: &connection, ..place };
            Ok((name.clone(), credentials((entry.credential.as_ref(), &entry.tiers), place, known)?))
        };
        let discovery = self.discovery.as_ref().map(|entry| credentials((Some(entry), &[]), place, known));
        Ok(ShownEntry {
            whole: credentials((self.credential.as_ref(), &self.tiers), place, known)?,
            tools: self.tool.iter().map(tool).collect::<Result<_, ConfigError>>()?,
            discovery: discovery.transpose()?,
        })
    }

    /// The secrets it refers to.
    pub(crate) fn secrets(&mut self) -> Vec<&mut Secret> {
        let words = self.command.iter_mut().flatten().chain(&mut self.upstream);
        let texts = words.chain(self.env.values_mut()).chain(self.headers.values_mut());
        let tools = self.tool.values_mut().flat_map(|tool| tool.credential.iter_mut().chain(each(&mut tool.tiers)));
        let whole = self.credential.iter_mut().chain(each(&mut self.tiers)).chain(&mut self.discovery);
        texts.filter_map(Text::secret).chain(whole.chain(tools).flat_map(CredentialEntry::secrets)).collect()
    }

    fn child(&self, label: &str, words: &[Text]) -> Result<Upstream, ConfigError> {
        let fetch = |(place, word): (usize, &Text)| {
            word.fetch(&format!("{label}.command, word {}", place + 1)).map(|word| word.to_string())
        };
        let mut words = words.iter().enumerate().map(fetch);
        let program = words.next().ok_or_else(|| ConfigError::Value(format!("{label}: `command` is empty")))??;
        let args = words.collect::<Result<_, _>>()?;
        let mut env = Vec::new();
        for (key, text) in &self.env {
            env.push((key.clone(), text.fetch(&format!("{label}.env.{key}"))?.to_string()));
        }
        let isolate = match self.isolate {
            IsolateWord::Session => Isolate::Session,
            IsolateWord::User => Isolate::User,
        };
        Ok(Upstream::Stdio { program, args, env, cwd: self.directory.clone(), isolate })
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
            Ok(ScopeGroup { scope, says: entry.says.clone(), risk: RiskWord::of(entry.risk, text), patterns })
        };
        self.scopes.iter().map(group).collect::<Result<_, _>>().map(Some)
    }
}

/// The credential of each step.
fn each(tiers: &mut [TierEntry]) -> impl Iterator<Item = &mut CredentialEntry> {
    tiers.iter_mut().map(|tier| &mut tier.credential)
}

impl RiskWord {
    /// The risk of a scope: as it is written, else told from the scope's last word.
    pub(super) fn of(written: Option<Self>, scope: &str) -> Risk {
        match (written, scope.rsplit(':').next()) {
            (Some(Self::Read), _) | (None, Some("read")) => Risk::Read,
            (Some(Self::Destructive), _) | (None, Some("destructive")) => Risk::Destructive,
            (Some(Self::Write) | None, _) => Risk::Write,
        }
    }
}

/// Reads the URL of a server behind. One that was not written down is not shown either.
fn http_url(label: &str, secret: bool, raw: &str) -> Result<Url, ConfigError> {
    match Url::parse(raw) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => Ok(url),
        Ok(_) | Err(_) => {
            let shown = if secret { "what `upstream` refers to".to_owned() } else { format!("{raw:?}") };
            Err(ConfigError::Value(format!(
                "{label}: {shown} is not the URL of an MCP server, such as http://localhost:3000/mcp"
            )))
        }
    }
}

/// Headers of ours; those that carry the protocol and the connection are not for the configuration to write.
fn headers(label: &str, written: &BTreeMap<String, Text>) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    for (name, text) in written {
        let what = format!("{label}.headers.{name}");
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| ConfigError::Value(format!("{what}: this is not the name of a header")))?;
        let ours = ["mcp-", "content-", "transfer-", "proxy-"].iter().any(|start| name.as_str().starts_with(start))
            || [HOST, ACCEPT, CONNECTION, UPGRADE, TE, TRAILER, EXPECT].contains(&name);
        if ours {
            return Err(ConfigError::Value(format!("{what}: the gateway writes this header itself")));
        }
        let mut value = HeaderValue::from_str(&text.fetch(&what)?)
            .map_err(|_| ConfigError::Value(format!("{what}: this cannot be the value of a header")))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}
