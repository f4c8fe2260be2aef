//! Consent: the page that asks, and the one answer it takes.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::client::ClientSource;
use bailiwick_domain::policy::Stage;
use http::StatusCode;

use super::approve::{Pending, Terms};
use super::held::{Found, Held};
use super::target::Reason;
use super::{answer, beyond};
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::{Form, FormError};
use crate::form_token::{Bond, from_our_page};
use crate::page::consent::{ConsentPage, Kind, Ticked, choose, durations, groups, life};
use crate::page::{FormsLead, see_other, show};
use crate::visit::{Person, Visit};

/// `GET /consent?request=…`.
pub(crate) async fn ask(State(authority): State<Arc<Authority>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    let query = Form::parse(query.as_deref().unwrap_or("").as_bytes());
    let shown = async {
        let found = Held::find(&authority, &visit, query.one("request")).await?;
        match visit.person(&authority).await? {
            Some(person) => page(&authority, &visit, (&found, &person), &Retry::default()),
            None => Ok(see_other(&format!("/login?request={}", found.handle))),
        }
    };
    authority.settle(&visit, shown.await)
}

/// `POST /consent`.
pub(crate) async fn decide(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    form: Result<Form, FormError>,
) -> Response {
    authority.settle(&visit, answered(&authority, &visit, form).await)
}

async fn answered(authority: &Authority, visit: &Visit, form: Result<Form, FormError>) -> Result<Response, Fault> {
    let form = form?.once(&["tool", "scope"])?;
    if !from_our_page(&visit.headers, &authority.issuer) {
        return Err(Fault::ForeignForm);
    }
    let found = Held::find(authority, visit, form.one("request")).await?;
    let Some(person) = visit.person(authority).await? else {
        return Ok(see_other(&format!("/login?request={}", found.handle)));
    };
    if !bond(&found, &person).holds(&authority.secrets.form, form.one("form_token")) {
        return Err(Fault::ForeignForm);
    }
    // Only a clear yes is a yes.
    if form.one("decision") == Some("allow") {
        allow(authority, visit, &found, &person, &form).await
    } else {
        deny(authority, visit, &found, &person).await
    }
}

async fn allow(
    authority: &Authority,
    visit: &Visit,
    found: &Found,
    person: &Person,
    form: &Form,
) -> Result<Response, Fault> {
    let held = &found.held;
    let server = authority.server(Some(&held.resource)).ok_or(Fault::Changed)?;
    let list = |name: &'static str| form.all(name).map(str::to_owned).collect::<BTreeSet<_>>();
    let (tools, scopes) = (list("tool"), list("scope"));
    let within = authority.within(Stage::Consent, &person.user, &held.resource, &held.scope);
    let chosen = choose(&server, &within, &tools, &scopes);
    let (Some(life), false) = (form.one("duration").and_then(life), chosen.scope.is_empty()) else {
        let retry = Retry {
            problem: Some("Nothing is ticked. Tick what the application may do, or deny."),
            ticked: Some((&tools, &scopes)),
            duration: form.one("duration"),
        };
        return page(authority, visit, (found, person), &retry);
    };
    let pending = Pending { client: &found.client, held, request: &found.digest };
    let terms = Terms { user: person.user.id.clone(), scope: chosen.scope, only: chosen.only, life };
    Ok(see_other(&pending.approve(authority, visit, terms).await?))
}

async fn deny(authority: &Authority, visit: &Visit, found: &Found, person: &Person) -> Result<Response, Fault> {
    if !authority.store.drop_request(&found.digest).await? {
        return Err(Fault::Answered);
    }
    let held = &found.held;
    let event = AuditEvent::new(AuditKind::ConsentDenied, visit.now)
        .correlation(&visit.correlation)
        .user(&person.user.id)
        .client(&held.ask.client_id)
        .resource(&held.resource)
        .scope(&held.scope);
    authority.store.record(event).await?;
    Ok(see_other(&answer::error(&held.ask.redirect_uri, Reason::Denied, held.ask.state.as_deref(), &authority.issuer)))
}

/// What an earlier answer left on the page.
#[derive(Default)]
struct Retry<'a> {
    problem: Option<&'a str>,
    ticked: Ticked<'a>,
    duration: Option<&'a str>,
}

fn page(
    authority: &Authority,
    visit: &Visit,
    (found, person): (&Found, &Person),
    retry: &Retry<'_>,
) -> Result<Response, Fault> {
    let (held, client) = (&found.held, &found.client);
    let server = authority.server(Some(&held.resource)).ok_or(Fault::Changed)?;
    let within = authority.within(Stage::Consent, &person.user, &held.resource, &held.scope);
    if within.is_empty() {
        return Ok(beyond::page(authority, visit, held, &person.user));
    }
    let to = &held.ask.registered;
    let unverified = client.source == ClientSource::Registered;
    let page = ConsentPage {
        client: &client.name,
        client_uri: client.uri.as_deref().filter(|_| !unverified),
        unverified,
        vouching_host: client.vouching_host(),
        client_id: client.id.as_str(),
        host: to.host(),
        loopback: to.is_loopback(),
        server: &server.title,
        resource: server.resource.as_str(),
        kind: if authority.agent_at(&server.resource).is_some() { Kind::Agent } else { Kind::Server },
        reachable: server.reachable,
        user: &person.user.name,
        groups: groups(&server, &within, retry.ticked),
        withheld: held.scope.minus(&within).iter().map(ToString::to_string).collect(),
        durations: durations(retry.duration),
        problem: retry.problem,
        form_token: &bond(found, person).token(&authority.secrets.form),
        request: &found.handle,
    };
    let status = if retry.problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(show(status, &page, &FormsLead::To(to.origin())))
}

fn bond<'a>(found: &'a Found, person: &'a Person) -> Bond<'a> {
    Bond { page: "consent", browser: &found.browser, session: Some(&person.digest), request: Some(&found.digest) }
}
