//! Credentials that another authorization server gives: its token endpoint, who we are there, and what we ask for.

use bailiwick_broker::{ClientAuth, ClientCredentials, Exchange, JwtBearer, NameFrom, TokenEndpoint};
use bailiwick_domain::scope::{Scope, ScopeSet};
use schemars::JsonSchema;
use serde::Deserialize;
use url::{Host, Url};

use super::key::exposed;
use crate::config::{ConfigError, Secret};

/// A token that is asked for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenEntry {
    /// The token endpoint.
    pub(crate) token_url: String,
    /// Our `client_id` there.
    pub(crate) client_id: Option<String>,
    /// Our secret there.
    pub(crate) client_secret: Option<Secret>,
    /// How we prove who we are: `client_secret_basic` (default with a secret), `client_secret_post`, `private_key_jwt`
    /// (with the key published at `/jwks.json`) or `none`.
    pub(crate) token_endpoint_auth_method: Option<String>,
    /// The scopes that are asked for, and the most that is taken.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    /// Whom the token is for; with `jwt_bearer` whom the assertion is for, by default `token_url`.
    pub(crate) audience: Option<String>,
    /// With `client_credentials`: the `resource` parameter (RFC 8707).
    pub(crate) resource: Option<String>,
    /// With `exchange`: the audience of the token of ours that is given for it; by default `token_url`.
    pub(crate) subject_audience: Option<String>,
    /// With `jwt_bearer`: what people are called there, `sub` (default, never changes), `name` or `email`.
    pub(crate) subject: Option<NameWord>,
}

/// What people are called, as it is written.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NameWord {
    /// By the `sub` of their tokens.
    Sub,
    /// By the name of their account.
    Name,
    /// By their e-mail address.
    Email,
}

impl NameWord {
    pub(super) const fn name(self) -> NameFrom {
        match self {
            Self::Sub => NameFrom::Subject,
            Self::Name => NameFrom::Name,
            Self::Email => NameFrom::Email,
        }
    }
}

impl TokenEntry {
    /// As a client of its own.
    pub(super) fn client_credentials(&self, label: &str) -> Result<ClientCredentials, ConfigError> {
        Self::refuse(
            label,
            [("subject_audience", self.subject_audience.is_some()), ("subject", self.subject.is_some())],
        )?;
        let (audience, resource) = (self.audience.clone(), self.resource.clone());
        Ok(ClientCredentials { endpoint: self.endpoint(label)?, audience, resource })
    }

    /// For a token of ours.
    pub(super) fn exchange(&self, label: &str) -> Result<Exchange, ConfigError> {
        Self::refuse(label, [("resource", self.resource.is_some()), ("subject", self.subject.is_some())])?;
        let audience = self.audience.clone();
        let missing = || ConfigError::Value(format!("{label}: `audience` is missing: whom the token is for"));
        Ok(Exchange {
            endpoint: self.endpoint(label)?,
            audience: audience.ok_or_else(missing)?,
            subject_audience: self.subject_audience.clone(),
        })
    }

    /// For an assertion.
    pub(super) fn jwt_bearer(&self, label: &str) -> Result<JwtBearer, ConfigError> {
        let unused = [("resource", self.resource.is_some()), ("subject_audience", self.subject_audience.is_some())];
        Self::refuse(label, unused)?;
        let subject = self.subject.map(NameWord::name).unwrap_or_default();
        Ok(JwtBearer { endpoint: self.endpoint(label)?, audience: self.audience.clone(), subject })
    }

    fn refuse(label: &str, unused: [(&str, bool); 2]) -> Result<(), ConfigError> {
        match unused.iter().find(|(_, given)| *given) {
            Some((field, _)) => Err(ConfigError::Value(format!("{label}: `{field}` means nothing to this kind"))),
            None => Ok(()),
        }
    }

    fn endpoint(&self, label: &str) -> Result<TokenEndpoint, ConfigError> {
        let url = &self.token_url;
        let url = Url::parse(url).ok().filter(is_safe).ok_or_else(|| {
            ConfigError::Value(format!(
                "{label}.token_url: {url:?} is not an https URL (http is for this machine only)"
            ))
        })?;
        let auth = self.auth(label)?;
        if auth != ClientAuth::None && self.client_id.is_none() {
            return Err(ConfigError::Value(format!("{label}: `client_id` is missing")));
        }
        Ok(TokenEndpoint { url, client_id: self.client_id.clone(), auth, scopes: scopes(label, &self.scopes)? })
    }

    fn auth(&self, label: &str) -> Result<ClientAuth, ConfigError> {
        let secret = || {
            let secret = self.client_secret.as_ref();
            let missing = || ConfigError::Value(format!("{label}: `client_secret` is missing"));
            exposed(secret.ok_or_else(missing)?, &format!("{label}.client_secret"))
        };
        match (self.token_endpoint_auth_method.as_deref(), &self.client_secret) {
            (None | Some("none"), None) => Ok(ClientAuth::None),
            (None | Some("client_secret_basic"), _) => Ok(ClientAuth::Basic(secret()?)),
            (Some("client_secret_post"), _) => Ok(ClientAuth::Post(secret()?)),
            (Some("private_key_jwt"), None) => Ok(ClientAuth::SignedJwt),
            (Some("private_key_jwt" | "none"), Some(_)) => {
                Err(ConfigError::Value(format!("{label}: this `token_endpoint_auth_method` takes no `client_secret`")))
            }
            (Some(other), _) => Err(ConfigError::Value(format!(
                "{label}.token_endpoint_auth_method: {other:?} is not offered; use client_secret_basic, \
                 client_secret_post, private_key_jwt or none"
            ))),
        }
    }
}

/// A URL that secrets may travel to.
pub(super) fn secure_url(what: &str, raw: &str) -> Result<Url, ConfigError> {
    Url::parse(raw).ok().filter(is_safe).ok_or_else(|| {
        ConfigError::Value(format!("{what}: {raw:?} is not an https URL (http is for this machine only)"))
    })
}

/// Scopes as they are written.
pub(super) fn scopes(label: &str, written: &[String]) -> Result<ScopeSet, ConfigError> {
    let scope = |raw: &String| {
        Scope::parse(raw).ok_or_else(|| ConfigError::Value(format!("{label}.scopes: {raw:?} is not a scope")))
    };
    written.iter().map(scope).collect()
}

/// Secrets travel there: https, or this very machine.
fn is_safe(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && here)
}
