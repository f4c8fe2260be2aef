//! `[login.NAME]`: where people sign in besides here.

use bailiwick_authority::{ProviderSettings, SignalSettings, UpstreamIssuer};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, Secret};
use crate::command::config::server_name;

/// What the file says of one provider; its callback is `{public_url}/login/NAME/callback`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginEntry {
    /// The protocol.
    pub(crate) kind: LoginKind,
    /// The provider's issuer, exactly as it names itself.
    pub(crate) issuer: String,
    /// Who we are there.
    pub(crate) client_id: String,
    /// Makes us a confidential client.
    #[serde(default)]
    pub(crate) client_secret: Option<Secret>,
    /// What is asked for beside `openid`; by default `profile` and `email`.
    #[serde(default)]
    pub(crate) scopes: Option<Vec<String>>,
    /// The claim that lists groups; by default `groups`.
    #[serde(default)]
    pub(crate) groups_claim: Option<String>,
    /// What people call it.
    #[serde(default)]
    pub(crate) title: Option<String>,
    /// Whether it may sign people out here by back-channel logout, at `/login/NAME/backchannel`; by default it may.
    #[serde(default = "yes")]
    pub(crate) backchannel: bool,
    /// Whether it may push security events to `/login/NAME/events`; by default it may not.
    #[serde(default)]
    pub(crate) events: bool,
    /// The audience of its security events; by default `client_id`.
    #[serde(default)]
    pub(crate) events_audience: Option<String>,
}

fn yes() -> bool {
    true
}

/// How people sign in.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LoginKind {
    /// OpenID Connect, code and PKCE.
    Oidc,
}

impl LoginEntry {
    /// Turns the entry into a provider.
    pub(crate) fn provider(&self, name: &str) -> Result<ProviderSettings, ConfigError> {
        let LoginKind::Oidc = self.kind;
        let wrong = |says: &str| ConfigError::Value(format!("login.{name}: {says}"));
        server_name(name).map_err(|_| wrong("the name is part of an address: use a-z, 0-9 and -"))?;
        let issuer = UpstreamIssuer::parse(&self.issuer).map_err(wrong)?;
        if self.client_id.is_empty() {
            return Err(wrong("client_id is empty"));
        }
        let what = format!("login.{name}.client_secret");
        let scopes = self.scopes.clone().unwrap_or_else(|| vec!["profile".to_owned(), "email".to_owned()]);
        if scopes.iter().any(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
            return Err(wrong("scopes: one scope per text"));
        }
        Ok(ProviderSettings {
            name: name.to_owned(),
            title: self.title.clone().unwrap_or_else(|| name.to_owned()),
            issuer,
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.as_ref().map(|secret| secret.fetch(&what)).transpose()?,
            scopes,
            groups_claim: self.groups_claim.clone().unwrap_or_else(|| "groups".to_owned()),
            signals: SignalSettings {
                backchannel: self.backchannel,
                events: self.events,
                events_audience: self.events_audience.clone(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(more: &str) -> Result<LoginEntry, toml::de::Error> {
        toml::from_str(&format!("kind = \"oidc\"\nclient_id = \"us\"\n{more}"))
    }

    #[test]
    fn a_provider_has_defaults() {
        let provider = entry("issuer = \"https://login.example.com\"").unwrap().provider("corp").unwrap();

        assert_eq!((provider.title.as_str(), provider.groups_claim.as_str()), ("corp", "groups"));
        assert_eq!(provider.scopes, ["profile", "email"]);
        assert_eq!(provider.signals, SignalSettings { backchannel: true, events: false, events_audience: None });
    }

    #[test]
    fn a_name_an_issuer_and_a_kind_must_be_usable() {
        let good = entry("issuer = \"https://login.example.com\"").unwrap();
        let plain = entry("issuer = \"http://login.example.com\"").unwrap();

        assert!(good.provider("Corp!").is_err());
        assert!(plain.provider("corp").is_err());
        assert!(toml::from_str::<LoginEntry>("kind = \"ldap\"\nclient_id = \"us\"\nissuer = \"https://a\"").is_err());
        assert!(entry("issuer = \"https://a.example\"\nsecret = \"x\"").is_err());
    }
}
