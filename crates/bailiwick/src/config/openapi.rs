//! `openapi`: an HTTP API whose operations are the tools, and what lets us in there.

use std::collections::BTreeMap;
use std::path::Path;

use bailiwick_broker::Credentials;
use bailiwick_gateway::Api;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;
use super::credential::{CredentialEntry, Place, credentials};
use super::server::{Text, http_url};

/// What the file says of an API.
pub(crate) struct OpenApiEntry<'a> {
    /// Its document.
    pub(crate) file: &'a Path,
    /// Where it is, if the document is not to say so.
    pub(crate) base: Option<&'a Text>,
    /// What errors call the server.
    pub(crate) label: &'a str,
}

/// What one security scheme of an API is shown.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecurityEntry {
    /// As for a server.
    pub(crate) credential: CredentialEntry,
}

impl OpenApiEntry<'_> {
    /// Reads the document.
    pub(crate) fn read(&self) -> Result<Api, ConfigError> {
        let (label, file) = (self.label, self.file.display());
        let base = match self.base {
            None => None,
            Some(written) => {
                let raw = written.fetch(&format!("{label}.base_url"))?;
                let secret = matches!(written, Text::Secret(_));
                let url =
                    http_url(label, secret, &raw).ok().filter(|url| url.query().is_none() && url.fragment().is_none());
                Some(url.ok_or_else(|| {
                    let shown = if secret { "what it refers to".to_owned() } else { format!("{:?}", raw.as_str()) };
                    let says = "is not where an API is, such as https://api.example.com/v1";
                    ConfigError::Value(format!("{label}.base_url: {shown} {says}"))
                })?)
            }
        };
        let text = std::fs::read(self.file)
            .map_err(|error| ConfigError::Value(format!("{label}.openapi: cannot read {file}: {error}")))?;
        let api = Api::read(&text, base.as_ref());
        let api = api.map_err(|error| ConfigError::Value(format!("{label}.openapi: {file}: {error}")))?;
        for left in api.left_out() {
            tracing::warn!(server = label, operation = left.operation, reason = left.why, "not a tool");
        }
        Ok(api)
    }
}

impl SecurityEntry {
    /// What the schemes of an API are shown. Of one that nothing is written for, each person connects a key of their own;
    /// unless the whole API is `open`, where what is written for all of it is shown.
    pub(crate) fn settings(
        entries: &BTreeMap<String, Self>,
        place: Place<'_>,
        (api, personal): (&Api, bool),
    ) -> Result<BTreeMap<String, Credentials>, ConfigError> {
        if let Some(scheme) = entries.keys().find(|scheme| !api.schemes().contains_key(*scheme)) {
            let known: Vec<&str> = api.schemes().keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let label = place.label;
            let says = format!("the document has no such security scheme; it has {known}");
            return Err(ConfigError::Value(format!("{label}.security.{scheme}: {says}")));
        }
        let mut shown = BTreeMap::new();
        for (scheme, wanted) in api.schemes() {
            let label = format!("{}.security.{scheme}", place.label);
            let connection = format!("{}/{scheme}", place.connection);
            let place = Place { label: &label, connection: &connection, ..place };
            let own = personal.then(|| wanted.personal(&connection)).flatten().map(Credentials::only);
            let written = entries.get(scheme).map(|entry| {
                let mut entry = entry.credential.clone();
                entry.place(wanted);
                credentials((Some(&entry), &[]), place, |_| false)
            });
            shown.extend(written.transpose()?.or(own).map(|credentials| (scheme.clone(), credentials)));
        }
        Ok(shown)
    }
}
