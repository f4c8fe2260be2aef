//! A person who is away at a provider: what must come back with them, bound to their browser and used once.

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::entropy::draw;
use bailiwick_domain::opaque::{BrowserCookie, Digest, LoginState, Opaque};
use bailiwick_domain::pkce::Verifier;
use bailiwick_domain::text;
use bailiwick_domain::time::REQUEST_LIFE;
use bailiwick_store::UpstreamLogin;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::UpstreamError;
use crate::authority::Authority;
use crate::fault::Fault;
use crate::visit::Visit;

/// What is kept while they are away; the store sees it sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Away {
    /// At which provider.
    provider: String,
    /// What the ID token must repeat.
    pub(super) nonce: String,
    verifier: String,
    /// The authorization request to go on with.
    pub(super) request: Option<String>,
}

/// What waits for a person to come back, or to go on.
pub(super) trait Waiting: Serialize + DeserializeOwned {
    /// At which provider.
    fn provider(&self) -> &str;
}

impl Waiting for Away {
    fn provider(&self) -> &str {
        &self.provider
    }
}

impl Away {
    /// A person about to leave for `provider`.
    pub(super) fn to(authority: &Authority, provider: &str, request: Option<String>) -> Self {
        let verifier = Verifier::draw(authority.entropy.as_ref());
        Self {
            provider: provider.to_owned(),
            nonce: text::encode(&draw::<32>(authority.entropy.as_ref())),
            verifier: verifier.expose().to_owned(),
            request,
        }
    }

    /// The verifier of the code.
    pub(super) fn verifier(&self) -> Option<Verifier> {
        Verifier::parse(&self.verifier)
    }
}

/// Keeps `what` for `browser`; returns the `state` that finds it again.
pub(super) async fn keep<T: Waiting>(
    authority: &Authority,
    visit: &Visit,
    what: &T,
    browser: &Digest<BrowserCookie>,
) -> Result<Opaque<LoginState>, Fault> {
    let state = Opaque::<LoginState>::mint(authority.entropy.as_ref());
    let digest = state.digest();
    // A struct of text always serialises.
    let json = Zeroizing::new(serde_json::to_vec(what).unwrap_or_default());
    let sealed = authority.secrets.upstream_login.seal(authority.entropy.as_ref(), digest.as_str(), &json);
    let login = UpstreamLogin { sealed, browser: browser.clone() };
    authority.store.begin_upstream_login(&digest, login, visit.now.after(REQUEST_LIFE)).await?;
    Ok(state)
}

/// What waits, and for whom.
pub(super) struct Found<T> {
    digest: Digest<LoginState>,
    /// The browser it waits for.
    pub(super) browser: Digest<BrowserCookie>,
    /// What waits.
    pub(super) what: T,
}

/// Finds what belongs to `state`, at this provider; whose browser asks is not looked at.
pub(super) async fn find<T: Waiting>(
    authority: &Authority,
    visit: &Visit,
    provider: &str,
    state: Option<&str>,
) -> Result<Found<T>, Fault> {
    let digest = state.and_then(Opaque::<LoginState>::parse).ok_or(UpstreamError::State)?.digest();
    let row = authority.store.upstream_login(&digest, visit.now).await?.ok_or(UpstreamError::State)?;
    let opened = authority.secrets.upstream_login.open(digest.as_str(), &row.sealed);
    let what = opened.and_then(|json| serde_json::from_slice::<T>(&json).ok());
    // Another provider's path: whoever answers here was not asked (RFC 9207 §1).
    let what = what.filter(|what| what.provider() == provider).ok_or(UpstreamError::State)?;
    Ok(Found { digest, browser: row.browser, what })
}

impl<T: Waiting> Found<T> {
    /// Takes it: it was not taken before.
    pub(super) async fn finish(self, authority: &Authority, visit: &Visit) -> Result<T, Fault> {
        if holds(Control::LoginState) && !authority.store.finish_upstream_login(&self.digest, visit.now).await? {
            return Err(UpstreamError::State.into());
        }
        Ok(self.what)
    }
}

/// Takes what belongs to `state`: begun by this browser, at this provider, and not finished before. A guess by another
/// browser leaves it alone.
pub(super) async fn take<T: Waiting>(
    authority: &Authority,
    visit: &Visit,
    provider: &str,
    state: Option<&str>,
) -> Result<T, Fault> {
    let found = find::<T>(authority, visit, provider, state).await?;
    let same = visit.browser_digest().is_some_and(|browser| browser == found.browser);
    if !same && holds(Control::LoginState) {
        return Err(UpstreamError::OtherBrowser.into());
    }
    found.finish(authority, visit).await
}
