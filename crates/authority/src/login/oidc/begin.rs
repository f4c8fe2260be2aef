//! The way to a provider.

use axum::response::Response;

use super::discovery::Metadata;
use super::provider::Provider;
use crate::authority::Authority;
use crate::fault::Fault;
use crate::login::away::{Away, keep};
use crate::page::{found, with_cookies};
use crate::visit::Visit;

/// Sends a browser there.
pub(in crate::login) async fn leave(
    authority: &Authority,
    visit: &Visit,
    provider: &Provider,
    request: Option<String>,
) -> Result<Response, Fault> {
    let metadata = provider.metadata(visit.now).await?;
    let (browser, cookie) = visit.browser_or_new(authority);
    let away = Away::to(authority, &provider.settings.name, request);
    let state = keep(authority, visit, &away, &browser).await?;
    let state = state.expose();
    Ok(with_cookies(found(&there(authority, provider, &metadata, &away, &state)), [cookie]))
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
