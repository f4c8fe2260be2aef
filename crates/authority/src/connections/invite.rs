//! `/connect/{ticket}`: a person learns what is asked of them, and does it or not.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::opaque::{BrowserCookie, Digest, RequestHandle};
use http::StatusCode;
use zeroize::Zeroizing;

use super::away::Away;
use super::connector::{Field, SPOKEN_NAME, SpokenName, Way};
use super::fault::ConnectFault;
use super::ticket::{Invitation, open};
use super::{ACCOUNT, back};
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::{Form, FormError};
use crate::form_token::{Bond, from_our_page};
use crate::page::connect::{ConnectPage, LeavePage, WayPiece};
use crate::page::{FormsLead, see_other, show, with_cookies};
use crate::visit::{Person, Visit};

/// The longest credential that is taken, in bytes.
const MOST_SECRET: usize = 8 * 1024;

type Posted = Result<Form, FormError>;
type Left = Vec<(String, Zeroizing<String>)>;

/// `GET /connect/{ticket}`.
pub(crate) async fn ask(State(authority): State<Arc<Authority>>, visit: Visit, Path(raw): Path<String>) -> Response {
    let shown = async {
        let Some(person) = visit.person(&authority).await? else { return to_login(&authority, &visit, &raw).await };
        let invitation = Invitation::find(&authority, &visit, &raw, &person).await?;
        page(&authority, &visit, (&invitation, &person), None).await
    };
    authority.settle(&visit, shown.await)
}

/// `POST /connect/{ticket}`.
pub(crate) async fn answer(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    Path(raw): Path<String>,
    form: Posted,
) -> Response {
    authority.settle(&visit, answered(&authority, &visit, &raw, form).await)
}

async fn answered(authority: &Authority, visit: &Visit, raw: &str, form: Posted) -> Result<Response, Fault> {
    let form = form?.once(&[])?;
    let Some(person) = visit.person(authority).await? else { return to_login(authority, visit, raw).await };
    let invitation = Invitation::find(authority, visit, raw, &person).await?;
    let browser = visit.browser_digest().ok_or(Fault::ForeignForm)?;
    let asked = asked(&invitation);
    let genuine = bond((&browser, &person), &asked).holds(&authority.secrets.form, form.one("form_token"));
    if !genuine || !from_our_page(&visit.headers, &authority.issuer) {
        return Err(Fault::ForeignForm);
    }
    match &invitation.provider.way {
        Way::Oauth { .. } => leave(authority, visit, &invitation).await,
        Way::Secret(fields) => match left(fields, &form) {
            Ok(left) => keep(authority, visit, &invitation, left).await,
            Err(problem) => page(authority, visit, (&invitation, &person), Some(problem)).await,
        },
        Way::Named { by, .. } => match spoken(*by, &person) {
            Some(name) => {
                let agreed = vec![(SPOKEN_NAME.to_owned(), Zeroizing::new(name.to_owned()))];
                keep(authority, visit, &invitation, agreed).await
            }
            None => page(authority, visit, (&invitation, &person), None).await,
        },
    }
}

/// Nobody is signed in: they sign in first, and come back.
async fn to_login(authority: &Authority, visit: &Visit, raw: &str) -> Result<Response, Fault> {
    open(authority, visit, raw).await?;
    Ok(see_other(&format!("/login?request={raw}")))
}

/// Sends the person to the provider. Browsers hold a form's `form-action` against where its answer redirects to, and
/// which host that is may not be known before: so the answer is a page that leads there.
async fn leave(authority: &Authority, visit: &Visit, invitation: &Invitation) -> Result<Response, Fault> {
    let connector = &authority.connecting()?.connector;
    let callback = authority.connect_callback(&invitation.provider.id);
    let departure = connector.begin(&invitation.key(), &callback, visit.now).await;
    let departure = departure.map_err(ConnectFault::from)?;
    let url = departure.url.clone();
    Away::keep(authority, visit, invitation, departure).await?;
    let page =
        LeavePage { title: &invitation.provider.title, host: url.host_str().unwrap_or_default(), url: url.as_str() };
    Ok(show(StatusCode::OK, &page, &FormsLead::Here))
}

/// Keeps what the person left. The link is spent first: of two who come with it, one is late.
async fn keep(authority: &Authority, visit: &Visit, invitation: &Invitation, left: Left) -> Result<Response, Fault> {
    let connecting = authority.connecting()?;
    connecting.tries.count(visit.peer, visit.now).map_err(ConnectFault::TooFast)?;
    invitation.spend(authority, visit).await?;
    let event = made(visit, invitation);
    connecting.connector.keep(&invitation.key(), left, event).await.map_err(ConnectFault::from)?;
    Ok(see_other(&back::to_done(invitation)))
}

/// What goes on record when a connection is made.
pub(super) fn made(visit: &Visit, invitation: &Invitation) -> AuditEvent {
    let ticket = &invitation.ticket;
    AuditEvent::new(AuditKind::ConnectionMade, visit.now)
        .correlation(&visit.correlation)
        .user(&ticket.user)
        .client(&ticket.client)
        .rule("connect")
        .says(ticket.provider.clone())
}

/// What stands in the fields; a sentence where the person must try again. White space that came along when it was
/// copied is no part of it.
fn left(fields: &[Field], form: &Form) -> Result<Left, &'static str> {
    let one = |field: &Field| {
        let value = form.one(&field.name).map(str::trim).filter(|value| !value.is_empty());
        let value = value.ok_or("Every field must be filled in. Nothing was kept.")?;
        if value.len() > MOST_SECRET || value.chars().any(char::is_control) {
            return Err("That is too long, or holds characters that no credential has. Nothing was kept.");
        }
        Ok((field.name.clone(), Zeroizing::new(value.to_owned())))
    };
    fields.iter().map(one).collect()
}

async fn page(
    authority: &Authority,
    visit: &Visit,
    (invitation, person): (&Invitation, &Person),
    problem: Option<&'static str>,
) -> Result<Response, Fault> {
    let (browser, cookie) = visit.browser_or_new(authority);
    let (ticket, provider, asked) = (&invitation.ticket, &invitation.provider, asked(invitation));
    let client = match ticket.client.as_str() {
        ACCOUNT => None,
        id => Some(authority.enabled_client(&ticket.client).await?.map_or_else(|| id.to_owned(), |client| client.name)),
    };
    let page = ConnectPage {
        title: &provider.title,
        user: &person.user.name,
        client,
        server: &ticket.server,
        tool: ticket.tool.as_deref(),
        way: piece(&provider.way, person),
        link: &invitation.raw,
        form_token: &bond((&browser, person), &asked).token(&authority.secrets.form),
        problem,
    };
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(with_cookies(show(status, &page, &FormsLead::Here), [cookie]))
}

fn piece<'a>(way: &'a Way, person: &'a Person) -> WayPiece<'a> {
    match way {
        Way::Oauth { host, scopes } => WayPiece::Oauth { host, scopes },
        Way::Secret(fields) => WayPiece::Secret(fields),
        Way::Named { audience, by } => WayPiece::Named { audience, name: spoken(*by, person) },
    }
}

/// The name a person is told under, where they have one of that kind.
fn spoken(by: SpokenName, person: &Person) -> Option<&str> {
    match by {
        SpokenName::Subject => Some(person.user.id.as_str()),
        SpokenName::Name => Some(&person.user.name),
        SpokenName::Email => person.user.email.as_deref(),
    }
}

fn asked(invitation: &Invitation) -> Digest<RequestHandle> {
    Digest::from_stored(invitation.digest.as_str())
}

fn bond<'a>((browser, person): (&'a Digest<BrowserCookie>, &'a Person), asked: &'a Digest<RequestHandle>) -> Bond<'a> {
    Bond { page: "connect", browser, session: Some(&person.digest), request: Some(asked) }
}
