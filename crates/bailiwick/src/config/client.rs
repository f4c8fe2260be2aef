//! `[client.NAME]`: an OAuth client that is known beforehand.

use bailiwick_domain::client::{AuthMethod, Client, ClientSource, GrantType, secret_digest};
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::RedirectUri;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, Secret};

/// What the file says of one client; its `client_id` is the name of the section.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ClientEntry {
    /// The name people see.
    pub(crate) name: Option<String>,
    /// Where codes may be sent.
    pub(crate) redirect_uris: Vec<String>,
    /// `authorization_code`, `refresh_token`, `client_credentials`; by default the first two.
    pub(crate) grant_types: Option<Vec<String>>,
    /// Makes the client confidential.
    pub(crate) client_secret: Option<Secret>,
    /// `client_secret_basic` (default) or `client_secret_post`; `none` without a secret.
    pub(crate) token_endpoint_auth_method: Option<String>,
    /// What the client may hold on its own account.
    pub(crate) scope: Option<String>,
    /// Agents it may hand its user to: it exchanges a token it got itself for one of theirs.
    pub(crate) hands_to: Vec<String>,
}

impl ClientEntry {
    /// Turns the entry into a client.
    pub(crate) fn client(&self, name: &str) -> Result<Client, ConfigError> {
        let wrong = |says: String| ConfigError::Value(format!("client.{name}: {says}"));
        let id = ClientId::parse(name).ok_or_else(|| wrong("not usable as a client_id".to_owned()))?;
        let register = |raw: &String| {
            RedirectUri::register(raw).map_err(|error| wrong(format!("redirect_uris: {raw:?}: {error}")))
        };
        let redirect_uris = self.redirect_uris.iter().map(register).collect::<Result<Vec<_>, _>>()?;
        let secret = self.client_secret.as_ref().map(|secret| secret.fetch(&format!("client.{name}"))).transpose()?;
        let auth = self.auth(secret.is_some()).map_err(wrong)?;
        let scope = match &self.scope {
            Some(raw) => Some(ScopeSet::parse(raw).ok_or_else(|| wrong("scope: not a list of scopes".to_owned()))?),
            None => None,
        };
        let mut grant_types = self.grants().map_err(wrong)?;
        if !self.hands_to.is_empty() {
            grant_types.push(GrantType::TokenExchange);
        }
        if grant_types.contains(&GrantType::ClientCredentials) && secret.is_none() {
            return Err(wrong("client_credentials needs a client_secret".to_owned()));
        }
        Ok(Client {
            id,
            name: self.name.clone().unwrap_or_else(|| name.to_owned()),
            source: ClientSource::Static,
            redirect_uris,
            grant_types,
            auth,
            scope,
            uri: None,
            secret: secret.map(|text| secret_digest(&text)),
            issued_at: Timestamp::from_millis(0),
        })
    }

    fn auth(&self, secret: bool) -> Result<AuthMethod, String> {
        match (self.token_endpoint_auth_method.as_deref(), secret) {
            (None | Some("none"), false) => Ok(AuthMethod::None),
            (None | Some("client_secret_basic"), true) => Ok(AuthMethod::ClientSecretBasic),
            (Some("client_secret_post"), true) => Ok(AuthMethod::ClientSecretPost),
            (Some(method), _) => Err(format!(
                "token_endpoint_auth_method {method:?} does not fit {}",
                if secret { "a client with a secret" } else { "a client without a secret" }
            )),
        }
    }

    fn grants(&self) -> Result<Vec<GrantType>, String> {
        let Some(words) = &self.grant_types else {
            return Ok(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]);
        };
        let read = |word: &String| {
            [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials]
                .into_iter()
                .find(|grant| grant.as_str() == word)
                .ok_or_else(|| format!("grant_types: {word:?} is not served"))
        };
        words.iter().map(read).collect()
    }
}
