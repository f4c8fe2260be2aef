//! What a client's own document says of it (Client ID Metadata Documents §4): the rules, without the fetching.

use serde::Deserialize;
use serde_json::Value;

use super::registration::{MOST_NAME, MOST_REDIRECTS, home_page, offered_grants};
use super::{AuthMethod, Client, ClientSource, GrantType};
use crate::control::{self, Control};
use crate::ids::ClientId;
use crate::text;
use crate::time::Timestamp;
use crate::uri::{DocumentUrl, RedirectError, RedirectUri};

/// The longest document read, in bytes (Client ID Metadata Documents §6.6).
pub const MOST_DOCUMENT: usize = 5 * 1024;
/// Methods that rest on a secret both sides know, which a public document cannot hold.
const SHARED_SECRET: [&str; 3] = ["client_secret_basic", "client_secret_post", "client_secret_jwt"];

/// The members we read. Others are ignored; `null` is an omission.
#[derive(Deserialize)]
struct Body {
    client_id: Option<String>,
    client_name: Option<String>,
    client_uri: Option<String>,
    redirect_uris: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    client_secret: Option<Value>,
    client_secret_expires_at: Option<Value>,
}

/// A checked document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientDocument {
    url: DocumentUrl,
    name: String,
    redirect_uris: Vec<RedirectUri>,
    grant_types: Vec<GrantType>,
    uri: Option<String>,
}

/// Why a document describes no client that may act here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// No JSON object, or a member of the wrong type.
    #[error("it is not client metadata in JSON: {0}")]
    Malformed(String),
    /// A `client_id` that is missing or another URL.
    #[error("its client_id is not the URL it was found at")]
    Identity,
    /// No `client_name` that could be shown.
    #[error("client_name is missing")]
    NoName,
    /// No redirect URI.
    #[error("redirect_uris must name at least one redirect URI")]
    NoRedirect,
    /// Too many redirect URIs.
    #[error("redirect_uris must name at most {MOST_REDIRECTS}")]
    ManyRedirects,
    /// One redirect URI is refused.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// An https redirect URI of somebody else.
    #[error("an https redirect URI must have the host and port of the document")]
    ForeignRedirect,
    /// A secret in a public place.
    #[error("it must not hold a client_secret")]
    Secret,
    /// A method that rests on a shared secret.
    #[error("token_endpoint_auth_method must not rest on a shared secret")]
    SharedSecret,
    /// `private_key_jwt` as the only method.
    #[error("private_key_jwt is not offered here yet: offer none beside it in token_endpoint_auth_methods_supported")]
    PrivateKey,
    /// Any other method.
    #[error("token_endpoint_auth_method must be none")]
    AuthMethod,
    /// No `authorization_code` among the grant types.
    #[error("grant_types must contain authorization_code")]
    GrantTypes,
    /// No `code` among the response types.
    #[error("response_types must contain code")]
    ResponseTypes,
}

impl ClientDocument {
    /// Reads the document found at `url`.
    ///
    /// # Errors
    /// [`DocumentError`] for the first thing that is wrong.
    pub fn parse(url: &DocumentUrl, json: &[u8]) -> Result<Self, DocumentError> {
        // serde would also read a struct out of an array.
        if !json.trim_ascii_start().starts_with(b"{") {
            return Err(DocumentError::Malformed("not an object".to_owned()));
        }
        let place = |error: serde_json::Error| format!("line {}, column {}", error.line(), error.column());
        let body: Body = serde_json::from_slice(json).map_err(|error| DocumentError::Malformed(place(error)))?;
        // Compared as text: nothing is normalised (RFC 3986 §6.2.1).
        let own = body.client_id.as_deref() == Some(url.as_str());
        if !own && control::holds(Control::DocumentIdentity) {
            return Err(DocumentError::Identity);
        }
        check_method(&body)?;
        if body.response_types.is_some_and(|types| !types.iter().any(|known| known == "code")) {
            return Err(DocumentError::ResponseTypes);
        }
        let name = body.client_name.map(|raw| text::presentable(&raw, MOST_NAME)).filter(|name| !name.is_empty());
        Ok(Self {
            name: name.ok_or(DocumentError::NoName)?,
            redirect_uris: redirects(url, &body.redirect_uris.unwrap_or_default())?,
            grant_types: offered_grants(body.grant_types.as_deref()).ok_or(DocumentError::GrantTypes)?,
            uri: body.client_uri.filter(|raw| home_page(raw) && url.is_origin_of(raw)),
            url: url.clone(),
        })
    }

    /// The client it describes, as found at `now`. `None` only when the URL does not fit into a `client_id`.
    pub fn client(&self, now: Timestamp) -> Option<Client> {
        Some(Client {
            id: ClientId::parse(self.url.as_str())?,
            name: self.name.clone(),
            source: ClientSource::Document,
            redirect_uris: self.redirect_uris.clone(),
            grant_types: self.grant_types.clone(),
            auth: AuthMethod::None,
            scope: None,
            uri: self.uri.clone(),
            secret: None,
            assertion: None,
            issued_at: now,
        })
    }
}

/// The client must be one that proves nothing: by its list of methods to choose from (OAuth 2.0 RP Metadata Choices), or
/// else by its one method, or else by saying nothing.
fn check_method(body: &Body) -> Result<(), DocumentError> {
    if body.client_secret.is_some() || body.client_secret_expires_at.is_some() {
        return Err(DocumentError::Secret);
    }
    let one = body.token_endpoint_auth_method.as_deref();
    if one.is_some_and(|name| SHARED_SECRET.contains(&name)) {
        return Err(DocumentError::SharedSecret);
    }
    let many = body.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
    let named = |name: &str| one == Some(name) || many.iter().any(|method| method == name);
    match (one, many) {
        (None, []) => Ok(()),
        _ if named("none") => Ok(()),
        _ if named("private_key_jwt") => Err(DocumentError::PrivateKey),
        _ if many.iter().any(|name| SHARED_SECRET.contains(&name.as_str())) => Err(DocumentError::SharedSecret),
        _ => Err(DocumentError::AuthMethod),
    }
}

/// Every redirect URI is judged, not only the one that a request names: the document stands or falls as a whole.
fn redirects(url: &DocumentUrl, raw: &[String]) -> Result<Vec<RedirectUri>, DocumentError> {
    if raw.is_empty() {
        return Err(DocumentError::NoRedirect);
    }
    if raw.len() > MOST_REDIRECTS {
        return Err(DocumentError::ManyRedirects);
    }
    let mut kept: Vec<RedirectUri> = Vec::new();
    for text in raw {
        let uri = RedirectUri::register(text)?;
        let foreign = text.starts_with("https:") && !url.is_origin_of(text);
        if foreign && control::holds(Control::DocumentOrigin) {
            return Err(DocumentError::ForeignRedirect);
        }
        if !kept.contains(&uri) {
            kept.push(uri);
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests;
