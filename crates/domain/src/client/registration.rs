//! Dynamic registration (RFC 7591 §2): what a client says of itself, checked and cut down to what we keep.

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{AuthMethod, GrantType, sealed};
use crate::entropy::Entropy;
use crate::error::ErrorCode;
use crate::ids::ClientId;
use crate::seal::Sealer;
use crate::text;
use crate::time::Timestamp;
use crate::uri::{RedirectError, RedirectUri};

/// The most redirect URIs of one client.
pub(super) const MOST_REDIRECTS: usize = 20;
/// The longest name kept, in characters.
pub(super) const MOST_NAME: usize = 64;
/// The longest home page kept, in bytes.
const MOST_URI: usize = 200;

/// The request body. Members we do not know are ignored (RFC 7591 §3.1), and `null` is an omission.
#[derive(Deserialize)]
struct Body {
    redirect_uris: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    client_name: Option<String>,
    client_uri: Option<String>,
    application_type: Option<String>,
}

/// A checked registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub(super) name: Option<String>,
    pub(super) redirect_uris: Vec<RedirectUri>,
    pub(super) grant_types: Vec<GrantType>,
    pub(super) auth: AuthMethod,
    pub(super) uri: Option<String>,
    application_type: Option<String>,
}

/// Why a registration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// No JSON object, or a member of the wrong type.
    #[error("the body is not client metadata in JSON: {0}")]
    Malformed(String),
    /// No redirect URI.
    #[error("redirect_uris must name at least one redirect URI")]
    NoRedirect,
    /// Too many redirect URIs.
    #[error("redirect_uris must name at most {MOST_REDIRECTS}")]
    ManyRedirects,
    /// One redirect URI is refused.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// A `token_endpoint_auth_method` that is not offered.
    #[error("token_endpoint_auth_method must be none, client_secret_basic or client_secret_post")]
    AuthMethod,
    /// No `authorization_code` among the grant types.
    #[error("grant_types must contain authorization_code; client_credentials is for clients of the operator")]
    GrantTypes,
    /// No `code` among the response types.
    #[error("response_types must contain code")]
    ResponseTypes,
    /// Too much to fit into a `client_id`.
    #[error("the metadata is too long: use fewer or shorter redirect_uris, or a shorter client_name")]
    TooLong,
}

impl RegistrationError {
    /// The code on the wire (RFC 7591 §3.2.2).
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NoRedirect | Self::ManyRedirects | Self::Redirect(_) => ErrorCode::InvalidRedirectUri,
            Self::Malformed(_) | Self::AuthMethod | Self::GrantTypes | Self::ResponseTypes | Self::TooLong => {
                ErrorCode::InvalidClientMetadata
            }
        }
    }
}

impl Registration {
    /// Reads a registration request. Logo and contacts are never kept; the home page goes first when there is no room
    /// for all in a `client_id`.
    ///
    /// # Errors
    /// [`RegistrationError`] for the first thing that is wrong.
    pub fn parse(json: &[u8]) -> Result<Self, RegistrationError> {
        // serde would also read a struct out of an array.
        if !json.trim_ascii_start().starts_with(b"{") {
            return Err(RegistrationError::Malformed("not an object".to_owned()));
        }
        let body: Body = serde_json::from_slice(json).map_err(|e| RegistrationError::Malformed(place(&e)))?;
        if body.response_types.is_some_and(|types| !types.iter().any(|known| known == "code")) {
            return Err(RegistrationError::ResponseTypes);
        }
        let mut registration = Self {
            redirect_uris: redirects(&body.redirect_uris.unwrap_or_default())?,
            grant_types: grants(body.grant_types.as_deref())?,
            auth: method(body.token_endpoint_auth_method.as_deref())?,
            name: body.client_name.map(|raw| text::presentable(&raw, MOST_NAME)).filter(|name| !name.is_empty()),
            uri: body.client_uri.filter(|raw| home_page(raw)),
            application_type: body.application_type.filter(|raw| raw == "web" || raw == "native"),
        };
        if !sealed::fits(&registration) {
            registration.uri = None;
        }
        if sealed::fits(&registration) { Ok(registration) } else { Err(RegistrationError::TooLong) }
    }

    /// How the client will prove who it is.
    pub fn auth(&self) -> AuthMethod {
        self.auth
    }

    /// The client's name, if it gave one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Seals the registration into a `client_id`.
    ///
    /// # Errors
    /// [`RegistrationError::TooLong`] when it does not fit into [`ClientId::MOST`]; [`Self::parse`] sees to that.
    pub fn seal(&self, sealer: &Sealer, entropy: &dyn Entropy, now: Timestamp) -> Result<ClientId, RegistrationError> {
        sealed::seal(self, sealer, entropy, now).ok_or(RegistrationError::TooLong)
    }

    /// The body of the answer (RFC 7591 §3.2.1): what was registered, not what was asked.
    pub fn response(&self, id: &ClientId, secret: Option<&str>, now: Timestamp) -> Value {
        let mut body = json!({
            "client_id": id,
            "client_id_issued_at": now.seconds(),
            "redirect_uris": self.redirect_uris,
            "token_endpoint_auth_method": self.auth,
            "grant_types": self.grant_types,
            "response_types": ["code"],
        });
        let members = [
            ("client_secret", secret.map(Value::from)),
            ("client_secret_expires_at", secret.map(|_| Value::from(0))),
            ("client_name", self.name.clone().map(Value::from)),
            ("client_uri", self.uri.clone().map(Value::from)),
            ("application_type", self.application_type.clone().map(Value::from)),
        ];
        if let Value::Object(body) = &mut body {
            body.extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        }
        body
    }
}

/// Where a body stops being client metadata, without repeating any of it.
fn place(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

fn redirects(raw: &[String]) -> Result<Vec<RedirectUri>, RegistrationError> {
    if raw.is_empty() {
        return Err(RegistrationError::NoRedirect);
    }
    if raw.len() > MOST_REDIRECTS {
        return Err(RegistrationError::ManyRedirects);
    }
    let mut kept: Vec<RedirectUri> = Vec::new();
    for text in raw {
        let uri = RedirectUri::register(text)?;
        if !kept.contains(&uri) {
            kept.push(uri);
        }
    }
    Ok(kept)
}

/// What is left of the grant types asked for. A client that registered itself never acts by its own authority.
fn grants(asked: Option<&[String]>) -> Result<Vec<GrantType>, RegistrationError> {
    offered_grants(asked).ok_or(RegistrationError::GrantTypes)
}

/// What a client that nobody vouches for may bring, of what it asks for; `None` without `authorization_code`.
pub(super) fn offered_grants(asked: Option<&[String]>) -> Option<Vec<GrantType>> {
    let Some(asked) = asked else { return Some(vec![GrantType::AuthorizationCode]) };
    let offered = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    let kept: Vec<_> = offered.into_iter().filter(|grant| asked.iter().any(|name| name == grant.as_str())).collect();
    kept.contains(&GrantType::AuthorizationCode).then_some(kept)
}

/// RFC 7591 §2: an omitted method is `client_secret_basic`. Keys are taken from the operator alone, so whoever registers
/// has none to sign assertions with.
fn method(asked: Option<&str>) -> Result<AuthMethod, RegistrationError> {
    let Some(name) = asked else { return Ok(AuthMethod::ClientSecretBasic) };
    AuthMethod::named(name).filter(|method| !method.is_assertion()).ok_or(RegistrationError::AuthMethod)
}

/// True for a web address short enough to be kept.
pub(super) fn home_page(raw: &str) -> bool {
    let web = |url: Url| matches!(url.scheme(), "https" | "http") && url.username().is_empty();
    raw.len() <= MOST_URI && Url::parse(raw).is_ok_and(web)
}

#[cfg(test)]
mod tests;
