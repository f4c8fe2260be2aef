//! Tokens of each person's own, who lets us act for them.

use bailiwick_broker::UserOauth;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::Place;
use super::endpoint::{scopes, secure_url};
use super::key::exposed;
use crate::config::{ConfigError, Secret};

/// Each person connects an account of theirs once. Where nothing says which authorization server that is, the server at
/// `upstream` is asked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UserOauthEntry {
    /// The authorization server, whose metadata says the rest.
    pub(crate) issuer: Option<String>,
    /// Its authorization endpoint, where it has no metadata.
    pub(crate) authorization_url: Option<String>,
    /// Its token endpoint, where it has no metadata.
    pub(crate) token_url: Option<String>,
    /// Its revocation endpoint, where it has one and no metadata.
    pub(crate) revocation_url: Option<String>,
    /// Our `client_id` there; without one the gateway describes itself in a document, or registers.
    pub(crate) client_id: Option<String>,
    /// Our secret there.
    pub(crate) client_secret: Option<Secret>,
    /// The scopes that are asked for.
    pub(crate) scopes: Vec<String>,
    /// The `resource` parameter (RFC 8707), where it is not the server's URL; empty for none at all.
    pub(crate) resource: Option<String>,
    /// `false` where the provider lets a refresh token be used again: a refresh that was cut off is then tried anew, and
    /// nobody has to connect again.
    pub(crate) rotates: Option<bool>,
    /// The name people connect under, to be shared by several servers or tools; by default the server's, or `server/tool`.
    pub(crate) connection: Option<String>,
}

impl UserOauthEntry {
    pub(super) fn settings(&self, label: &str, place: Place<'_>) -> Result<UserOauth, ConfigError> {
        if self.authorization_url.is_some() != self.token_url.is_some() {
            let says = "`authorization_url` and `token_url` go together";
            return Err(ConfigError::Value(format!("{label}: {says}")));
        }
        if self.issuer.is_none() && self.token_url.is_none() && place.url.is_none() {
            let says = "say where people sign in: `issuer`, or `authorization_url` and `token_url`";
            return Err(ConfigError::Value(format!("{label}: {says}")));
        }
        let url = |field: &str, raw: &Option<String>| -> Result<Option<Url>, ConfigError> {
            raw.as_ref().map(|raw| secure_url(&format!("{label}.{field}"), raw)).transpose()
        };
        url("issuer", &self.issuer)?;
        if place.hidden && self.resource.is_none() {
            let says = "the server's URL is a secret, and would be told as the `resource`: write what the provider \
                        calls the server, or \"\" for nothing";
            return Err(ConfigError::Value(format!("{label}: {says}")));
        }
        // Where all of it is written, servers at several URLs may share what people connect.
        let written = (self.issuer.is_some() || self.token_url.is_some()) && self.resource.is_some();
        let secret = self.client_secret.as_ref().map(|secret| exposed(secret, &format!("{label}.client_secret")));
        Ok(UserOauth {
            connection: self.connection.clone().unwrap_or_else(|| place.connection.to_owned()),
            upstream: place.url.filter(|_| !written).map(|(_, url)| url.clone()),
            issuer: self.issuer.clone(),
            authorization_url: url("authorization_url", &self.authorization_url)?,
            token_url: url("token_url", &self.token_url)?,
            revocation_url: url("revocation_url", &self.revocation_url)?,
            client_id: self.client_id.clone(),
            client_secret: secret.transpose()?,
            scopes: scopes(label, &self.scopes)?,
            resource: self.resource.clone(),
            rotates: self.rotates.unwrap_or(true),
        })
    }
}
