//! `/console`: everybody's grants, people, servers, agents and the record, for administrators and auditors. Only
//! administrators find buttons there, and only theirs are heard.

mod act;
mod pages;
mod record;

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::policy::Role;
use http::StatusCode;

pub(crate) use act::{start, stop};
pub(crate) use pages::{agents, people, servers};
pub(crate) use record::record;

use crate::account::{Looking, MOST_GRANTS, bond};
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::Form;
use crate::live::{from_here, stream};
use crate::page::console::{Frame, GrantsPage, Pager};
use crate::page::{see_other, show_live, with_cookies};
use crate::visit::{Person, Visit};

/// The most rows on one page.
const MOST_ROWS: u32 = 50;

/// Somebody to whom the console opens.
pub(crate) struct Reader {
    person: Person,
}

impl Reader {
    /// Lets in whoever is signed in and may look; `None` when nobody is signed in.
    async fn admit(authority: &Authority, visit: &Visit) -> Result<Option<Self>, Fault> {
        let Some(person) = visit.person(authority).await? else { return Ok(None) };
        if person.user.role == Role::User && holds(Control::ConsoleRole) {
            return Err(Fault::Role);
        }
        Ok(Some(Self { person }))
    }

    /// True when they may stop things.
    fn stops(&self) -> bool {
        may_stop(self.person.user.role)
    }
}

fn may_stop(role: Role) -> bool {
    match role {
        Role::Admin => true,
        Role::Auditor | Role::User => !holds(Control::ConsoleRole),
    }
}

/// A page, as somebody asks for it.
struct Asked {
    reader: Reader,
    query: Form,
    form_token: String,
    cookie: Option<http::HeaderValue>,
}

impl Asked {
    /// Admits the reader and reads what they ask for.
    async fn of(authority: &Authority, visit: &Visit, query: Option<&str>) -> Result<Option<Self>, Fault> {
        let Some(reader) = Reader::admit(authority, visit).await? else { return Ok(None) };
        let (browser, cookie) = visit.browser_or_new(authority);
        let form_token = bond(&browser, &reader.person).token(&authority.secrets.form);
        Ok(Some(Self { reader, query: Form::parse(query.unwrap_or("").as_bytes()), form_token, cookie }))
    }

    fn frame(&self, here: &'static str) -> Frame {
        Frame {
            user: self.reader.person.user.name.clone(),
            role: self.reader.person.user.role.as_str(),
            form_token: self.form_token.clone(),
            stops: self.reader.stops(),
            here,
            done: self.query.one("done").and_then(done),
        }
    }

    /// Which page of many, from 1.
    fn page(&self) -> u32 {
        self.query.one("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, 10_000)
    }
}

/// What the address says was just done.
fn done(word: &str) -> Option<&'static str> {
    match word {
        "stopped" => Some("Stopped."),
        "started" => Some("It may act again. What was ended stays ended."),
        "nothing" => Some("There was nothing to change: it stood so already, or is gone."),
        _ => None,
    }
}

/// `GET /console`.
pub(crate) async fn grants(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let shown = async {
        let Some(asked) = Asked::of(&authority, &visit, query.as_deref()).await? else {
            return Ok(see_other("/login"));
        };
        let looking = looking(&asked.reader, asked.page());
        let (grants, _) = authority.grants_piece(&looking, &asked.form_token, visit.now).await?;
        let pager = Pager::new(asked.page(), grants.grants.len(), MOST_GRANTS, "/console?");
        let page = GrantsPage { frame: asked.frame("grants"), page: asked.page(), grants, pager };
        Ok(with_cookies(show_live(StatusCode::OK, &page), [asked.cookie]))
    };
    authority.settle(&visit, shown.await)
}

/// `GET /console/live`: the same page, as it changes.
pub(crate) async fn live(State(authority): State<Arc<Authority>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    let asked = match Asked::of(&authority, &visit, query.as_deref()).await {
        Ok(Some(asked)) if from_here(&visit.headers) && visit.browser_digest().is_some() => asked,
        Ok(_) => return StatusCode::FORBIDDEN.into_response(),
        Err(fault) => return authority.refuse(&visit, &fault),
    };
    let looking = looking(&asked.reader, asked.page());
    stream(&authority, asked.reader.person.digest, looking, asked.form_token)
}

fn looking(reader: &Reader, page: u32) -> Looking {
    Looking::All { skip: (page - 1) * MOST_GRANTS, stops: reader.stops() }
}
