//! Security schemes: what an operation wants to be shown, and where. What goes there is never the caller's to say.

use std::collections::BTreeMap;

use bailiwick_broker::{ApiKey, Credential, Key, Login, Place};
use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};
use serde_json::Value;

use super::ApiError;
use super::document::Document;
use super::parameter::At;

/// How a scheme wants to be shown a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// As a bearer token: a key, or a token that OAuth or OpenID Connect gave.
    Bearer,
    /// As a name and a password.
    Basic,
    /// As a key in this place.
    Key(Place),
    /// In the TLS handshake.
    Certificate,
}

impl Scheme {
    /// Where a key for it goes; nowhere for a certificate.
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Bearer | Self::Basic => {
                let prefix = if *self == Self::Basic { "Basic " } else { "Bearer " };
                Some(Place::Header { name: AUTHORIZATION.as_str().to_owned(), prefix: prefix.to_owned() })
            }
            Self::Key(place) => Some(place.clone()),
            Self::Certificate => None,
        }
    }

    /// A credential of each person's own, connected under that name; none for a certificate.
    pub fn personal(&self, connection: &str) -> Option<Credential> {
        if *self == Self::Basic {
            return Some(Credential::Basic(Login::Personal(connection.to_owned())));
        }
        let key = Key::Personal(connection.to_owned());
        self.place().map(|place| Credential::ApiKey(ApiKey { place, key }))
    }

    fn header(&self) -> Option<HeaderName> {
        match self.place()? {
            Place::Header { name, .. } => HeaderName::from_bytes(name.as_bytes()).ok(),
            Place::Query(_) | Place::Cookie(_) | Place::Variable(_) => None,
        }
    }
}

/// One scheme that an operation wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Its name in the document.
    pub scheme: String,
    /// The scopes the operation names for it.
    pub scopes: Vec<String>,
}

/// The schemes of a document.
pub(super) type Schemes = BTreeMap<String, Scheme>;

/// Reads the schemes of a document.
pub(super) fn schemes(document: &Document) -> Result<Schemes, ApiError> {
    let listed = document.root().get("components").and_then(|parts| parts.get("securitySchemes"));
    let listed = listed.and_then(Value::as_object).into_iter().flatten();
    let read = listed.map(|(name, scheme)| {
        let at = format!("components.securitySchemes.{name}");
        let scheme = document.follow(scheme, &at)?;
        read(scheme).map(|scheme| (name.clone(), scheme)).map_err(|says| ApiError::at(at, says))
    });
    read.collect()
}

fn read(scheme: &Value) -> Result<Scheme, String> {
    let word = |member: &str| scheme.get(member).and_then(Value::as_str).unwrap_or_default();
    let name = || word("name").to_owned();
    match (word("type"), word("in")) {
        ("http", _) if word("scheme").eq_ignore_ascii_case("basic") => Ok(Scheme::Basic),
        ("http" | "oauth2" | "openIdConnect", _) => Ok(Scheme::Bearer),
        ("mutualTLS", _) => Ok(Scheme::Certificate),
        ("apiKey", _) if word("name").is_empty() => Err("`name` is missing: which header, query or cookie?".to_owned()),
        ("apiKey", "header") => {
            let header = HeaderName::from_bytes(word("name").as_bytes());
            let header = header.map_err(|_| format!("{:?} is not the name of a header", word("name")))?;
            Ok(Scheme::Key(Place::Header { name: header.as_str().to_owned(), prefix: String::new() }))
        }
        ("apiKey", "query") => Ok(Scheme::Key(Place::Query(name()))),
        ("apiKey", "cookie") => Ok(Scheme::Key(Place::Cookie(name()))),
        ("apiKey", other) => Err(format!("`in` is {other:?}; it is header, query or cookie")),
        (other, _) => Err(format!("`type` is {other:?}; it is apiKey, http, oauth2, openIdConnect or mutualTLS")),
    }
}

/// What an operation wants: its own list, or the document's.
pub(super) fn needs(
    document: &Document,
    operation: &Value,
    schemes: &Schemes,
    at: &str,
) -> Result<Vec<Vec<Need>>, ApiError> {
    let listed = operation.get("security").or_else(|| document.root().get("security"));
    let listed = listed.and_then(Value::as_array).into_iter().flatten();
    let set = |set: &Value| {
        let named = set.as_object().into_iter().flatten();
        let each = named.map(|(name, scopes)| {
            let unknown = || ApiError::at(format!("{at}.security"), format!("there is no security scheme {name:?}"));
            schemes.get(name).ok_or_else(unknown)?;
            let scopes = scopes.as_array().into_iter().flatten();
            let scopes = scopes.filter_map(Value::as_str).map(str::to_owned).collect();
            Ok(Need { scheme: name.clone(), scopes })
        });
        each.collect::<Result<Vec<_>, _>>()
    };
    listed.map(set).collect()
}

/// The first set that can be satisfied whole, and is not empty.
pub(crate) fn chosen(needs: &[Vec<Need>], has: impl Fn(&str) -> bool) -> Option<&[Need]> {
    let whole = |set: &&Vec<Need>| !set.is_empty() && set.iter().all(|need| has(&need.scheme));
    needs.iter().find(whole).map(Vec::as_slice)
}

/// True where a parameter would say what a credential says.
pub(super) fn is_reserved(schemes: &Schemes, at: &At, name: &str) -> bool {
    schemes.values().any(|scheme| match (scheme.place(), at) {
        (Some(Place::Header { .. }), At::Header(own)) => scheme.header().as_ref() == Some(own),
        (Some(Place::Header { .. }), At::Cookie) => scheme.header() == Some(COOKIE),
        (Some(Place::Query(key)), At::Query) | (Some(Place::Cookie(key)), At::Cookie) => key == name,
        (Some(Place::Header { .. }), At::Path | At::Query)
        | (Some(Place::Query(_) | Place::Cookie(_)), At::Path | At::Header(_))
        | (Some(Place::Query(_)), At::Cookie)
        | (Some(Place::Cookie(_)), At::Query)
        | (Some(Place::Variable(_)) | None, _) => false,
    })
}
