//! `/account`: what can act for a person, and how they stop it.

mod act;
mod cards;

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use bailiwick_domain::opaque::{BrowserCookie, Digest};
use http::StatusCode;

pub(crate) use act::{change_password, close_session, stop};

use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::{Form, FormError};
use crate::form_token::{Bond, from_our_page};
use crate::login::NO_PASSWORD;
use crate::page::account::{AccountPage, Notice};
use crate::page::{FormsLead, see_other, show, with_cookies};
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
    let form = form?.once(&[])?;
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
    let page = AccountPage {
        user: &person.user.name,
        form_token: &bond(&browser, person).token(&authority.secrets.form),
        notice,
        grants: authority.grant_cards(visit, person).await?,
        sessions: authority.session_cards(visit, person).await?,
        has_password: person.user.password != NO_PASSWORD,
        least: LEAST,
    };
    let bad = notice.is_some_and(|notice| notice.bad);
    let status = if bad { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(with_cookies(show(status, &page, &FormsLead::Here), [cookie]))
}

fn bond<'a>(browser: &'a Digest<BrowserCookie>, person: &'a Person) -> Bond<'a> {
    Bond { page: "account", browser, session: Some(&person.digest), request: None }
}

/// What the address says was just done.
fn notice(done: Option<&str>) -> Option<Notice> {
    let says = match done? {
        "stopped" => "Stopped. It cannot act for you any more.",
        "closed" => "That browser is signed out.",
        "changed" => "Your password is changed, and every other browser is signed out.",
        _ => return None,
    };
    Some(Notice { says, bad: false })
}
