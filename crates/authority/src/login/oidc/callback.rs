//! The way back from a provider: who answers is checked first, then what, and only then somebody is signed in.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::UserId;
use bailiwick_store::{Arrival, Identity, NewUser, Origin};
use serde_json::{Map, Value};

use super::OidcError;
use super::away::Away;
use super::begin::callback;
use super::claims;
use super::discovery::Metadata;
use super::exchange::Redeem;
use super::id_token::Expected;
use super::provider::Provider;
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::Form;
use crate::login::{NO_PASSWORD, onward, pending};
use crate::visit::Visit;

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
    let away = Away::take(authority, visit, name, answer.one("state")).await?;
    let metadata = provider.metadata(visit.now).await?;
    let code = code(&provider, &metadata, &answer)?;
    let request = pending(authority, visit, away.request.as_deref()).await?;

    let verifier = away.verifier().ok_or(OidcError::State)?;
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

    let landed = authority.store.land(arrival(authority, visit, &provider, subject, &known)).await?;
    if landed.disabled {
        return Err(OidcError::Disabled.into());
    }
    authority.open_session_of(visit, &landed.user, Some(origin), &onward(request.as_ref())).await
}

/// The code of an answer by the configured issuer (RFC 9207 §2.4); an error is told apart and never repeated.
fn code<'a>(provider: &Provider, metadata: &Metadata, answer: &'a Form) -> Result<&'a str, OidcError> {
    match answer.one("iss") {
        Some(said) if !provider.settings.issuer.is(said) => return Err(OidcError::Issuer("the answer")),
        None if metadata.names_itself => return Err(OidcError::Issuer("the answer")),
        Some(_) | None => {}
    }
    match answer.one("error") {
        None => answer.one("code").ok_or(OidcError::Document("answer")),
        Some("access_denied") => Err(OidcError::Denied),
        Some(_) => Err(OidcError::Refused),
    }
}

fn arrival(
    authority: &Authority,
    visit: &Visit,
    provider: &Provider,
    subject: String,
    known: &Map<String, Value>,
) -> Arrival {
    let settings = &provider.settings;
    let event = |kind| {
        AuditEvent::new(kind, visit.now).correlation(&visit.correlation).rule(format!("login.{}", settings.name))
    };
    let identity = Identity {
        issuer: settings.issuer.as_str().to_owned(),
        subject,
        provider: settings.name.clone(),
        email: claims::email(known),
        groups: claims::groups(known, &settings.groups_claim),
    };
    let (id, name) = (UserId::draw(authority.entropy.as_ref()), claims::name(&settings.name, known));
    Arrival {
        account: NewUser {
            email: identity.email.clone(),
            groups: identity.groups.clone(),
            provider: Some(settings.name.clone()),
            ..NewUser::new(id, name, NO_PASSWORD.to_owned(), visit.now)
        },
        identity,
        created: event(AuditKind::UserCreated),
        changed: event(AuditKind::IdentityChanged),
    }
}
