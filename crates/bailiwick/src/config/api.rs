//! `[api.NAME]`: a protected resource elsewhere, which verifies our tokens itself.

use std::collections::BTreeMap;

use bailiwick_domain::policy::{ScopeGroup, Server};
use bailiwick_domain::scope::Scope;
use bailiwick_domain::uri::{Resource, ServerName};
use schemars::JsonSchema;
use serde::Deserialize;

use super::allow::{self, AllowEntry};
use super::server::RiskWord;
use super::{ConfigError, Floor};

/// What the file says of one API.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiEntry {
    /// The audience of its tokens.
    resource: String,
    /// The name people see.
    title: Option<String>,
    /// Its scopes, in words a person can consent to.
    scopes: BTreeMap<String, ApiScope>,
    /// Who may hold which scope.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    allow: AllowEntry,
    /// The weakest authentication it accepts of anybody in a chain.
    pub(crate) assurance_floor: Option<Floor>,
}

/// One scope.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiScope {
    /// What a person reads at consent.
    says: String,
    /// `read`, `write` or `destructive`; by default told from the scope's last word, else write.
    risk: Option<RiskWord>,
}

impl ApiEntry {
    /// The API, as a server without tools.
    pub(crate) fn server(&self, name: &str) -> Result<Server, ConfigError> {
        let label = format!("api.{name}");
        let wrong = |says: &str| ConfigError::Value(format!("{label}: {says}"));
        let known = ServerName::parse(name).ok_or_else(|| wrong("a name is made of a-z, 0-9 and -"))?;
        let resource = Resource::verbatim(&self.resource).ok_or_else(|| wrong("resource: not an http or https URL"))?;
        let group = |(raw, entry): (&String, &ApiScope)| {
            let scope = Scope::parse(raw).ok_or_else(|| wrong(&format!("scopes: {raw:?} is not a scope")))?;
            let risk = RiskWord::of(entry.risk, raw);
            Ok(ScopeGroup { scope, says: entry.says.clone(), risk, patterns: Vec::new() })
        };
        let groups = self.scopes.iter().map(group).collect::<Result<Vec<_>, ConfigError>>()?;
        let allow = allow::ceilings(&self.allow, &label, name, Some(&groups))?;
        let title = self.title.clone().unwrap_or_else(|| name.to_owned());
        Ok(Server { allow, reachable: true, ..Server::new(Some(known), title, resource, Some(groups)) })
    }
}
