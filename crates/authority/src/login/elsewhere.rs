//! The way to a provider and back, up to where the protocols part.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;

use super::providers::LoginProvider;
use super::{oidc, onward, pending, saml, to_setup};
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::Form;
use crate::page::see_other;
use crate::visit::Visit;

/// `GET /login/{provider}`.
pub(crate) async fn begin(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Form::parse(query.as_deref().unwrap_or("").as_bytes());
    authority.settle(&visit, leave(&authority, &visit, &name, query.one("request")).await)
}

async fn leave(authority: &Authority, visit: &Visit, name: &str, request: Option<&str>) -> Result<Response, Fault> {
    let provider = authority.providers.load().named(name)?;
    let request = pending(authority, visit, request).await?;
    if visit.person(authority).await?.is_some() {
        return Ok(see_other(&onward(request.as_ref())));
    }
    // The first account is made by whoever holds the set-up link, not by whoever the provider knows.
    if !authority.store.any_user().await? {
        return Ok(see_other(&to_setup(request.as_ref())));
    }
    let request = request.map(|found| found.handle);
    match provider {
        LoginProvider::Oidc(provider) => oidc::leave(authority, visit, &provider, request).await,
        LoginProvider::Saml(provider) => saml::leave(authority, visit, &provider, request).await,
    }
}

/// `GET /login/{provider}/callback`.
pub(crate) async fn finish(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let answer = Form::parse(query.as_deref().unwrap_or("").as_bytes());
    authority.settle(&visit, arrive(&authority, &visit, &name, answer).await)
}

async fn arrive(authority: &Authority, visit: &Visit, name: &str, answer: Form) -> Result<Response, Fault> {
    let provider = authority.providers.load().named(name)?;
    let answer = answer.once(&[])?;
    match provider {
        LoginProvider::Oidc(provider) => oidc::arrive(authority, visit, &provider, &answer).await,
        LoginProvider::Saml(provider) => saml::arrive(authority, visit, &provider, answer.one("state")).await,
    }
}
