//! `[issuer.NAME]`: who else may say who a person is, to `/token` and by the clients named here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bailiwick_authority::{SamlGrantor, SamlParty};
use bailiwick_domain::ids::ClientId;
use schemars::JsonSchema;
use serde::Deserialize;

use super::saml::{SamlFields, party};
use super::{ConfigError, LoginEntry};
use crate::command::config::server_name;

/// What the file says of one issuer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuerEntry {
    /// What it issues.
    pub(crate) kind: IssuerKind,
    /// The clients that may bring its assertions; each must prove who it is.
    pub(crate) clients: Vec<String>,
    /// The `[login.NAME]` that describes it already; in place of `metadata` and the attributes.
    #[serde(default)]
    pub(crate) login: Option<String>,
    /// The file with its metadata.
    #[serde(default)]
    pub(crate) metadata: Option<PathBuf>,
    /// The attribute that names the account; by default the persistent `NameID` does.
    #[serde(default)]
    pub(crate) subject_attribute: Option<String>,
    /// The attribute that lists groups; by default `groups`.
    #[serde(default)]
    pub(crate) groups_attribute: Option<String>,
    /// The attribute with an e-mail address that the issuer vouches for; by default none is read.
    #[serde(default)]
    pub(crate) email_attribute: Option<String>,
    /// The attribute with a name to show; by default the account's there.
    #[serde(default)]
    pub(crate) name_attribute: Option<String>,
}

/// What it issues.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IssuerKind {
    /// SAML 2.0 assertions (RFC 7522).
    Saml,
}

impl IssuerEntry {
    /// Turns the entry into an issuer.
    pub(crate) fn grantor(
        &self,
        name: &str,
        logins: &BTreeMap<String, LoginEntry>,
    ) -> Result<SamlGrantor, ConfigError> {
        let IssuerKind::Saml = self.kind;
        let wrong = |says: String| ConfigError::Value(format!("issuer.{name}: {says}"));
        server_name(name).map_err(|_| wrong("the name: use a-z, 0-9 and -".to_owned()))?;
        let client = |raw: &String| {
            ClientId::parse(raw).ok_or_else(|| wrong(format!("clients: {raw:?} is not usable as a client_id")))
        };
        let clients = self.clients.iter().map(client).collect::<Result<Vec<_>, _>>()?;
        Ok(SamlGrantor { name: name.to_owned(), party: self.party(name, logins)?, clients })
    }

    fn party(&self, name: &str, logins: &BTreeMap<String, LoginEntry>) -> Result<SamlParty, ConfigError> {
        let wrong = |says: String| ConfigError::Value(format!("issuer.{name}: {says}"));
        let own = [&self.subject_attribute, &self.groups_attribute, &self.email_attribute, &self.name_attribute];
        let Some(login) = &self.login else {
            let fields = SamlFields {
                metadata: self.metadata.as_deref(),
                subject: self.subject_attribute.as_ref(),
                groups: self.groups_attribute.as_ref(),
                email: self.email_attribute.as_ref(),
                name: self.name_attribute.as_ref(),
            };
            return party(&format!("issuer.{name}"), name, &fields);
        };
        if self.metadata.is_some() || own.iter().any(|field| field.is_some()) {
            return Err(wrong("login goes alone: metadata and attributes are told there".to_owned()));
        }
        let entry = logins.get(login).ok_or_else(|| wrong(format!("login: there is no [login.{login}]")))?;
        entry.saml_party(login)?.ok_or_else(|| wrong(format!("login: [login.{login}] is not of kind \"saml\"")))
    }
}
