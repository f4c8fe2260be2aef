//! `[client.NAME]`: an OAuth client that is known beforehand.

use std::path::PathBuf;

use bailiwick_domain::client::{AuthMethod, Client, ClientSource, GrantType};
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::RedirectUri;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AuthenticateEntry, ConfigError, Proof, Secret};

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
    /// A JSON Web Key Set with its public keys: the client signs assertions (`private_key_jwt`).
    pub(crate) jwks_file: Option<PathBuf>,
    /// Any way to prove who it is, as for agents; instead of `client_secret` and `jwks_file`.
    pub(crate) authenticate: Option<AuthenticateEntry>,
    /// `client_secret_basic` (default) or `client_secret_post` with a secret, `private_key_jwt` with keys, else `none`.
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
        let proof = self.proof(&format!("client.{name}"))?;
        let scope = match &self.scope {
            Some(raw) => Some(ScopeSet::parse(raw).ok_or_else(|| wrong("scope: not a list of scopes".to_owned()))?),
            None => None,
        };
        let mut grant_types = self.grants().map_err(wrong)?;
        if !self.hands_to.is_empty() {
            grant_types.push(GrantType::TokenExchange);
        }
        if grant_types.contains(&GrantType::ClientCredentials) && proof.auth == AuthMethod::None {
            return Err(wrong("client_credentials needs a client_secret, a jwks_file or authenticate".to_owned()));
        }
        Ok(Client {
            id,
            name: self.name.clone().unwrap_or_else(|| name.to_owned()),
            source: ClientSource::Static,
            redirect_uris,
            grant_types,
            auth: proof.auth,
            scope,
            uri: None,
            secret: proof.secret,
            assertion: proof.assertion,
            issued_at: Timestamp::from_millis(0),
        })
    }

    /// How the client proves who it is: by `authenticate`, or by what stands for it in the section itself.
    fn proof(&self, label: &str) -> Result<Proof, ConfigError> {
        let wrong = |says: String| ConfigError::Value(format!("{label}: {says}"));
        let method = self.token_endpoint_auth_method.as_deref();
        let bare = self.client_secret.is_none() && self.jwks_file.is_none();
        if let Some(entry) = &self.authenticate {
            if !bare || method.is_some() {
                return Err(wrong(
                    "authenticate goes alone: no client_secret, jwks_file or method beside it".to_owned(),
                ));
            }
            return entry.proof(&format!("{label}.authenticate"));
        }
        if bare {
            return match method {
                None | Some("none") => Ok(Proof::none()),
                Some(_) => Err(wrong("token_endpoint_auth_method needs a client_secret or a jwks_file".to_owned())),
            };
        }
        let entry = AuthenticateEntry {
            client_secret: self.client_secret.clone(),
            jwks_file: self.jwks_file.clone(),
            // With keys there is one method, which may be named.
            token_endpoint_auth_method: self
                .token_endpoint_auth_method
                .clone()
                .filter(|method| self.jwks_file.is_none() || method != AuthMethod::PrivateKeyJwt.as_str()),
            ..AuthenticateEntry::default()
        };
        entry.proof(label)
    }

    /// The secrets it names.
    pub(super) fn secrets(&mut self) -> impl Iterator<Item = &mut Secret> {
        let nested = self.authenticate.as_mut().and_then(|entry| entry.client_secret.as_mut());
        self.client_secret.iter_mut().chain(nested)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn client(toml: &str) -> Result<Client, String> {
        let entry: ClientEntry = toml::from_str(toml).unwrap();
        entry.client("ci").map_err(|error| error.to_string())
    }

    #[test]
    fn a_client_proves_who_it_is_in_one_way() {
        let secret = "client_secret = { command = [\"echo\", \"s\"] }";

        assert_eq!(client("").unwrap().auth, AuthMethod::None);
        assert_eq!(client(secret).unwrap().auth, AuthMethod::ClientSecretBasic);
        assert_eq!(client(&format!("authenticate = {{ {secret} }}")).unwrap().auth, AuthMethod::ClientSecretBasic);
        for (toml, says) in [
            (
                "token_endpoint_auth_method = \"private_key_jwt\"".to_owned(),
                "client.ci: token_endpoint_auth_method needs",
            ),
            (
                format!("{secret}\ntoken_endpoint_auth_method = \"none\""),
                "client.ci.token_endpoint_auth_method: \"none\"",
            ),
            (format!("{secret}\njwks_file = \"x\""), "client.ci: give one of"),
            (format!("jwks_file = \"x\"\nauthenticate = {{ {secret} }}"), "client.ci: authenticate goes alone"),
            ("authenticate = {}".to_owned(), "client.ci.authenticate: give one of"),
            ("jwks_file = \"/nowhere\"".to_owned(), "client.ci.jwks_file: cannot read /nowhere"),
            ("grant_types = [\"client_credentials\"]".to_owned(), "client.ci: client_credentials needs"),
        ] {
            let refused = client(&toml).unwrap_err();
            assert!(refused.starts_with(says), "{toml}: {refused}");
        }
    }
}
