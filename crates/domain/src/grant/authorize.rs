//! The authorization request (RFC 6749 §4.1.1), checked in two stages: who asks and where the answer goes, whose errors
//! end on a page; then the rest, whose errors go back to the client.

mod raw;
mod refusal;

use serde::{Deserialize, Serialize};

use crate::client::{Client, GrantType};
use crate::ids::ClientId;
use crate::pkce::Challenge;
use crate::scope::ScopeSet;
use crate::uri::{RedirectUri, Resource};

pub use raw::{Destination, RawAuthorize};
pub use refusal::AuthorizeError;

use raw::KNOWN;

/// The longest parameter accepted, in bytes; `state` is the one that needs it.
const MOST_PARAMETER: usize = 4 * 1024;

/// A request every part of which was checked against its client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// Where the answer goes, as presented.
    pub redirect_uri: String,
    /// The registered redirect URI that accepts it.
    pub registered: RedirectUri,
    /// The scopes asked for; may be none.
    pub scope: ScopeSet,
    /// To be returned verbatim.
    pub state: Option<String>,
    /// The PKCE challenge.
    pub challenge: Challenge,
    /// The server asked for (RFC 8707).
    pub resource: Option<Resource>,
    /// The OIDC nonce.
    pub nonce: Option<String>,
    /// The OIDC prompt.
    pub prompt: Option<String>,
}

impl AuthorizationRequest {
    /// Checks a request against the client its `client_id` named.
    ///
    /// # Errors
    /// [`AuthorizeError`] for the first thing that is wrong.
    pub fn check(raw: &RawAuthorize, client: &Client) -> Result<Self, AuthorizeError> {
        if raw.client_id().as_ref() != Some(&client.id) {
            return Err(AuthorizeError::NoClient);
        }
        let to = raw.destination(client)?;
        check_shape(raw)?;
        if !client.may_use(GrantType::AuthorizationCode) {
            return Err(AuthorizeError::GrantType);
        }
        Ok(Self {
            client_id: client.id.clone(),
            redirect_uri: to.redirect_uri,
            registered: to.registered,
            scope: ScopeSet::parse(raw.field("scope").unwrap_or("")).ok_or(AuthorizeError::Scope)?,
            state: to.state,
            challenge: challenge(raw)?,
            resource: resource(raw)?,
            nonce: raw.field("nonce").map(str::to_owned),
            prompt: raw.field("prompt").map(str::to_owned),
        })
    }
}

fn check_shape(raw: &RawAuthorize) -> Result<(), AuthorizeError> {
    match raw.repeated {
        Some("resource") => return Err(AuthorizeError::Resource),
        Some(name) => return Err(AuthorizeError::Repeated(name)),
        None => {}
    }
    // Bytes that are no UTF-8 have become U+FFFD, and what cannot be returned verbatim must not be accepted.
    let odd =
        |name: &&str| raw.field(name).is_some_and(|text| text.len() > MOST_PARAMETER || text.contains('\u{fffd}'));
    if let Some(name) = KNOWN.into_iter().find(odd) {
        return Err(AuthorizeError::Malformed(name));
    }
    if raw.field("request").or(raw.field("request_uri")).is_some() {
        return Err(AuthorizeError::RequestObject);
    }
    match raw.field("response_type") {
        None => return Err(AuthorizeError::NoResponseType),
        Some("code") => {}
        Some(_) => return Err(AuthorizeError::ResponseType),
    }
    if raw.field("response_mode").is_some_and(|mode| mode != "query") {
        return Err(AuthorizeError::ResponseMode);
    }
    // OpenID Connect Core §3.1.2.1: `none` stands alone.
    match raw.field("prompt") {
        Some(prompt) if prompt != "none" && prompt.split(' ').any(|word| word == "none") => {
            Err(AuthorizeError::Malformed("prompt"))
        }
        _ => Ok(()),
    }
}

/// RFC 7636 §4.3: an absent method means `plain`, which is refused as such.
fn challenge(raw: &RawAuthorize) -> Result<Challenge, AuthorizeError> {
    let text = raw.field("code_challenge").ok_or(AuthorizeError::Challenge)?;
    if raw.field("code_challenge_method") != Some("S256") {
        return Err(AuthorizeError::ChallengeMethod);
    }
    Challenge::parse(text).ok_or(AuthorizeError::Challenge)
}

fn resource(raw: &RawAuthorize) -> Result<Option<Resource>, AuthorizeError> {
    raw.field("resource").map(|text| Resource::parse(text).ok_or(AuthorizeError::Resource)).transpose()
}

#[cfg(test)]
mod tests;
