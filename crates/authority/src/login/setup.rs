//! The first account: made by whoever holds the one-time link, or sits at the machine itself.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::UserId;
use bailiwick_store::NewUser;
use http::StatusCode;

use super::password::UserName;
use super::{Pending, bond, onward, pending, to_login};
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::{Form, FormError};
use crate::form_token::from_our_page;
use crate::page::login::{LinkField, SetupPage};
use crate::page::{FormsLead, see_other, show, with_cookies};
use crate::password::PasswordError;
use crate::visit::Visit;

/// `GET /setup`.
pub(crate) async fn ask(State(authority): State<Arc<Authority>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    let query = Form::parse(query.as_deref().unwrap_or("").as_bytes());
    let shown = async {
        let request = pending(&authority, &visit, query.one("request")).await?;
        if authority.store.any_user().await? {
            return Ok(see_other(&to_login(request.as_ref())));
        }
        let link = query.one("link").unwrap_or("");
        let wrong = !link.is_empty() && !authority.setup.opens_with(link);
        let problem = wrong.then_some("This link is not the one this server printed. Each start prints a new one.");
        Ok(page(&authority, &visit, request.as_ref(), &Filled { link, name: "", problem }))
    };
    authority.settle(&visit, shown.await)
}

/// `POST /setup`.
pub(crate) async fn make(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    form: Result<Form, FormError>,
) -> Response {
    authority.settle(&visit, made(&authority, &visit, form).await)
}

async fn made(authority: &Authority, visit: &Visit, form: Result<Form, FormError>) -> Result<Response, Fault> {
    let form = form?.once(&[])?;
    let browser = visit.browser_digest().ok_or(Fault::ForeignForm)?;
    let genuine = bond("setup", &browser).holds(&authority.secrets.form, form.one("form_token"));
    if !genuine || !from_our_page(&visit.headers, &authority.issuer) {
        return Err(Fault::ForeignForm);
    }
    let request = pending(authority, visit, form.one("request")).await?;
    if authority.store.any_user().await? {
        return Ok(see_other(&to_login(request.as_ref())));
    }
    match first_user(authority, visit, &form).await? {
        Ok(Some(user)) => authority.open_session(visit, &user, &onward(request.as_ref())).await,
        Ok(None) => Ok(see_other(&to_login(request.as_ref()))),
        Err(problem) => {
            let (link, name) = (form.one("link").unwrap_or(""), form.one("name").unwrap_or(""));
            let problem = Some(problem.as_str());
            Ok(page(authority, visit, request.as_ref(), &Filled { link, name, problem }))
        }
    }
}

/// Makes the account; `None` when somebody else was first, and a sentence when the person must try again.
async fn first_user(
    authority: &Authority,
    visit: &Visit,
    form: &Form,
) -> Result<Result<Option<UserId>, String>, Fault> {
    if !authority.setup.open_to(visit.peer) && !authority.setup.opens_with(form.one("link").unwrap_or("")) {
        return Ok(Err("The set-up link is not the one this server printed. Each start prints a new one.".to_owned()));
    }
    let Some(name) = form.one("name").and_then(UserName::parse) else {
        return Ok(Err("A user name is made of letters, digits and . _ - + @".to_owned()));
    };
    let password = form.one("password").unwrap_or("");
    if form.one("again") != Some(password) {
        return Ok(Err("The two passwords are not the same.".to_owned()));
    }
    let password_phc = match authority.passwords.hash(password, authority.entropy.as_ref()).await {
        Ok(phc) => phc,
        Err(error @ (PasswordError::Short | PasswordError::Long | PasswordError::Hash)) => {
            return Ok(Err(error.to_string()));
        }
    };
    // Such as the one of an earlier --dev-approve, which nobody can sign in to.
    if authority.store.user_by_name(name.as_str()).await?.is_some() {
        return Ok(
            Err("An account of that name is there already, without a password. Choose another name.".to_owned()),
        );
    }
    let id = UserId::draw(authority.entropy.as_ref());
    let event = AuditEvent::new(AuditKind::UserCreated, visit.now).correlation(&visit.correlation).user(&id);
    let user = NewUser::new(id.clone(), name.as_str().to_owned(), password_phc, visit.now);
    let first = authority.store.create_first_user(user, event).await?;
    Ok(Ok(first.then_some(id)))
}

/// What stands in the form.
struct Filled<'a> {
    link: &'a str,
    name: &'a str,
    problem: Option<&'a str>,
}

fn page(authority: &Authority, visit: &Visit, request: Option<&Pending>, filled: &Filled<'_>) -> Response {
    let (browser, cookie) = visit.browser_or_new(authority);
    let link = if authority.setup.opens_with(filled.link) {
        LinkField::Known(filled.link)
    } else if authority.setup.open_to(visit.peer) {
        LinkField::NotNeeded
    } else {
        LinkField::Asked
    };
    let page = SetupPage {
        problem: filled.problem.map(str::to_owned),
        form_token: &bond("setup", &browser).token(&authority.secrets.form),
        request: request.map(|found| found.handle.as_str()),
        link,
        username: filled.name,
        least: SetupPage::LEAST,
    };
    let status = if filled.problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    with_cookies(show(status, &page, &FormsLead::Here), [cookie])
}
