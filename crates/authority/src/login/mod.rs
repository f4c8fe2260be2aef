//! Signing in and out.

mod arrival;
mod away;
mod dev;
mod elsewhere;
pub(crate) mod oidc;
mod password;
mod pending;
mod providers;
pub(crate) mod saml;
mod session;
mod setup;
mod upstream;

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use bailiwick_domain::opaque::{BrowserCookie, Digest};
use http::StatusCode;
use http::header::RETRY_AFTER;

pub(crate) use elsewhere::{begin, finish};
pub use providers::{LoginSettings, Providers};
pub(crate) use session::sign_out;
pub(crate) use setup::{ask as ask_setup, make as make_first};
pub(crate) use upstream::UpstreamError;

use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::{Form, FormError};
use crate::form_token::{Bond, from_our_page};
use crate::page::login::LoginPage;
use crate::page::{FormsLead, see_other, show, with_cookies};
use crate::visit::Visit;
use password::LoginError;
pub use password::UserName;
pub(crate) use pending::Purpose;
use pending::{Pending, onward, pending, to_login, to_setup};

pub(crate) use bailiwick_store::NO_PASSWORD;

/// `GET /login`.
pub(crate) async fn ask(State(authority): State<Arc<Authority>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    let query = Form::parse(query.as_deref().unwrap_or("").as_bytes());
    authority.settle(&visit, first_page(&authority, &visit, query.one("request")).await)
}

async fn first_page(authority: &Authority, visit: &Visit, request: Option<&str>) -> Result<Response, Fault> {
    let request = pending(authority, visit, request).await?;
    if visit.person(authority).await?.is_some() {
        return Ok(see_other(&onward(request.as_ref())));
    }
    if let Some(name) = &authority.dev_approve {
        let user = authority.dev_user(visit, name).await?;
        return authority.open_session(visit, &user.id, &onward(request.as_ref())).await;
    }
    if !authority.store.any_user().await? {
        return Ok(see_other(&to_setup(request.as_ref())));
    }
    Ok(page(authority, visit, request.as_ref(), &Retry::default()))
}

/// `POST /login`.
pub(crate) async fn sign_in(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    form: Result<Form, FormError>,
) -> Response {
    authority.settle(&visit, signed_in(&authority, &visit, form).await)
}

async fn signed_in(authority: &Authority, visit: &Visit, form: Result<Form, FormError>) -> Result<Response, Fault> {
    let form = form?.once(&[])?;
    let browser = visit.browser_digest().ok_or(Fault::ForeignForm)?;
    let genuine = bond("login", &browser).holds(&authority.secrets.form, form.one("form_token"));
    if !genuine || !from_our_page(&visit.headers, &authority.issuer) {
        return Err(Fault::ForeignForm);
    }
    let request = pending(authority, visit, form.one("request")).await?;
    let name = form.one("name").unwrap_or("");
    match authority.check_password(visit, name, form.one("password").unwrap_or("")).await? {
        Ok(user) => authority.open_session(visit, &user.id, &onward(request.as_ref())).await,
        Err(error) => {
            let username = UserName::parse(name).map(|name| name.as_str().to_owned()).unwrap_or_default();
            Ok(page(authority, visit, request.as_ref(), &Retry { error: Some(error), username }))
        }
    }
}

/// What an earlier attempt left on the page.
#[derive(Default)]
struct Retry {
    error: Option<LoginError>,
    username: String,
}

fn page(authority: &Authority, visit: &Visit, request: Option<&Pending>, retry: &Retry) -> Response {
    let (browser, cookie) = visit.browser_or_new(authority);
    let providers = authority.providers.load();
    let page = LoginPage {
        purpose: request.map(|found| &found.purpose),
        problem: retry.error.map(|error| error.to_string()),
        form_token: &bond("login", &browser).token(&authority.secrets.form),
        request: request.map(|found| found.handle.as_str()),
        username: &retry.username,
        providers: providers.titles(),
    };
    let (status, wait) = match retry.error {
        None => (StatusCode::OK, None),
        Some(LoginError::Wrong) => (StatusCode::FORBIDDEN, None),
        Some(LoginError::Wait(wait)) => (StatusCode::TOO_MANY_REQUESTS, Some(wait.as_secs().max(1))),
    };
    let mut response = with_cookies(show(status, &page, &FormsLead::Here), [cookie]);
    if let Some(wait) = wait {
        response.headers_mut().insert(RETRY_AFTER, wait.into());
    }
    response
}

fn bond<'a>(page: &'static str, browser: &'a Digest<BrowserCookie>) -> Bond<'a> {
    Bond { page, browser, session: None, request: None }
}
