//! `[login.NAME]`: where people sign in besides here.

use std::path::PathBuf;
use std::sync::Arc;

use bailiwick_authority::{LoginSettings, ProviderSettings, SamlParty, SamlSettings, SignalSettings, UpstreamIssuer};
use bailiwick_saml::SigningKey;
use schemars::JsonSchema;
use serde::Deserialize;

use super::saml::{SamlFields, party};
use super::{ConfigError, Secret};
use crate::command::config::server_name;

/// What the file says of one provider; its callback is `{public_url}/login/NAME/callback`, or for SAML
/// `{public_url}/login/NAME/acs`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginEntry {
    /// The protocol.
    pub(crate) kind: LoginKind,
    /// `oidc`: the provider's issuer, exactly as it names itself.
    #[serde(default)]
    pub(crate) issuer: Option<String>,
    /// `oidc`: who we are there.
    #[serde(default)]
    pub(crate) client_id: Option<String>,
    /// Makes us a confidential client.
    #[serde(default)]
    pub(crate) client_secret: Option<Secret>,
    /// What is asked for beside `openid`; by default `profile` and `email`.
    #[serde(default)]
    pub(crate) scopes: Option<Vec<String>>,
    /// The claim that lists groups; by default `groups`.
    #[serde(default)]
    pub(crate) groups_claim: Option<String>,
    /// `saml`: the file with the provider's metadata.
    #[serde(default)]
    pub(crate) metadata: Option<PathBuf>,
    /// `saml`: signs requests: an RSA key in PKCS#8.
    #[serde(default)]
    pub(crate) key: Option<Secret>,
    /// `saml`: the certificate of `key`, for the provider to know it by.
    #[serde(default)]
    pub(crate) certificate: Option<PathBuf>,
    /// `saml`: the attribute that names the account; by default the persistent `NameID` does.
    #[serde(default)]
    pub(crate) subject_attribute: Option<String>,
    /// `saml`: the attribute that lists groups; by default `groups`.
    #[serde(default)]
    pub(crate) groups_attribute: Option<String>,
    /// `saml`: the attribute with an e-mail address that the provider vouches for; by default none is read.
    #[serde(default)]
    pub(crate) email_attribute: Option<String>,
    /// `saml`: the attribute with a name to show; by default the account's there.
    #[serde(default)]
    pub(crate) name_attribute: Option<String>,
    /// What people call it.
    #[serde(default)]
    pub(crate) title: Option<String>,
    /// Whether it may sign people out here by back-channel logout, at `/login/NAME/backchannel`; by default it may.
    #[serde(default)]
    pub(crate) backchannel: Option<bool>,
    /// Whether it may push security events to `/login/NAME/events`; by default it may not.
    #[serde(default)]
    pub(crate) events: bool,
    /// The audience of its security events; by default `client_id`.
    #[serde(default)]
    pub(crate) events_audience: Option<String>,
}

/// How people sign in.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LoginKind {
    /// OpenID Connect, code and PKCE.
    Oidc,
    /// SAML 2.0, request by redirect and answer by POST.
    Saml,
}

impl LoginEntry {
    /// Turns the entry into a provider.
    pub(crate) fn provider(&self, name: &str) -> Result<LoginSettings, ConfigError> {
        let wrong = |says: &str| ConfigError::Value(format!("login.{name}: {says}"));
        server_name(name).map_err(|_| wrong("the name is part of an address: use a-z, 0-9 and -"))?;
        Ok(match self.saml_party(name)? {
            Some(party) => {
                LoginSettings::Saml(SamlSettings { party, title: self.title(name), key: self.signing_key(name)? })
            }
            None => LoginSettings::Oidc(self.oidc(name)?),
        })
    }

    /// Whom the entry describes, if it is about SAML.
    pub(super) fn saml_party(&self, name: &str) -> Result<Option<SamlParty>, ConfigError> {
        match self.kind {
            LoginKind::Oidc => return Ok(None),
            LoginKind::Saml => {}
        }
        let oidc = [&self.issuer, &self.client_id, &self.groups_claim, &self.events_audience];
        let told = oidc.iter().any(|field| field.is_some()) || self.client_secret.is_some() || self.scopes.is_some();
        if told || self.events || self.backchannel.is_some() {
            return Err(ConfigError::Value(format!(
                "login.{name}: kind \"saml\" takes metadata, title, key, certificate and attributes"
            )));
        }
        let fields = SamlFields {
            metadata: self.metadata.as_deref(),
            subject: self.subject_attribute.as_ref(),
            groups: self.groups_attribute.as_ref(),
            email: self.email_attribute.as_ref(),
            name: self.name_attribute.as_ref(),
        };
        party(&format!("login.{name}"), name, &fields).map(Some)
    }

    /// What requests are signed with: key and certificate go together.
    fn signing_key(&self, name: &str) -> Result<Option<Arc<SigningKey>>, ConfigError> {
        let wrong = |says: String| ConfigError::Value(format!("login.{name}.{says}"));
        let (key, path) = match (&self.key, &self.certificate) {
            (None, None) => return Ok(None),
            (Some(key), Some(path)) => (key, path),
            (Some(_), None) => return Err(wrong("key: it needs its certificate beside it".to_owned())),
            (None, Some(_)) => return Err(wrong("certificate: it needs its key beside it".to_owned())),
        };
        let pem = key.fetch(&format!("login.{name}.key"))?;
        let key = SigningKey::from_pem(&pem).map_err(|error| wrong(format!("key: {error}")))?;
        let shown = path.display();
        let pem = std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("certificate: cannot read {shown}: {error}")))?;
        let key = key.certified(&pem).map_err(|error| wrong(format!("certificate: {shown}: {error}")))?;
        Ok(Some(Arc::new(key)))
    }

    fn title(&self, name: &str) -> String {
        self.title.clone().unwrap_or_else(|| name.to_owned())
    }

    fn oidc(&self, name: &str) -> Result<ProviderSettings, ConfigError> {
        let wrong = |says: &str| ConfigError::Value(format!("login.{name}: {says}"));
        let saml = [&self.subject_attribute, &self.groups_attribute, &self.email_attribute, &self.name_attribute];
        if self.metadata.is_some()
            || self.key.is_some()
            || self.certificate.is_some()
            || saml.iter().any(|field| field.is_some())
        {
            return Err(wrong("metadata, key, certificate and attributes are for kind \"saml\""));
        }
        let issuer = self.issuer.as_deref().ok_or_else(|| wrong("issuer is missing"))?;
        let issuer = UpstreamIssuer::parse(issuer).map_err(wrong)?;
        let client_id =
            self.client_id.clone().filter(|id| !id.is_empty()).ok_or_else(|| wrong("client_id is empty"))?;
        let what = format!("login.{name}.client_secret");
        let scopes = self.scopes.clone().unwrap_or_else(|| vec!["profile".to_owned(), "email".to_owned()]);
        if scopes.iter().any(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
            return Err(wrong("scopes: one scope per text"));
        }
        Ok(ProviderSettings {
            name: name.to_owned(),
            title: self.title(name),
            issuer,
            client_id,
            client_secret: self.client_secret.as_ref().map(|secret| secret.fetch(&what)).transpose()?,
            scopes,
            groups_claim: self.groups_claim.clone().unwrap_or_else(|| "groups".to_owned()),
            signals: SignalSettings {
                backchannel: self.backchannel.unwrap_or(true),
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
        let provider = entry("issuer = \"https://login.example.com\"").unwrap().oidc("corp").unwrap();

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
        assert!(entry("metadata = \"idp.xml\"\nissuer = \"https://a.example\"").unwrap().provider("corp").is_err());
        assert!(entry("").unwrap().provider("corp").is_err(), "an issuer is needed");
    }

    #[test]
    fn saml_takes_its_own_fields_only() {
        let saml =
            |more: &str| toml::from_str::<LoginEntry>(&format!("kind = \"saml\"\n{more}")).unwrap().provider("corp");
        let says = |more: &str| saml(more).err().map(|error| error.to_string()).unwrap_or_default();

        assert!(says("").contains("login.corp.metadata: name the file"));
        assert!(says("metadata = \"/nowhere.xml\"").contains("cannot read /nowhere.xml"));
        assert!(says("metadata = \"/nowhere.xml\"\nclient_id = \"us\"").contains("takes metadata"));
    }
}
