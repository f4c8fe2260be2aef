//! The way back. The answer is posted by the provider's page, so the browser sends none of our cookies with it
//! (`SameSite=Lax`), and that is as it should be: what is proven here is *who* was signed in, for which of our requests,
//! once. Whose browser that was is proven a step later, by a redirect that the browser follows with its cookies.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bailiwick_saml::{Answered, verify_response};
use bailiwick_store::Origin;
use serde::{Deserialize, Serialize};

use super::SamlSettings;
use super::begin::{acs, request_id};
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::{Form, FormError};
use crate::login::UpstreamError;
use crate::login::arrival::Known;
use crate::login::away::{Away, Waiting, find, keep, take};
use crate::login::{onward, pending};
use crate::page::see_other;
use crate::visit::Visit;

/// Somebody whom the provider signed in, until their browser shows that it was sent there.
#[derive(Serialize, Deserialize)]
struct Proven {
    provider: String,
    known: Known,
    /// The provider's session.
    session: Option<String>,
    /// The authorization request to go on with.
    request: Option<String>,
}

impl Waiting for Proven {
    fn provider(&self) -> &str {
        &self.provider
    }
}

/// `POST /login/{provider}/acs`.
pub(crate) async fn receive(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    Path(name): Path<String>,
    form: Result<Form, FormError>,
) -> Response {
    authority.settle(&visit, received(&authority, &visit, &name, form).await)
}

async fn received(
    authority: &Authority,
    visit: &Visit,
    name: &str,
    form: Result<Form, FormError>,
) -> Result<Response, Fault> {
    let settings = authority.providers.load().saml(name)?;
    let form = form?.once(&[])?;
    // What nobody asked for has no state: an answer that a provider began by itself ends here.
    let found = find::<Away>(authority, visit, name, form.one("RelayState")).await?;
    let us = authority.issuer.as_str();
    let answered = Answered {
        provider: &settings.party.provider,
        entity_id: us,
        acs: &acs(authority, name),
        request: &request_id(&found.what),
        now: visit.now,
    };
    let raw = form.one("SAMLResponse").ok_or(UpstreamError::Document("answer"))?;
    let assertion = verify_response(raw, &answered).map_err(UpstreamError::from)?;
    let known = settings.party.known(&assertion, us).map_err(UpstreamError::from)?;
    let browser = found.browser.clone();
    let request = found.finish(authority, visit).await?.request;
    let proven = Proven { provider: name.to_owned(), known, session: assertion.session_index, request };
    let state = keep(authority, visit, &proven, &browser).await?;
    Ok(see_other(&format!("/login/{name}/callback?state={}", *state.expose())))
}

/// Signs in whoever was proven, in the browser that was sent away.
pub(in crate::login) async fn arrive(
    authority: &Authority,
    visit: &Visit,
    settings: &SamlSettings,
    state: Option<&str>,
) -> Result<Response, Fault> {
    let proven: Proven = take(authority, visit, &settings.party.name, state).await?;
    // The provider may be another by now, under the same name.
    if proven.known.issuer != settings.party.authority() {
        return Err(UpstreamError::State.into());
    }
    let request = pending(authority, visit, proven.request.as_deref()).await?;
    let origin = Origin { issuer: proven.known.issuer.clone(), session: proven.session };
    let user = authority.land(visit, proven.known).await?.ok_or(UpstreamError::Disabled)?;
    authority.open_session_of(visit, &user, Some(origin), &onward(request.as_ref())).await
}
