//! `/account`: what can act for a person, and how they stop it.

mod act;
mod cards;
pub(crate) mod job;

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use bailiwick_domain::opaque::{BrowserCookie, Digest};
use bailiwick_domain::policy::Role;
use http::StatusCode;

pub(crate) use act::{change_password, close_session, stop};
pub(crate) use cards::{Looking, MOST_GRANTS};

use crate::authority::Authority;
use crate::connections;
use crate::fault::Fault;
use crate::form::{Form, FormError};
use crate::form_token::{Bond, from_our_page};
use crate::live::{from_here, stream};
use crate::login::NO_PASSWORD;
use crate::page::account::{AccountPage, Notice};
use crate::page::{see_other, show_live, with_cookies};
use crate::password::LEAST;
use crate::visit::{Person, Visit};

/// `GET /account`.
pub(crate) async fn view(State(authority): State<Arc<Authority>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    let query = Form::parse(query.as_deref().unwrap_or("").as_bytes());
    let shown = async {
        match visit.person(&authority).await? {
            Some(person) => page(&authority, &visit, &person, notice(query.one("done"))).await,
            None => Ok(see_other("/login")),
        }
    };
    authority.settle(&visit, shown.await)
}

/// The person behind a form of the account page, and the form; `None` when nobody is signed in.
pub(crate) async fn checked(
    authority: &Authority,
    visit: &Visit,
    form: Result<Form, FormError>,
) -> Result<Option<(Person, Form)>, Fault> {
    checked_lists(authority, visit, form, &[]).await
}

/// The same for a form in which these fields are lists.
pub(crate) async fn checked_lists(
    authority: &Authority,
    visit: &Visit,
    form: Result<Form, FormError>,
    lists: &[&str],
) -> Result<Option<(Person, Form)>, Fault> {
    let form = form?.once(lists)?;
    if !from_our_page(&visit.headers, &authority.issuer) {
        return Err(Fault::ForeignForm);
    }
    let Some(person) = visit.person(authority).await? else { return Ok(None) };
    let browser = visit.browser_digest().ok_or(Fault::ForeignForm)?;
    if !bond(&browser, &person).holds(&authority.secrets.form, form.one("form_token")) {
        return Err(Fault::ForeignForm);
    }
    Ok(Some((person, form)))
}

async fn page(
    authority: &Authority,
    visit: &Visit,
    person: &Person,
    notice: Option<Notice>,
) -> Result<Response, Fault> {
    let (browser, cookie) = visit.browser_or_new(authority);
    let form_token = bond(&browser, person).token(&authority.secrets.form);
    let (grants, _) = authority.grants_piece(&own(person), &form_token, visit.now).await?;
    let page = AccountPage {
        user: &person.user.name,
        form_token: &form_token,
        console: person.user.role != Role::User,
        notice,
        grants,
        connections: connections::cards(authority, person).await?,
        may_give: !authority.offers(&person.user).is_empty(),
        sessions: authority.session_cards(visit, person).await?,
        has_password: person.user.password != NO_PASSWORD,
        least: LEAST,
    };
    Ok(with_cookies(show_live(StatusCode::OK, &page), [cookie]))
}

/// `GET /account/live`: the same page, as it changes.
pub(crate) async fn live(State(authority): State<Arc<Authority>>, visit: Visit) -> Response {
    let (person, browser) = match visit.person(&authority).await {
        Ok(person) => (person, visit.browser_digest()),
        Err(error) => return authority.refuse(&visit, &error.into()),
    };
    let (Some(person), Some(browser), true) = (person, browser, from_here(&visit.headers)) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let form_token = bond(&browser, &person).token(&authority.secrets.form);
    let looking = own(&person);
    stream(&authority, person.digest, looking, form_token)
}

fn own(person: &Person) -> Looking {
    Looking::Own { user: person.user.id.clone(), name: person.user.name.clone() }
}

/// What the forms of the account page, and of the console, are bound to.
pub(crate) fn bond<'a>(browser: &'a Digest<BrowserCookie>, person: &'a Person) -> Bond<'a> {
    Bond { page: "account", browser, session: Some(&person.digest), request: None }
}

/// What the address says was just done.
fn notice(done: Option<&str>) -> Option<Notice> {
    let done = done?;
    let says = match done {
        "party" => "Stopped for this app, for good. It gets no other leave from it.",
        "stopped" => "Stopped. It cannot act for you any more.",
        "raised" => "The job may make that many calls from now on.",
        "works" => "Tried: the connection is accepted.",
        "ended" => "Disconnected. What was kept is deleted.",
        "closed" => "That browser is signed out.",
        "changed" => "Your password is changed, and every other browser is signed out.",
        "broken" => "The connection does not work. Connect again.",
        "unknown" => "The provider does not answer at the moment, so nothing is known of the connection.",
        _ => return None,
    };
    Some(Notice { says, bad: ["broken", "unknown"].contains(&done) })
}
