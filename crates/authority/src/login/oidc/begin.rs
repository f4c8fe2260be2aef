//! The way to a provider.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;

use super::away::Away;
use super::discovery::Metadata;
use super::provider::Provider;
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::Form;
use crate::login::{onward, pending, to_setup};
use crate::page::{found, see_other, with_cookies};
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
    let metadata = provider.metadata(visit.now).await?;
    let (browser, cookie) = visit.browser_or_new(authority);
    let away = Away::to(authority, name, request.map(|found| found.handle));
    let state = away.keep(authority, visit, &browser).await?;
    let state = state.expose();
    Ok(with_cookies(found(&there(authority, &provider, &metadata, &away, &state)), [cookie]))
}

/// The authentication request (OpenID Connect Core §3.1.2.1).
fn there(authority: &Authority, provider: &Provider, metadata: &Metadata, away: &Away, state: &str) -> String {
    let settings = &provider.settings;
    let challenge = away.verifier().map(|verifier| verifier.challenge());
    let mut scope = vec!["openid"];
    scope.extend(settings.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid"));
    let mut url = metadata.authorization.clone();
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &settings.client_id)
        .append_pair("redirect_uri", &callback(authority, &settings.name))
        .append_pair("scope", &scope.join(" "))
        .append_pair("state", state)
        .append_pair("nonce", &away.nonce)
        .append_pair("code_challenge", challenge.as_ref().map_or("", |challenge| challenge.as_str()))
        .append_pair("code_challenge_method", "S256");
    url.into()
}

/// Where that provider answers: a path of its own, so that no other can answer in its place (RFC 9700 §4.4.2).
pub(super) fn callback(authority: &Authority, name: &str) -> String {
    authority.issuer.join(&format!("/login/{name}/callback"))
}
