//! The way back from a provider: who answers is checked first, then what, and only then somebody is signed in.

use axum::response::Response;
use bailiwick_store::Origin;

use super::begin::callback;
use super::claims;
use super::discovery::Metadata;
use super::exchange::Redeem;
use super::id_token::Expected;
use super::provider::Provider;
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::Form;
use crate::login::UpstreamError;
use crate::login::arrival::Known;
use crate::login::away::{Away, take};
use crate::login::{onward, pending};
use crate::visit::Visit;

/// Signs in whoever the answer is about.
pub(in crate::login) async fn arrive(
    authority: &Authority,
    visit: &Visit,
    provider: &Provider,
    answer: &Form,
) -> Result<Response, Fault> {
    let name = &provider.settings.name;
    let away: Away = take(authority, visit, name, answer.one("state")).await?;
    let metadata = provider.metadata(visit.now).await?;
    let code = code(provider, &metadata, answer)?;
    let request = pending(authority, visit, away.request.as_deref()).await?;

    let verifier = away.verifier().ok_or(UpstreamError::State)?;
    let redeem = Redeem { code, verifier: &verifier, callback: &callback(authority, name) };
    let tokens = provider.redeem(&metadata, &redeem).await?;
    let settings = &provider.settings;
    let expected =
        Expected { issuer: &settings.issuer, client_id: &settings.client_id, nonce: &away.nonce, now: visit.now };
    let known = provider.verify(&metadata, &tokens.id_token, &expected).await?;
    let subject = known.subject().unwrap_or_default().to_owned();
    let origin = Origin { issuer: settings.issuer.as_str().to_owned(), session: known.session().map(str::to_owned) };
    let known = provider.describe(&metadata, &known, &tokens).await?;
    drop(tokens);

    let known = Known {
        issuer: settings.issuer.as_str().to_owned(),
        subject,
        provider: settings.name.clone(),
        email: claims::email(&known),
        groups: claims::groups(&known, &settings.groups_claim),
        name: claims::name(&settings.name, &known),
    };
    let user = authority.land(visit, known).await?.ok_or(UpstreamError::Disabled)?;
    authority.open_session_of(visit, &user, Some(origin), &onward(request.as_ref())).await
}

/// The code of an answer by the configured issuer (RFC 9207 §2.4); an error is told apart and never repeated.
fn code<'a>(provider: &Provider, metadata: &Metadata, answer: &'a Form) -> Result<&'a str, UpstreamError> {
    match answer.one("iss") {
        Some(said) if !provider.settings.issuer.is(said) => return Err(UpstreamError::Issuer("the answer")),
        None if metadata.names_itself => return Err(UpstreamError::Issuer("the answer")),
        Some(_) | None => {}
    }
    match answer.one("error") {
        None => answer.one("code").ok_or(UpstreamError::Document("answer")),
        Some("access_denied") => Err(UpstreamError::Denied),
        Some(_) => Err(UpstreamError::Refused),
    }
}
