//! Credentials that rest on somebody's word: a SAML assertion of ours, and Entra's on-behalf-of flow.

use bailiwick_broker::{ClientAuth, EntraObo, SamlBearer, TokenEndpoint, UserOauth};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Place;
use super::endpoint::{NameWord, scopes, secure_url};
use super::key::{PerWord, exposed};
use crate::config::{ConfigError, Secret};

/// A token for a SAML assertion that we mint (RFC 7522).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamlBearerEntry {
    /// The token endpoint.
    pub(crate) token_url: String,
    /// The audience of the assertion: how the reader calls itself.
    pub(crate) audience: String,
    /// Where the assertion is to be presented; by default `token_url`.
    pub(crate) recipient: Option<String>,
    /// Who we are to the reader; by default our `public_url`.
    pub(crate) issuer: Option<String>,
    /// Our key at this reader: an RSA key in PKCS#8, PEM text. Each reader gets one of its own.
    pub(crate) key: Secret,
    /// What people are called there: `sub` (default), `name` or `email`.
    pub(crate) name_id: Option<NameWord>,
    /// Our `client_id` there.
    pub(crate) client_id: Option<String>,
    /// Our secret there.
    pub(crate) client_secret: Option<Secret>,
    /// The scopes that are asked for, and the most that is taken.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    /// `user`: each person agrees first to be called by that name there.
    pub(crate) per: Option<PerWord>,
    /// The name their word is kept under, to be shared by several servers or tools; by default the server's, or
    /// `server/tool`.
    pub(crate) connection: Option<String>,
}

impl SamlBearerEntry {
    pub(super) fn settings(&self, label: &str, connection: &str) -> Result<SamlBearer, ConfigError> {
        if self.per.is_none() && self.connection.is_some() {
            return Err(ConfigError::Value(format!("{label}: `connection` goes with `per = \"user\"`")));
        }
        let endpoint = TokenEndpoint {
            url: secure_url(&format!("{label}.token_url"), &self.token_url)?,
            auth: auth(self.client_secret.as_ref(), label)?,
            client_id: self.client_id.clone(),
            scopes: scopes(label, &self.scopes)?,
        };
        Ok(SamlBearer {
            endpoint,
            audience: self.audience.clone(),
            recipient: self.recipient.clone(),
            issuer: self.issuer.clone(),
            name_id: self.name_id.map(NameWord::name).unwrap_or_default(),
            agreed: self.per.map(|PerWord::User| self.connection.as_deref().unwrap_or(connection).to_owned()),
            key: exposed(&self.key, &format!("{label}.key"))?,
        })
    }
}

/// A token that Entra gives for one of the person's own, who connects an account once.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntraOboEntry {
    /// The tenant: its id or domain.
    pub(crate) tenant: Option<String>,
    /// Instead of a tenant: where Entra is, such as `https://login.microsoftonline.us/TENANT/oauth2/v2.0`.
    pub(crate) authority: Option<String>,
    /// Our application's id.
    pub(crate) client_id: String,
    /// Our application's secret.
    pub(crate) client_secret: Secret,
    /// The scopes of the tool, such as `https://graph.microsoft.com/.default`.
    pub(crate) scopes: Vec<String>,
    /// The scopes that people let us have; by default `api://CLIENT_ID/.default offline_access`.
    pub(crate) connect_scopes: Option<Vec<String>>,
    /// The name people connect under, to be shared by several servers or tools; by default the server's, or `server/tool`.
    pub(crate) connection: Option<String>,
}

impl EntraOboEntry {
    pub(super) fn settings(&self, label: &str, place: Place<'_>) -> Result<EntraObo, ConfigError> {
        let authority = match (&self.tenant, &self.authority) {
            (Some(tenant), None) if !tenant.contains('/') => {
                format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0")
            }
            (None, Some(authority)) => authority.trim_end_matches('/').to_owned(),
            _ => return Err(ConfigError::Value(format!("{label}: give either `tenant` or `authority`"))),
        };
        let url = |path: &str| secure_url(&format!("{label}.authority"), &format!("{authority}/{path}"));
        let secret = exposed(&self.client_secret, &format!("{label}.client_secret"))?;
        let usual = || vec![format!("api://{}/.default", self.client_id), "offline_access".to_owned()];
        let connect = self.connect_scopes.clone().unwrap_or_else(usual);
        Ok(EntraObo {
            endpoint: TokenEndpoint {
                url: url("token")?,
                client_id: Some(self.client_id.clone()),
                auth: ClientAuth::Post(secret.clone()),
                scopes: scopes(label, &self.scopes)?,
            },
            account: UserOauth {
                connection: self.connection.clone().unwrap_or_else(|| place.connection.to_owned()),
                upstream: None,
                issuer: None,
                authorization_url: Some(url("authorize")?),
                token_url: Some(url("token")?),
                client_id: Some(self.client_id.clone()),
                client_secret: Some(secret),
                scopes: scopes(label, &connect)?,
                revocation_url: None,
                // A refresh token of Entra's can be used again, though each answer brings another.
                rotates: false,
                // Its v2 endpoints take no such parameter.
                resource: Some(String::new()),
            },
        })
    }
}

fn auth(secret: Option<&Secret>, label: &str) -> Result<ClientAuth, ConfigError> {
    let exposed = secret.map(|secret| exposed(secret, &format!("{label}.client_secret"))).transpose()?;
    Ok(exposed.map_or(ClientAuth::None, ClientAuth::Basic))
}
