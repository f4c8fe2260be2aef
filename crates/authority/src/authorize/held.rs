//! An authorization request while a person decides: kept in the store under its handle, bound to the browser it began in.

use bailiwick_domain::client::Client;
use bailiwick_domain::grant::{AuthorizationRequest, AuthorizeError};
use bailiwick_domain::opaque::{BrowserCookie, Digest, Opaque, RequestHandle};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::REQUEST_LIFE;
use bailiwick_domain::uri::Resource;
use serde::{Deserialize, Serialize};

use crate::authority::Authority;
use crate::fault::Fault;
use crate::visit::Visit;

/// What is kept: everything consent is bound to besides the browser and the person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    /// The checked request.
    pub(crate) ask: AuthorizationRequest,
    /// The server it is about.
    pub(crate) resource: Resource,
    /// The scopes to ask for.
    pub(crate) scope: ScopeSet,
    /// The client as it was when it asked.
    pub(crate) client_hash: String,
    /// For a client that is its document: what it said then, so that what is approved is what was shown.
    #[serde(default)]
    pub(crate) document: Option<Client>,
}

/// A held request, found again by the browser it belongs to.
pub(crate) struct Found {
    /// The request.
    pub(crate) held: Held,
    /// Its handle as it goes into forms.
    pub(crate) handle: String,
    /// Its handle as the store knows it.
    pub(crate) digest: Digest<RequestHandle>,
    /// The browser.
    pub(crate) browser: Digest<BrowserCookie>,
    /// The client, still as it was.
    pub(crate) client: Client,
}

impl Held {
    /// Keeps the request for `browser`; returns its handle.
    pub(crate) async fn keep(
        &self,
        authority: &Authority,
        visit: &Visit,
        browser: &Digest<BrowserCookie>,
    ) -> Result<Opaque<RequestHandle>, Fault> {
        let handle = Opaque::<RequestHandle>::mint(authority.entropy.as_ref());
        // A struct of text, enums and lists always serialises.
        let json = serde_json::to_string(self).unwrap_or_default();
        authority.store.hold_request(&handle.digest(), json, browser, visit.now.after(REQUEST_LIFE)).await?;
        Ok(handle)
    }

    /// Finds the request behind `raw`, if this browser began it and nothing changed since.
    pub(crate) async fn find(authority: &Authority, visit: &Visit, raw: Option<&str>) -> Result<Found, Fault> {
        let handle = raw.and_then(Opaque::<RequestHandle>::parse).ok_or(Fault::NoRequest)?;
        let digest = handle.digest();
        let row = authority.store.request(&digest, visit.now).await?.ok_or(Fault::NoRequest)?;
        let browser = visit.browser_digest().filter(|browser| *browser == row.browser).ok_or(Fault::OtherBrowser)?;
        let held: Self = serde_json::from_str(&row.json).map_err(|_| Fault::NoRequest)?;
        let client = match held.document.clone() {
            Some(client) => authority.still(client).await?,
            None => authority.enabled_client(&held.ask.client_id).await?,
        };
        let client = client.ok_or(Fault::Authorize(AuthorizeError::UnknownClient))?;
        if client.metadata_hash() != held.client_hash {
            return Err(Fault::Changed);
        }
        Ok(Found { held, handle: handle.expose().as_str().to_owned(), digest, browser, client })
    }
}
