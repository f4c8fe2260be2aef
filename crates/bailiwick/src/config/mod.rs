//! The configuration file: TOML, every field with a default, unknown fields refused with line and column.

mod agent;
mod allow;
mod api;
mod authenticate;
mod chains;
mod cimd;
mod client;
mod credential;
mod in_force;
mod issuer;
mod key;
mod login;
mod openapi;
mod place;
mod saml;
mod sandbox;
mod sealed;
mod secret;
mod secret_url;
mod server;
mod tls;
mod vault;

use std::collections::BTreeMap;
use std::path::Path;

use bailiwick_authority::SamlGrantor;
use bailiwick_domain::jose::Alg;
use bailiwick_net::Proxies;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::front::FrontPlan;

pub(crate) use agent::AgentEntry;
pub(crate) use api::ApiEntry;
pub(crate) use authenticate::{AuthenticateEntry, Proof};
pub(crate) use chains::{Chains, Floor};
pub(crate) use cimd::CimdEntry;
pub(crate) use client::ClientEntry;
pub(crate) use in_force::InForce;
pub(crate) use issuer::IssuerEntry;
pub(crate) use key::master_key;
pub(crate) use login::LoginEntry;
pub(crate) use openapi::{OpenApiEntry, SecurityEntry};
pub(crate) use sandbox::{IsolateWord, SandboxEntry};
pub(crate) use sealed::Sealed;
pub(crate) use secret::Secret;
pub(crate) use server::{ServerEntry, Text};
pub(crate) use tls::{Certificate, TlsEntry};
pub(crate) use vault::VaultEntry;

/// `bailiwick.toml`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The origin everyone uses to reach this process; the issuer.
    pub(crate) public_url: Option<String>,
    /// `localhost:PORT` or `ADDRESS:PORT`.
    pub(crate) listen: Option<String>,
    /// The certificate this process speaks TLS with; without one, a proxy does, or nobody.
    pub(crate) tls: Option<TlsEntry>,
    /// Proxies whose `X-Forwarded-For` says who a request comes from: addresses and networks.
    pub(crate) trusted_proxies: Vec<String>,
    /// `postgres://…`; without it, SQLite in the data directory.
    pub(crate) database: Option<String>,
    /// The master key; without it, a file in the data directory.
    pub(crate) key: Option<Secret>,
    /// What protects what people connected; without it, a key derived from the master key.
    pub(crate) vault: VaultEntry,
    /// What access tokens are signed with: `ES256` (default) or `RS256`.
    pub(crate) signing_alg: Option<String>,
    /// Seconds without news of revocations after which requests are refused.
    pub(crate) staleness: Option<u64>,
    /// MCP servers by name.
    pub(crate) server: BTreeMap<String, ServerEntry>,
    /// Clients that describe themselves in a document.
    pub(crate) cimd: CimdEntry,
    /// Static OAuth clients by name.
    pub(crate) client: BTreeMap<String, ClientEntry>,
    /// Agents that act for people, by name.
    pub(crate) agent: BTreeMap<String, AgentEntry>,
    /// Protected resources elsewhere, by name.
    pub(crate) api: BTreeMap<String, ApiEntry>,
    /// Where people sign in besides here, by name.
    pub(crate) login: BTreeMap<String, LoginEntry>,
    /// Who else may say who a person is, by name.
    pub(crate) issuer: BTreeMap<String, IssuerEntry>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable { path: String, error: std::io::Error },
    /// The text is not what the schema says.
    #[error("{path}: {says}")]
    Malformed { path: String, says: String },
    /// A value is not usable.
    #[error("{0}")]
    Value(String),
}

impl ConfigError {
    /// The same, with line and column where the file can be seen to say what is complained of.
    pub(crate) fn placed(self, path: Option<&Path>) -> Self {
        let Self::Value(says) = self else { return self };
        let Some(path) = path else { return Self::Value(says) };
        let place = std::fs::read_to_string(path).ok().and_then(|text| place::of_complaint(&text, &says));
        let says = match place {
            Some((line, column)) => format!("line {line}, column {column}: {says}"),
            None => says,
        };
        Self::Malformed { path: path.display().to_string(), says }
    }
}

impl Config {
    /// What stands between the world and the house.
    pub(crate) fn front(&self) -> Result<FrontPlan, ConfigError> {
        let certificate = self.tls.as_ref().map(TlsEntry::certificate).transpose()?;
        let proxies = Proxies::parse(&self.trusted_proxies);
        let proxies = proxies.map_err(|says| ConfigError::Value(format!("trusted_proxies: {says}")))?;
        Ok(FrontPlan { certificate, proxies })
    }

    /// Reads a file; without one, every field has its default.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let shown = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable { path: shown.clone(), error })?;
        Self::parse(&text).map_err(|says| ConfigError::Malformed { path: shown, says })
    }

    /// The algorithm that signs.
    pub(crate) fn signing(&self) -> Result<Alg, ConfigError> {
        match self.signing_alg.as_deref() {
            None | Some("ES256") => Ok(Alg::Es256),
            Some("RS256") => Ok(Alg::Rs256),
            Some(other) => {
                Err(ConfigError::Value(format!("signing_alg: {other:?} is not offered; use ES256 or RS256")))
            }
        }
    }

    /// The issuers whose assertions are traded in.
    pub(crate) fn grantors(&self) -> Result<Vec<SamlGrantor>, ConfigError> {
        self.issuer.iter().map(|(name, entry)| entry.grantor(name, &self.login)).collect()
    }

    /// What the file's JSON Schema is.
    pub(crate) fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    /// Reads the text; an error names line and column.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let (line, column) = error.span().map_or((1, 1), |span| place::of_offset(text, span.start));
            format!("line {line}, column {column}: {}", error.message().replace('\n', " "))
        })
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_domain::uri::ServerName;

    use super::*;

    #[test]
    fn an_unknown_field_is_named_with_its_place() {
        let refused = Config::parse("listen = \"localhost:1\"\n[server.notes]\nupstraem = \"http://x\"\n").unwrap_err();

        assert!(refused.starts_with("line 3, column 1: unknown field `upstraem`"), "{refused}");
    }

    #[test]
    fn an_entry_of_allow_that_names_nobody_is_refused_with_its_place() {
        let text = "[server.notes]\nupstream = \"http://x\"\nallow = { \"notes:read\" = [\"group:dev\", \"alice\"] }\n";

        let refused = Config::parse(text).unwrap_err();

        assert!(refused.starts_with("line 3, column ") && refused.contains("\"alice\" names nobody"), "{refused}");
    }

    #[test]
    fn allow_names_scopes_that_are_there() {
        let settings = |scope: &str| {
            let text =
                format!("[server.notes]\nupstream = \"http://x\"\nallow = {{ \"{scope}\" = [\"group:dev\"] }}\n");
            Config::parse(&text).unwrap().server["notes"].settings(ServerName::parse("notes"))
        };

        assert_eq!(settings("notes:write").unwrap().allow.len(), 1);
        let refused = settings("notes:wriet").unwrap_err().to_string();
        assert_eq!(
            refused,
            "server.notes.allow: \"notes:wriet\" is not a scope of this server; it has notes:read, notes:write, notes:destructive"
        );
    }

    #[test]
    fn the_example_of_the_readme_is_read() {
        let text = r#"
            public_url = "https://mcp.example.com"
            [server.files]
            command = ["npx", "-y", "@modelcontextprotocol/server-filesystem", "/data"]
            [server.github]
            upstream = "https://api.example.com/mcp"
            allowed_origins = ["https://inspector.example.com"]
            [server.github.scopes]
            "github:read" = { tools = ["get_*"], says = "Read repositories" }
            [server.github.allow]
            "github:read" = ["group:dev", "user:alice", "user:alice@example.com", "domain:example.com"]
            [client.ci]
            redirect_uris = []
            grant_types = ["client_credentials"]
            client_secret = { env = "CI_SECRET" }
        "#;

        let config = Config::parse(text).unwrap();

        assert_eq!(config.server.len(), 2);
        assert_eq!(config.client["ci"].grant_types.as_deref(), Some(&["client_credentials".to_owned()][..]));
    }
}
