//! The way to an identity provider, and what we say of ourselves to whoever runs it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bailiwick_saml::{AuthnRequest, ServiceProvider};
use http::header::CONTENT_TYPE;

use super::SamlSettings;
use crate::authority::Authority;
use crate::fault::Fault;
use crate::login::UpstreamError;
use crate::login::away::{Away, keep};
use crate::page::{found, with_cookies};
use crate::visit::Visit;

/// Sends a browser there; `RelayState` finds the sign-in again, and the identifier of the request is what the answer must
/// repeat.
pub(in crate::login) async fn leave(
    authority: &Authority,
    visit: &Visit,
    settings: &SamlSettings,
    request: Option<String>,
) -> Result<Response, Fault> {
    let (browser, cookie) = visit.browser_or_new(authority);
    let away = Away::to(authority, &settings.party.name, request);
    let state = keep(authority, visit, &away, &browser).await?;
    let asking = AuthnRequest {
        id: &request_id(&away),
        provider: &settings.party.provider,
        entity_id: authority.issuer.as_str(),
        acs: &acs(authority, &settings.party.name),
        key: settings.key.as_deref(),
    };
    let there = asking.redirect(&state.expose(), visit.now).map_err(UpstreamError::from)?;
    Ok(with_cookies(found(there.as_str()), [cookie]))
}

/// `GET /login/{provider}/metadata`.
pub(crate) async fn metadata(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    Path(name): Path<String>,
) -> Response {
    let provider = authority.providers.load().saml(&name);
    let written = provider.and_then(|settings| {
        let (acs, key) = (acs(&authority, &name), settings.key.as_deref());
        let us = ServiceProvider { entity_id: authority.issuer.as_str(), acs: &acs, key };
        Ok(us.metadata()?)
    });
    match written {
        Ok(xml) => ([(CONTENT_TYPE, "application/samlmetadata+xml")], xml).into_response(),
        Err(error) => authority.refuse(&visit, &error.into()),
    }
}

/// Where that provider answers: a path of its own, as for every provider.
pub(super) fn acs(authority: &Authority, name: &str) -> String {
    authority.issuer.join(&format!("/login/{name}/acs"))
}

/// An XML name never begins with a digit.
pub(super) fn request_id(away: &Away) -> String {
    format!("_{}", away.nonce)
}
