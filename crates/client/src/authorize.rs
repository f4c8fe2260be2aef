//! One authorization request and the answer to it: PKCE S256, `state`, `resource` (RFC 8707) and `iss` (RFC 9207).

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::entropy::{Entropy, draw};
use bailiwick_domain::pkce::Verifier;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::text;
use serde::{Deserialize, Serialize};
use url::Url;
use url::form_urlencoded;

use crate::discovery::AuthorizationServer;
use crate::secret::Secret;
use crate::told::Told;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Who asks.
    pub client_id: &'a str,
    /// Where the answer goes.
    pub redirect_uri: &'a str,
    /// What is asked for.
    pub scope: &'a ScopeSet,
    /// Where the tokens will be shown (RFC 8707), unless the server is not told.
    pub resource: Option<&'a str>,
}

/// An authorization request under way; the issuer is recorded before anybody is sent there.
#[derive(Debug)]
pub struct Pending {
    issuer: String,
    promises_iss: bool,
    state: String,
    pub(crate) verifier: Verifier,
    /// Where the answer comes back.
    pub(crate) redirect_uri: String,
    /// Where to send the person.
    pub url: Url,
}

/// An authorization request as it is put aside until its answer comes: for nobody else's eyes.
#[derive(Serialize, Deserialize)]
pub struct PutAside {
    issuer: String,
    promises_iss: bool,
    state: String,
    verifier: String,
    redirect_uri: String,
    url: String,
}

/// Why an answer brings no code.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Not an answer to this request: `state` differs.
    #[error("the answer belongs to another login")]
    NotOurs,
    /// `iss` is missing though promised (RFC 9207 §2.4).
    #[error("the answer does not name its issuer though the server promises it; it was not used")]
    IssuerMissing,
    /// `iss` names somebody else: a mix-up. What else the answer says is not looked at.
    #[error("the answer comes from another issuer than the one asked; it was not used")]
    IssuerWrong,
    /// The person or the server said no.
    #[error("the login was refused: {0}")]
    Refused(Told),
    /// Neither code nor error, or one of them twice.
    #[error("the answer carries no code")]
    NoCode,
}

impl Pending {
    /// Draws `state` and verifier, and says where to send the person.
    pub fn begin(server: &AuthorizationServer, wish: Wish<'_>, entropy: &dyn Entropy) -> Self {
        let verifier = Verifier::draw(entropy);
        let state = text::encode(&draw::<32>(entropy));
        let mut url = server.authorization_endpoint.clone();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", wish.client_id)
                .append_pair("redirect_uri", wish.redirect_uri)
                .append_pair("state", &state)
                .append_pair("code_challenge", verifier.challenge().as_str())
                .append_pair("code_challenge_method", "S256");
            if let Some(resource) = wish.resource {
                query.append_pair("resource", resource);
            }
            if !wish.scope.is_empty() {
                query.append_pair("scope", &wish.scope.to_string());
            }
        }
        Self {
            issuer: server.issuer.clone(),
            promises_iss: server.promises_iss,
            state,
            verifier,
            redirect_uri: wish.redirect_uri.to_owned(),
            url,
        }
    }

    /// The `state` that the answer must carry.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// Who was asked.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Puts it aside.
    pub fn put_aside(&self) -> PutAside {
        PutAside {
            issuer: self.issuer.clone(),
            promises_iss: self.promises_iss,
            state: self.state.clone(),
            verifier: self.verifier.expose().to_owned(),
            redirect_uri: self.redirect_uri.clone(),
            url: self.url.to_string(),
        }
    }

    /// Takes up again what was put aside.
    pub fn take_up(aside: PutAside) -> Option<Self> {
        let verifier = Verifier::parse(&aside.verifier)?;
        let url = Url::parse(&aside.url).ok()?;
        let PutAside { issuer, promises_iss, state, redirect_uri, .. } = aside;
        Some(Self { issuer, promises_iss, state, verifier, redirect_uri, url })
    }

    /// Reads the query that came back to the redirect URI.
    ///
    /// # Errors
    /// Checked in this order: `state`, `iss`, then what the answer says.
    pub fn judge(&self, query: &str) -> Result<Secret, AnswerError> {
        let state = only(query, "state")?.ok_or(AnswerError::NotOurs)?;
        if !text::same(state.as_bytes(), self.state.as_bytes()) {
            return Err(AnswerError::NotOurs);
        }
        match only(query, "iss")? {
            _ if !holds(Control::CallbackIssuer) => {}
            Some(iss) if iss != self.issuer => return Err(AnswerError::IssuerWrong),
            None if self.promises_iss => return Err(AnswerError::IssuerMissing),
            Some(_) | None => {}
        }
        if let Some(code) = only(query, "error")? {
            return Err(AnswerError::Refused(Told::new(&code, only(query, "error_description")?.as_deref())));
        }
        only(query, "code")?.filter(|code| !code.is_empty()).map(Secret::new).ok_or(AnswerError::NoCode)
    }
}

/// The one value of a parameter; twice is no answer at all (RFC 6749 §3.1).
fn only(query: &str, name: &str) -> Result<Option<String>, AnswerError> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let first = values.next().map(|(_, value)| value.into_owned());
    if values.next().is_some() { Err(AnswerError::NoCode) } else { Ok(first) }
}

#[cfg(test)]
mod tests;
