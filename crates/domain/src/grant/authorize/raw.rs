//! The query as it came, and where an answer to it goes.

use std::collections::BTreeMap;

use url::form_urlencoded;

use super::AuthorizeError;
use crate::client::Client;
use crate::ids::ClientId;
use crate::uri::RedirectUri;

/// The longest query accepted, in bytes.
const MOST: usize = 8 * 1024;

/// The parameters we read; all others are ignored (RFC 6749 §3.1).
pub(super) const KNOWN: [&str; 13] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "nonce",
    "prompt",
    "request",
    "request_uri",
];

/// The query of `/authorize` as it came: nothing in it is checked yet.
#[derive(Clone, Debug)]
pub struct RawAuthorize {
    fields: BTreeMap<&'static str, String>,
    pub(super) repeated: Option<&'static str>,
}

/// Where the answer goes, and with which `state`: enough to send an error back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The redirect URI as presented.
    pub redirect_uri: String,
    /// The registered one that accepts it.
    pub registered: RedirectUri,
    /// The client's `state`, to be returned verbatim.
    pub state: Option<String>,
}

impl RawAuthorize {
    /// Takes a query apart. An empty parameter counts as omitted (RFC 6749 §3.1).
    ///
    /// # Errors
    /// Only those that end on a page; a repetition elsewhere is told by [`AuthorizationRequest::check`].
    pub fn parse(query: &str) -> Result<Self, AuthorizeError> {
        if query.len() > MOST {
            return Err(AuthorizeError::TooLong);
        }
        let mut raw = Self { fields: BTreeMap::new(), repeated: None };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let Some(name) = KNOWN.into_iter().find(|known| *known == name) else { continue };
            if !value.is_empty() && raw.fields.insert(name, value.into_owned()).is_some() {
                raw.repeated.get_or_insert(name);
            }
        }
        match raw.repeated {
            Some("client_id" | "redirect_uri") => Err(AuthorizeError::Ambiguous),
            _ => Ok(raw),
        }
    }

    /// The `client_id`, checked for its shape.
    pub fn client_id(&self) -> Option<ClientId> {
        self.field("client_id").and_then(ClientId::parse)
    }

    /// The `redirect_uri`, unchecked.
    pub fn redirect_uri(&self) -> Option<&str> {
        self.field("redirect_uri")
    }

    /// The `state`, unchecked.
    pub fn state(&self) -> Option<&str> {
        self.field("state")
    }

    /// First stage: finds where the answer goes. An omitted `redirect_uri` means the only registered one.
    ///
    /// # Errors
    /// Those that end on a page.
    pub fn destination(&self, client: &Client) -> Result<Destination, AuthorizeError> {
        let (presented, registered) = match (self.redirect_uri(), client.redirect_uris.as_slice()) {
            (Some(presented), _) => (presented, client.accepts_redirect(presented).ok_or(AuthorizeError::Redirect)?),
            (None, [only]) => (only.as_str(), only),
            (None, _) => return Err(AuthorizeError::NoRedirect),
        };
        Ok(Destination {
            redirect_uri: presented.to_owned(),
            registered: registered.clone(),
            state: self.state().map(str::to_owned),
        })
    }

    /// A parameter of [`KNOWN`], if it came and is not empty.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}
