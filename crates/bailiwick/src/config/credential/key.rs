//! Credentials that are fixed: keys, passwords, certificates.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bailiwick_broker::{ApiKey, Key, Login, Mtls, Place};
use bailiwick_client::Secret as Exposed;
use bailiwick_domain::policy::Named;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{ConfigError, Secret};

/// A fixed key: one of `header`, `query` and `cookie`, and one of `secret` and `secrets`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ApiKeyEntry {
    /// The header it goes into.
    pub(crate) header: Option<String>,
    /// What stands before it in the header, such as `Token `.
    pub(crate) prefix: Option<String>,
    /// The parameter of the query it goes into. Queries end up in logs: prefer a header where the tool takes one.
    pub(crate) query: Option<String>,
    /// The cookie it goes into.
    pub(crate) cookie: Option<String>,
    /// The key that all share.
    pub(crate) secret: Option<Secret>,
    /// A key for each `user:`, `group:` or `domain:`; the most particular one is used.
    pub(crate) secrets: BTreeMap<String, Secret>,
    /// `user`: each person connects a key of their own, once.
    pub(crate) per: Option<PerWord>,
    /// The name people connect under, to be shared by several servers or tools; by default the server's, or `server/tool`.
    pub(crate) connection: Option<String>,
}

/// Whose a credential is.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PerWord {
    /// Each person's own.
    User,
}

impl ApiKeyEntry {
    pub(super) fn settings(&self, label: &str, connection: &str) -> Result<ApiKey, ConfigError> {
        let connection = self.connection.as_deref().unwrap_or(connection);
        Ok(ApiKey { place: self.place(label)?, key: self.key(label, connection)? })
    }

    /// Goes there, unless something else is written.
    pub(super) fn go_to(&mut self, place: Place) {
        if self.header.is_some() || self.query.is_some() || self.cookie.is_some() {
            return;
        }
        match place {
            Place::Header { name, prefix } => {
                self.header = Some(name);
                self.prefix.get_or_insert(prefix);
            }
            Place::Query(name) => self.query = Some(name),
            Place::Cookie(name) => self.cookie = Some(name),
            Place::Variable(_) => {}
        }
    }

    fn place(&self, label: &str) -> Result<Place, ConfigError> {
        match (&self.header, &self.query, &self.cookie) {
            (Some(name), None, None) => {
                let (name, prefix) = (name.to_ascii_lowercase(), self.prefix.clone().unwrap_or_default());
                Ok(Place::Header { name, prefix })
            }
            (None, Some(name), None) if self.prefix.is_none() => Ok(Place::Query(name.clone())),
            (None, None, Some(name)) if self.prefix.is_none() => Ok(Place::Cookie(name.clone())),
            _ => Err(ConfigError::Value(format!(
                "{label}: say where the key goes: `header` (with `prefix` if you like), `query` or `cookie`"
            ))),
        }
    }

    fn key(&self, label: &str, connection: &str) -> Result<Key, ConfigError> {
        if self.per.is_some() && self.secret.is_none() && self.secrets.is_empty() {
            return Ok(Key::Personal(connection.to_owned()));
        }
        if self.per.is_some() || self.connection.is_some() {
            return Err(ConfigError::Value(format!(
                "{label}: `per` and `connection` are for keys that people connect themselves, without `secret`"
            )));
        }
        if let Some(secret) = self.secret.as_ref().filter(|_| self.secrets.is_empty()) {
            return Ok(Key::Shared(exposed(secret, &format!("{label}.secret"))?));
        }
        if self.secret.is_some() || self.secrets.is_empty() {
            return Err(ConfigError::Value(format!(
                "{label}: give `secret`, which all share, `secrets`, one for each group or user, or `per = \"user\"`"
            )));
        }
        let key = |(whose, secret): (&String, &Secret)| {
            let label = format!("{label}.secrets.{whose}");
            let named = Named::parse(whose).map_err(|error| ConfigError::Value(format!("{label}: {error}")))?;
            Ok((named, exposed(secret, &label)?))
        };
        // `user:` before `group:` before `domain:`.
        self.secrets.iter().rev().map(key).collect::<Result<_, _>>().map(Key::Named)
    }
}

/// A name and a password: `username` and `password` for all, or `per = "user"`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BasicEntry {
    /// The name.
    pub(crate) username: Option<String>,
    /// The password.
    pub(crate) password: Option<Secret>,
    /// `user`: each person connects a name and a password of their own, once.
    pub(crate) per: Option<PerWord>,
    /// The name people connect under; by default the server's, or `server/tool`.
    pub(crate) connection: Option<String>,
}

impl BasicEntry {
    pub(super) fn settings(&self, label: &str, connection: &str) -> Result<Login, ConfigError> {
        match (&self.username, &self.password, self.per) {
            (None, None, Some(PerWord::User)) => {
                Ok(Login::Personal(self.connection.clone().unwrap_or_else(|| connection.to_owned())))
            }
            (Some(username), Some(password), None) if self.connection.is_none() => {
                let password = exposed(password, &format!("{label}.password"))?;
                Ok(Login::Shared { username: username.clone(), password })
            }
            _ => Err(ConfigError::Value(format!(
                "{label}: give `username` and `password`, or `per = \"user\"` (with `connection` if you like)"
            ))),
        }
    }
}

/// A client certificate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MtlsEntry {
    /// The certificate and what vouches for it, a PEM file.
    pub(crate) cert: PathBuf,
    /// Its private key, PEM text.
    pub(crate) key: Secret,
    /// Who vouches for the server, a PEM file; by default whoever this machine trusts.
    pub(crate) ca_file: Option<PathBuf>,
}

impl MtlsEntry {
    pub(super) fn settings(&self, label: &str) -> Result<Mtls, ConfigError> {
        let read = |path: &PathBuf| {
            let refused = |error| ConfigError::Value(format!("{label}: cannot read {}: {error}", path.display()));
            std::fs::read(path).map_err(refused)
        };
        Ok(Mtls {
            certificates: read(&self.cert)?,
            key: exposed(&self.key, &format!("{label}.key"))?,
            trust: self.ca_file.as_ref().map(read).transpose()?,
        })
    }
}

/// The secret itself.
pub(super) fn exposed(secret: &Secret, what: &str) -> Result<Exposed, ConfigError> {
    Ok(Exposed::new(secret.fetch(what)?.to_string()))
}
