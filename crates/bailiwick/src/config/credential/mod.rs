//! `credential`: what a server is shown to let us in, for all of it or for single tools, in one step or in several.

mod endpoint;
mod key;
mod near;
mod user_oauth;
mod vouching;

use bailiwick_broker::{Credential, Credentials, SignedJwt, Tier};
use bailiwick_domain::scope::{Scope, ScopeSet};
use bailiwick_gateway::Scheme;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use self::endpoint::TokenEntry;
pub(crate) use self::key::PerWord;
use self::key::{ApiKeyEntry, BasicEntry, MtlsEntry};
use self::user_oauth::UserOauthEntry;
use self::vouching::{EntraOboEntry, SamlBearerEntry};
use super::{ConfigError, Secret};

/// One credential.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum CredentialEntry {
    /// Nothing.
    None(NoneEntry),
    /// A short token that we sign.
    SignedJwt(SignedJwtEntry),
    /// A fixed key in a header, the query or a cookie: one for all, or one for each team or person.
    ApiKey(ApiKeyEntry),
    /// A name and a password.
    Basic(BasicEntry),
    /// A token of each person's own, who connects an account once.
    UserOauth(UserOauthEntry),
    /// A token of the gateway's own as a client of another authorization server.
    ClientCredentials(TokenEntry),
    /// A token that another authorization server gives for one of ours (RFC 8693).
    Exchange(TokenEntry),
    /// A token that another authorization server gives for an assertion we sign about the person (RFC 7523).
    JwtBearer(TokenEntry),
    /// A token for a SAML assertion that we mint (RFC 7522).
    SamlBearer(SamlBearerEntry),
    /// A token that Entra gives for one of the person's own (on-behalf-of).
    EntraObo(EntraOboEntry),
    /// A client certificate.
    Mtls(MtlsEntry),
}

/// Nothing more to say.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoneEntry {}

/// A short token that we sign.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedJwtEntry {
    /// The audience the server knows itself by; by default its URL as written in `upstream`.
    pub(crate) audience: Option<String>,
}

/// One step of privilege.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TierEntry {
    /// The scopes of this server it is for.
    pub(crate) scopes: Vec<String>,
    /// What is shown.
    pub(crate) credential: CredentialEntry,
}

/// What one tool is shown instead of what the rest of its server is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolEntry {
    /// One credential for whoever may call it.
    pub(crate) credential: Option<CredentialEntry>,
    /// Credentials by scope, lowest privilege first.
    #[serde(default)]
    pub(crate) tiers: Vec<TierEntry>,
}

/// What a credential is written for.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// What complaints call it.
    pub(crate) label: &'a str,
    /// The name people connect under, unless another is written.
    pub(crate) connection: &'a str,
    /// The server's URL, as it is written and as it is read; none for one that is no URL.
    pub(crate) url: Option<(&'a str, &'a Url)>,
    /// Whether that URL is a secret.
    pub(crate) hidden: bool,
}

impl CredentialEntry {
    /// What the broker makes of it.
    pub(crate) fn settings(&self, place: Place<'_>) -> Result<Credential, ConfigError> {
        let label = format!("{}.credential", place.label);
        Ok(match self {
            Self::None(_) => Credential::None,
            Self::SignedJwt(SignedJwtEntry { audience }) => {
                let audience = audience.as_deref().or(place.url.map(|(raw, _)| raw)).filter(|text| !text.is_empty());
                let audience = audience.ok_or_else(|| {
                    ConfigError::Value(format!("{label}: `audience` is empty; leave it out to use the URL"))
                })?;
                Credential::SignedJwt(SignedJwt { audience: audience.to_owned() })
            }
            Self::ApiKey(entry) => Credential::ApiKey(entry.settings(&label, place.connection)?),
            Self::Basic(entry) => Credential::Basic(entry.settings(&label, place.connection)?),
            Self::UserOauth(entry) => Credential::UserOauth(Box::new(entry.settings(&label, place)?)),
            Self::ClientCredentials(entry) => Credential::ClientCredentials(entry.client_credentials(&label)?),
            Self::Exchange(entry) => Credential::Exchange(entry.exchange(&label)?),
            Self::JwtBearer(entry) => Credential::JwtBearer(entry.jwt_bearer(&label)?),
            Self::SamlBearer(entry) => Credential::SamlBearer(Box::new(entry.settings(&label, place.connection)?)),
            Self::EntraObo(entry) => Credential::EntraObo(Box::new(entry.settings(&label, place)?)),
            Self::Mtls(entry) => Credential::Mtls(entry.settings(&label)?),
        })
    }

    /// Puts a key for which nothing says where it goes where that scheme wants it.
    pub(crate) fn place(&mut self, scheme: &Scheme) {
        if let (Self::ApiKey(entry), Some(place)) = (self, scheme.place()) {
            entry.go_to(place);
        }
    }

    /// The secrets it refers to.
    pub(crate) fn secrets(&mut self) -> Vec<&mut Secret> {
        match self {
            Self::None(_) | Self::SignedJwt(_) => Vec::new(),
            Self::ApiKey(entry) => entry.secret.iter_mut().chain(entry.secrets.values_mut()).collect(),
            Self::Basic(entry) => entry.password.iter_mut().collect(),
            Self::UserOauth(entry) => entry.client_secret.iter_mut().collect(),
            Self::ClientCredentials(entry) | Self::Exchange(entry) | Self::JwtBearer(entry) => {
                entry.client_secret.iter_mut().collect()
            }
            Self::SamlBearer(entry) => std::iter::once(&mut entry.key).chain(&mut entry.client_secret).collect(),
            Self::EntraObo(entry) => vec![&mut entry.client_secret],
            Self::Mtls(entry) => vec![&mut entry.key],
        }
    }
}

/// What is shown, as `credential` or as `tiers` say; where neither does, a token of ours to a server that nobody but us
/// should be near enough to call.
pub(crate) fn credentials(
    (one, tiers): (Option<&CredentialEntry>, &[TierEntry]),
    place: Place<'_>,
    known: impl Fn(&Scope) -> bool,
) -> Result<Credentials, ConfigError> {
    let label = place.label;
    let credentials = match (one, tiers) {
        (Some(_), [_, ..]) => {
            return Err(ConfigError::Value(format!("{label}: give either `credential` or `tiers`")));
        }
        (Some(entry), []) => Credentials::only(entry.settings(place)?),
        (None, []) => Credentials::only(match place.url {
            Some((raw, url)) if near::is_near(url) => Credential::SignedJwt(SignedJwt { audience: raw.to_owned() }),
            Some(_) | None => Credential::None,
        }),
        (None, tiers) => {
            let tier = |entry: &TierEntry| {
                let scopes = entry.scopes.iter().map(|raw| {
                    let scope = Scope::parse(raw).filter(|scope| known(scope));
                    scope.ok_or_else(|| {
                        ConfigError::Value(format!("{label}.tiers: {raw:?} is not a scope of this server"))
                    })
                });
                let scopes: ScopeSet = scopes.collect::<Result<_, _>>()?;
                Ok(Tier { scopes: Some(scopes), credential: entry.credential.settings(place)? })
            };
            Credentials(tiers.iter().map(tier).collect::<Result<_, _>>()?)
        }
    };
    credentials.check().map_err(|error| ConfigError::Value(format!("{label}.credential: {error}")))?;
    Ok(credentials)
}

#[cfg(test)]
mod tests;
