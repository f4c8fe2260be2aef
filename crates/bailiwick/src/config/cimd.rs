//! `[cimd]`: clients that describe themselves in a document at the URL that is their `client_id`.

use std::path::PathBuf;
use std::sync::Arc;

use bailiwick_authority::ClientDocuments;
use bailiwick_domain::client::{Domain, Domains};
use bailiwick_net::fetch::{Guard, GuardSettings, Private, SystemResolver, Trust};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;

/// Whose documents are believed.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Policy {
    /// Everybody's; the person who consents sees the host.
    #[default]
    Open,
    /// Those of `domains`.
    Listed,
    /// Nobody's.
    Off,
}

/// What the file says of client metadata documents.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CimdEntry {
    /// `open` (default), `listed` or `off`.
    pub(crate) policy: Policy,
    /// With `listed`: hosts such as `example.com`, or `*.example.com` for those below it.
    pub(crate) domains: Vec<String>,
    /// Ports documents may be served at besides 443.
    pub(crate) ports: Vec<u16>,
    /// Internal document hosts, `host:port`: the only ones that may be at private addresses.
    pub(crate) allow_private: Vec<String>,
    /// A PEM file with the certificate authority of those hosts; believed for nobody else.
    pub(crate) ca_file: Option<PathBuf>,
}

impl CimdEntry {
    /// Where documents come from; `None` when they are switched off.
    pub(crate) fn documents(&self) -> Result<Option<ClientDocuments>, ConfigError> {
        let wrong = |says: String| ConfigError::Value(format!("cimd.{says}"));
        let domain = |raw: &String| {
            Domain::parse(raw).ok_or_else(|| wrong(format!("domains: {raw:?} is not a host such as example.com")))
        };
        let private = |raw: &String| {
            let says = format!("allow_private: {raw:?} is not a host name and port such as apps.internal:8443");
            Private::parse(raw).ok_or_else(|| wrong(says))
        };
        let domains = self.domains.iter().map(domain).collect::<Result<Vec<_>, _>>()?;
        let private = self.allow_private.iter().map(private).collect::<Result<Vec<_>, _>>()?;
        let trust = Trust::new(self.ca_file.as_deref()).map_err(|error| wrong(format!("ca_file: {error}")))?;
        let domains = match self.policy {
            Policy::Off => return Ok(None),
            Policy::Open if !domains.is_empty() => {
                return Err(wrong("domains has a meaning only with policy = \"listed\"".to_owned()));
            }
            Policy::Open => Domains::Open,
            Policy::Listed => Domains::Listed(domains),
        };
        let settings = GuardSettings { resolver: Arc::new(SystemResolver), private, ports: self.ports.clone(), trust };
        Ok(Some(ClientDocuments::new(domains, Guard::new(settings))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<ClientDocuments>, String> {
        let entry: CimdEntry = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        entry.documents().map_err(|error| error.to_string())
    }

    #[test]
    fn documents_are_on_unless_switched_off() {
        assert!(read("").unwrap().is_some());
        assert!(read("policy = \"listed\"\ndomains = [\"claude.ai\", \"*.example.com\"]").unwrap().is_some());
        assert!(read("policy = \"off\"").unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        let cases = [
            ("policy = \"closed\"", "unknown variant"),
            ("domains = [\"claude.ai\"]", "policy = \"listed\""),
            ("policy = \"listed\"\ndomains = [\"https://claude.ai\"]", "cimd.domains"),
            ("allow_private = [\"10.0.0.1:443\"]", "cimd.allow_private"),
            ("ca_file = \"/nowhere/ca.pem\"", "cimd.ca_file"),
        ];
        for (text, says) in cases {
            let error = read(text).err().unwrap();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
