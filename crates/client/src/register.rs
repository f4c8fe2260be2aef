//! Who we are to an authorization server: a client id given by a person, or one we register ourselves (RFC 7591).

use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_net::{Http, HttpError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use crate::ask;
use crate::discovery::AuthorizationServer;
use crate::secret::{Secret, kept_option};
use crate::told::Told;

/// How we authenticate at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A public client: not at all.
    None,
    /// HTTP Basic (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// The secret in the form.
    ClientSecretPost,
}

/// A client as one authorization server knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Registration {
    /// The `client_id`.
    pub client_id: String,
    #[serde(with = "kept_option", default)]
    client_secret: Option<Secret>,
    method: AuthMethod,
    /// The redirect URI registered; `None` for a client id that a person gave us.
    pub redirect_uri: Option<String>,
    /// The scopes registered for.
    scope: ScopeSet,
    /// When the secret ends.
    expires_at: Option<Timestamp>,
}

/// A client id from a person, with its secret if it has one.
#[derive(Debug)]
pub struct Given {
    /// The `client_id`.
    pub id: String,
    /// Its secret.
    pub secret: Option<Secret>,
}

/// Why no registration came about.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The server registers nobody.
    #[error("{0} registers no clients by itself; ask its operator for a client id and pass it with --client-id")]
    NotOffered(String),
    /// The server said no.
    #[error("the registration was refused: {0}")]
    Refused(Told),
    /// The server's answer is not one.
    #[error("the registration endpoint answered {0} with something else than a registration")]
    Broken(u16),
    /// The network failed.
    #[error("{0}")]
    Http(#[from] HttpError),
}

#[derive(Deserialize)]
struct Raw {
    client_id: String,
    client_secret: Option<String>,
    client_secret_expires_at: Option<i64>,
    token_endpoint_auth_method: Option<AuthMethod>,
}

/// Who registers, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Applicant<'a> {
    /// Its name for people.
    pub name: &'a str,
    /// Its `application_type`: `native` or `web`.
    pub kind: &'a str,
    /// Where answers go.
    pub redirect_uri: &'a str,
    /// The scopes it will ask for.
    pub scope: &'a ScopeSet,
}

impl<'a> Applicant<'a> {
    /// The command line.
    pub(crate) fn cli(redirect_uri: &'a str, scope: &'a ScopeSet) -> Self {
        Self { name: "Bailiwick CLI", kind: "native", redirect_uri, scope }
    }
}

impl Registration {
    /// The registration that a given client id stands for.
    pub fn given(given: Given, server: &AuthorizationServer) -> Self {
        let method = match &given.secret {
            None => AuthMethod::None,
            Some(_) => with_secret(&server.auth_methods),
        };
        let scope = ScopeSet::default();
        Self { client_id: given.id, client_secret: given.secret, method, redirect_uri: None, scope, expires_at: None }
    }

    /// Registers at `server` (RFC 7591 §3.1).
    ///
    /// # Errors
    /// [`RegisterError`] when the server does not register anybody, or not this applicant.
    pub async fn register(
        http: &Http,
        server: &AuthorizationServer,
        applicant: &Applicant<'_>,
    ) -> Result<Self, RegisterError> {
        let Applicant { redirect_uri, scope, .. } = *applicant;
        let endpoint =
            server.registration_endpoint.as_ref().ok_or_else(|| RegisterError::NotOffered(server.issuer.clone()))?;
        let wanted = wanted_method(&server.auth_methods);
        let mut body = json!({
            "client_name": applicant.name,
            "application_type": applicant.kind,
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": wanted,
        });
        if let (false, Some(members)) = (scope.is_empty(), body.as_object_mut()) {
            members.insert("scope".to_owned(), json!(scope));
        }
        let reply = ask::json(http, endpoint, &body).await?;
        if !reply.status.is_success() {
            let broken = RegisterError::Broken(reply.status.as_u16());
            return Err(Told::read(&reply.body).map_or(broken, RegisterError::Refused));
        }
        let raw: Raw = serde_json::from_slice(&reply.body).map_err(|_| RegisterError::Broken(reply.status.as_u16()))?;
        Ok(Self::answered(raw, wanted, redirect_uri, scope))
    }

    fn answered(raw: Raw, wanted: AuthMethod, redirect_uri: &str, scope: &ScopeSet) -> Self {
        let method = match (raw.token_endpoint_auth_method, &raw.client_secret) {
            (Some(method), Some(_)) => method,
            (_, None) => AuthMethod::None,
            (None, Some(_)) => wanted,
        };
        Self {
            client_id: raw.client_id,
            client_secret: raw.client_secret.map(Secret::new),
            method,
            redirect_uri: Some(redirect_uri.to_owned()),
            scope: scope.clone(),
            expires_at: raw.client_secret_expires_at.filter(|at| *at > 0).map(Timestamp::from_seconds),
        }
    }

    /// True when this registration, made earlier, serves a login for these scopes back to this address.
    pub fn serves(&self, redirect_uri: &str, scope: &ScopeSet, now: Timestamp) -> bool {
        let lives = self.expires_at.is_none_or(|at| now < at);
        match &self.redirect_uri {
            // What a person gave us is his to know.
            None => true,
            Some(registered) => lives && registered == redirect_uri && scope.within(&self.scope),
        }
    }

    /// What a request to the token or revocation endpoint carries to say who we are.
    pub(crate) fn proof(&self) -> (Vec<(&str, &str)>, Option<HeaderValue>) {
        match (self.method, &self.client_secret) {
            (AuthMethod::ClientSecretBasic, Some(secret)) => (Vec::new(), basic(&self.client_id, secret)),
            (AuthMethod::ClientSecretPost, Some(secret)) => {
                (vec![("client_id", &self.client_id), ("client_secret", secret.expose())], None)
            }
            (AuthMethod::None | AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost, _) => {
                (vec![("client_id", &self.client_id)], None)
            }
        }
    }
}

/// Public where that is allowed or nothing is said; else by a secret.
fn wanted_method(offered: &[String]) -> AuthMethod {
    if offered.is_empty() || offered.iter().any(|method| method == "none") {
        AuthMethod::None
    } else {
        with_secret(offered)
    }
}

fn with_secret(offered: &[String]) -> AuthMethod {
    let offers = |name| offered.iter().any(|method| method == name);
    if offers("client_secret_post") && !offers("client_secret_basic") {
        AuthMethod::ClientSecretPost
    } else {
        AuthMethod::ClientSecretBasic
    }
}

/// Name and secret of a client, in the header in which most servers want them (RFC 6749 §2.3.1).
pub fn basic(id: &str, secret: &Secret) -> Option<HeaderValue> {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret.expose()));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests;
