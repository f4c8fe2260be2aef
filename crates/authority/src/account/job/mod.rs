//! `/account/job`: a person lets an agent work for them for hours or days: which agents, with what, until when and how
//! many calls, said once.

mod give;
mod offer;
mod view;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;

pub(crate) use give::give;
pub(crate) use view::{raise, view};

use super::bond;
use super::cards::words;
use crate::authority::Authority;
use crate::form::Form;
use crate::page::consent::groups;
use crate::page::job::{Choosable, ChoosePage, Mate, TermsPage, USUAL_BUDGET, durations};
use crate::page::{FormsLead, see_other, show, with_cookies};
use crate::visit::{Person, Visit};
use offer::Offer;

/// What a person has filled in so far.
pub(super) struct Draft<'a> {
    tools: BTreeSet<String>,
    scopes: BTreeSet<String>,
    company: BTreeSet<String>,
    duration: Option<&'a str>,
    budget: &'a str,
    reason: &'a str,
}

impl<'a> Draft<'a> {
    /// Before anything was filled in.
    fn fresh(offer: &Offer) -> Self {
        let (tools, scopes) = offer.ticks();
        let company = offer.company.iter().map(|agent| agent.name.as_str().to_owned()).collect();
        Self { tools, scopes, company, duration: None, budget: USUAL_BUDGET, reason: "" }
    }

    /// What was sent.
    fn sent(form: &'a Form) -> Self {
        let list = |name: &'static str| form.all(name).map(str::to_owned).collect::<BTreeSet<_>>();
        Self {
            tools: list("tool"),
            scopes: list("scope"),
            company: list("company"),
            duration: form.one("duration"),
            budget: form.one("budget").unwrap_or(""),
            reason: form.one("reason").unwrap_or(""),
        }
    }
}

/// `GET /account/job`: the choice of an agent, or the terms for the one that was chosen.
pub(crate) async fn ask(State(authority): State<Arc<Authority>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    let query = Form::parse(query.as_deref().unwrap_or("").as_bytes());
    let shown = async {
        let Some(person) = visit.person(&authority).await? else { return Ok(see_other("/login")) };
        match query.one("agent").and_then(|name| authority.offer(&person.user, name)) {
            Some(offer) => Ok(terms(&authority, &visit, (&person, &offer), (&Draft::fresh(&offer), None))),
            None => Ok(choose(&authority, &person)),
        }
    };
    authority.settle(&visit, shown.await)
}

fn choose(authority: &Authority, person: &Person) -> Response {
    let agents = authority.offers(&person.user).into_iter().map(|offer| Choosable {
        words: words(Some(&offer.place), &offer.within),
        name: offer.agent.name.as_str().to_owned(),
        title: offer.agent.title,
    });
    show(StatusCode::OK, &ChoosePage { user: &person.user.name, agents: agents.collect() }, &FormsLead::Here)
}

/// The page of the terms, as far as they are filled in.
fn terms(
    authority: &Authority,
    visit: &Visit,
    (person, offer): (&Person, &Offer),
    (draft, problem): (&Draft<'_>, Option<String>),
) -> Response {
    let (browser, cookie) = visit.browser_or_new(authority);
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let company = offer.company.iter().map(|agent| Mate {
        name: agent.name.as_str().to_owned(),
        title: agent.title.clone(),
        ticked: draft.company.contains(agent.name.as_str()),
    });
    let page = TermsPage {
        user: &person.user.name,
        form_token: &bond(&browser, person).token(&authority.secrets.form),
        agent: offer.agent.name.as_str(),
        title: &offer.agent.title,
        reachable: offer.is_reachable(),
        groups: groups(&offer.place, &offer.within, Some((&draft.tools, &draft.scopes))),
        company: company.collect(),
        durations: durations(draft.duration),
        budget: draft.budget,
        reason: draft.reason,
        problem,
    };
    with_cookies(show(status, &page, &FormsLead::Here), [cookie])
}

/// The form of an agent that is no longer offered leads back to the choice.
fn start_over() -> Response {
    see_other("/account/job")
}
