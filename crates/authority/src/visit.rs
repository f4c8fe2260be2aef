//! A visit: what one request says of the browser it comes from, and the one time its handler asks the clock.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use bailiwick_domain::ids::CorrelationId;
use bailiwick_domain::opaque::{BrowserCookie, Digest, Opaque, SessionCookie};
use bailiwick_domain::time::Timestamp;
use bailiwick_net::Peer;
use bailiwick_store::{Session, StoreError, User};
use http::header::USER_AGENT;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use crate::agent;
use crate::authority::Authority;
use crate::cookies;

/// One request of a browser.
pub(crate) struct Visit {
    /// The moment of the whole request.
    pub(crate) now: Timestamp,
    /// How the request is found again in log and audit.
    pub(crate) correlation: CorrelationId,
    /// Where it comes from.
    pub(crate) peer: Option<IpAddr>,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// The browser, if it has been here before.
    pub(crate) browser: Option<Opaque<BrowserCookie>>,
    /// The session cookie, whatever it is worth.
    pub(crate) session: Option<Opaque<SessionCookie>>,
}

/// A person who is signed in.
pub(crate) struct Person {
    /// Their session.
    pub(crate) session: Session,
    /// The digest of its cookie.
    pub(crate) digest: Digest<SessionCookie>,
    /// Their account.
    pub(crate) user: User,
}

impl FromRequestParts<Arc<Authority>> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, authority: &Arc<Authority>) -> Result<Self, Infallible> {
        let https = authority.issuer.is_https();
        Ok(Self {
            now: authority.clock.now(),
            correlation: parts
                .extensions
                .get::<CorrelationId>()
                .cloned()
                .unwrap_or_else(|| CorrelationId::draw(authority.entropy.as_ref())),
            peer: parts.extensions.get::<Peer>().map(|peer| peer.0.ip().to_canonical()),
            browser: cookies::read(&parts.headers, https),
            session: cookies::read(&parts.headers, https),
            headers: parts.headers.clone(),
        })
    }
}

impl Visit {
    /// The browser, in words its owner knows it by.
    pub(crate) fn agent(&self) -> String {
        agent::words(self.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or(""))
    }

    /// The browser's secret and, where it had none, the header that gives it one.
    pub(crate) fn browser_or_new(&self, authority: &Authority) -> (Digest<BrowserCookie>, Option<HeaderValue>) {
        if let Some(known) = &self.browser {
            return (known.digest(), None);
        }
        let fresh = Opaque::<BrowserCookie>::mint(authority.entropy.as_ref());
        (fresh.digest(), cookies::keep(&fresh, authority.issuer.is_https(), None))
    }

    /// The digest of the browser's cookie; without one, of nothing at all.
    pub(crate) fn browser_digest(&self) -> Option<Digest<BrowserCookie>> {
        self.browser.as_ref().map(Opaque::digest)
    }

    /// The person signed in, if any.
    pub(crate) async fn person(&self, authority: &Authority) -> Result<Option<Person>, StoreError> {
        let Some(cookie) = &self.session else { return Ok(None) };
        let digest = cookie.digest();
        let Some(session) = authority.store.session(&digest, self.now).await? else { return Ok(None) };
        let user = authority.store.user(&session.user).await?;
        Ok(user.filter(|user| !user.disabled).map(|user| Person { session, digest, user }))
    }
}
