//! `[server.NAME]`: one MCP server behind the gateway.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bailiwick_broker::Credentials;
use bailiwick_domain::policy::{Pattern, Risk, ScopeGroup, Server};
use bailiwick_domain::scope::Scope;
use bailiwick_domain::uri::ServerName;
use bailiwick_gateway::{Isolate, PersonalVariable, ServerSettings, Upstream};
use http::header::{ACCEPT, CONNECTION, EXPECT, HOST, TE, TRAILER, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

use super::allow::{self, AllowEntry};
use super::credential::{CredentialEntry, PerWord, Place, TierEntry, ToolEntry, credentials};
use super::secret_url::{self, tells_of_credentials};
use super::{ConfigError, Floor, IsolateWord, OpenApiEntry, SandboxEntry, Secret, SecurityEntry};

/// What the file says of one server: one of `upstream`, `openapi` and `command`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerEntry {
    /// URL of a server that speaks streamable HTTP.
    pub(crate) upstream: Option<Text>,
    /// File with the OpenAPI 3 document of an HTTP API, JSON or YAML: its operations are the tools.
    pub(crate) openapi: Option<PathBuf>,
    /// Where that API is, instead of where its document says.
    pub(crate) base_url: Option<Text>,
    /// Whether values in a path of the API may hold a slash, as ids of some APIs do; to an API that decodes a path before it
    /// looks at it, such a value leads to another operation.
    pub(crate) encoded_slashes: bool,
    /// What single security schemes of the API are shown instead of `credential`, by the scheme's name.
    pub(crate) security: BTreeMap<String, SecurityEntry>,
    /// Headers every request to it carries, such as an API key.
    pub(crate) headers: BTreeMap<String, Text>,
    /// Program and arguments of a server that speaks stdio.
    pub(crate) command: Option<Vec<Text>>,
    /// What the server at `upstream`, or the API, is shown to let us in; by default `{ kind = "signed_jwt" }` for servers
    /// nearby, `{ kind = "none" }` for others.
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
    /// Each person's own, who connects it once; for `env` alone.
    Personal(PersonalEntry),
}

/// A secret of each person's own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonalEntry {
    /// `user`.
    pub(crate) credential: PerWord,
    /// The name people connect under; by default the server's and the variable's, `server/VARIABLE`.
    pub(crate) connection: Option<String>,
    /// How the server finds it: `value` in the variable, or `file`, whose path is in the variable.
    #[serde(rename = "as", default)]
    pub(crate) form: FormWord,
}

/// How a secret lies in the environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FormWord {
    /// The variable holds it.
    #[default]
    Value,
    /// The variable holds the path of a file that holds it.
    File,
}

impl Text {
    /// The text itself.
    pub(super) fn fetch(&self, what: &str) -> Result<Zeroizing<String>, ConfigError> {
        match self {
            Self::Plain(text) => Ok(Zeroizing::new(text.clone())),
            Self::Secret(secret) => secret.fetch(what),
            Self::Personal(PersonalEntry { credential: PerWord::User, .. }) => {
                Err(ConfigError::Value(format!("{what}: a secret of each person's own can only stand in `env`")))
            }
        }
    }

    /// The secret it refers to.
    pub(crate) fn secret(&mut self) -> Option<&mut Secret> {
        match self {
            Self::Plain(_) | Self::Personal(_) => None,
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
        let scopes = scopes_of(groups.as_deref(), prefix);
        let place = Place { label: &label, connection: prefix, url: None, hidden: false };
        let mut security = BTreeMap::new();
        let (mut api_title, mut secrets) = (None, Vec::new());
        let (upstream, shown) = match (&self.upstream, &self.command, &self.openapi) {
            (None, None, Some(file)) => {
                let api = OpenApiEntry { file, base: self.base_url.as_ref(), label: &label }.read()?;
                let api = api.with_encoded_slashes(self.encoded_slashes);
                secrets.extend(self.base_url.iter().flat_map(|written| secret_url::secrets(written, api.base())));
                let hidden = matches!(self.base_url, Some(Text::Secret(_)));
                let place = Place { url: Some((api.base().as_str(), api.base())), hidden, ..place };
                let shown = self.shown(place, &scopes)?;
                let open = self.credential.is_none() && self.tiers.is_empty() && self.headers.is_empty();
                security = SecurityEntry::settings(&self.security, place, (&api, open))?;
                api_title = Some(api.title().to_owned());
                (Upstream::OpenApi(Arc::new(api)), shown)
            }
            _ if self.base_url.is_some() || !self.security.is_empty() || self.encoded_slashes => {
                let says = "`base_url`, `security` and `encoded_slashes` go with `openapi`";
                return Err(ConfigError::Value(format!("{label}: {says}")));
            }
            (Some(written), None, None) => {
                let raw = written.fetch(&format!("{label}.upstream"))?;
                let hidden = matches!(written, Text::Secret(_));
                let url = http_url(&label, hidden, &raw)?;
                secrets.extend(secret_url::secrets(written, &url));
                let shown = self.shown(Place { url: Some((&raw, &url)), hidden, ..place }, &scopes)?;
                (Upstream::Http(url), shown)
            }
            (None, Some(_), None) if !self.headers.is_empty() => {
                let says = "`headers` go with `upstream` or `openapi`, not with `command`";
                return Err(ConfigError::Value(format!("{label}: {says}")));
            }
            (None, Some(_), None) if self.shows_something() => {
                let says =
                    "`credential` is for a server at an `upstream` and for an API; give a child its own in `env`";
                return Err(ConfigError::Value(format!("{label}: {says}")));
            }
            (None, Some(words), None) => (self.child((&label, prefix), words)?, ShownEntry::default()),
            _ => return Err(ConfigError::Value(format!("{label}: give one of `upstream`, `openapi` and `command`"))),
        };
        let title = self.title.clone().or(api_title).or_else(|| name.as_ref().map(ToString::to_string));
        Ok(ServerSettings {
            allow: allow::ceilings(&self.allow, &label, prefix, groups.as_ref())?,
            title: title.unwrap_or_else(|| "MCP server".to_owned()),
            upstream,
            headers: headers(&label, &self.headers)?,
            secrets,
            credential: shown.whole,
            security,
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
        let words = self.command.iter_mut().flatten().chain(&mut self.upstream).chain(&mut self.base_url);
        let texts = words.chain(self.env.values_mut()).chain(self.headers.values_mut());
        let tools = self.tool.values_mut().flat_map(|tool| tool.credential.iter_mut().chain(each(&mut tool.tiers)));
        let schemes = self.security.values_mut().map(|scheme| &mut scheme.credential);
        let whole = self.credential.iter_mut().chain(each(&mut self.tiers)).chain(&mut self.discovery);
        texts
            .filter_map(Text::secret)
            .chain(whole.chain(tools).chain(schemes).flat_map(CredentialEntry::secrets))
            .collect()
    }

    fn child(&self, (label, prefix): (&str, &str), words: &[Text]) -> Result<Upstream, ConfigError> {
        let fetch = |(place, word): (usize, &Text)| {
            word.fetch(&format!("{label}.command, word {}", place + 1)).map(|word| word.to_string())
        };
        let mut words = words.iter().enumerate().map(fetch);
        let program = words.next().ok_or_else(|| ConfigError::Value(format!("{label}: `command` is empty")))??;
        let args = words.collect::<Result<_, _>>()?;
        let mut env = Vec::new();
        let (mut secrets, mut personal) = (Vec::new(), Vec::new());
        for (key, text) in &self.env {
            if let Text::Personal(own) = text {
                let connection = own.connection.clone().unwrap_or_else(|| format!("{prefix}/{key}"));
                let file = own.form == FormWord::File;
                personal.push(PersonalVariable { name: key.clone(), connection, file });
                continue;
            }
            let value = text.fetch(&format!("{label}.env.{key}"))?;
            env.push((key.clone(), value.to_string()));
            secrets.extend(matches!(text, Text::Secret(_)).then_some(value));
        }
        let isolate = match self.isolate {
            IsolateWord::Session => Isolate::Session,
            IsolateWord::User => Isolate::User,
        };
        if !personal.is_empty() && isolate != Isolate::User {
            let says =
                "`env` has a secret of each person's own: say `isolate = \"user\"`, so that nobody shares a process";
            return Err(ConfigError::Value(format!("{label}: {says}")));
        }
        Ok(Upstream::Stdio { program, args, env, secrets, personal, cwd: self.directory.clone(), isolate })
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

/// The scopes of a server with these groups, or with the usual ones.
fn scopes_of(groups: Option<&[ScopeGroup]>, prefix: &str) -> Vec<Scope> {
    let usual = || Server::default_groups(prefix);
    groups.map_or_else(usual, <[_]>::to_vec).into_iter().map(|group| group.scope).collect()
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
pub(super) fn http_url(label: &str, secret: bool, raw: &str) -> Result<Url, ConfigError> {
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
        // Some hold credentials by their names, even where they are written down as they are.
        value.set_sensitive(matches!(text, Text::Secret(_)) || tells_of_credentials(name.as_str()));
        headers.insert(name, value);
    }
    Ok(headers)
}
