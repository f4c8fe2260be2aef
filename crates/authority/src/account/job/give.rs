//! A job is given: what was filled in becomes a grant that is in force at once.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::client::Client;
use bailiwick_domain::grant::{Approval, Job, JobWish};
use bailiwick_domain::ids::{ClientId, GrantId, TransactionId};

use super::offer::Offer;
use super::{Draft, start_over, terms};
use crate::account::checked_lists;
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::{Form, FormError};
use crate::page::consent::{Chosen, choose};
use crate::page::job::life;
use crate::page::see_other;
use crate::visit::{Person, Visit};

/// `POST /account/job`.
pub(crate) async fn give(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    form: Result<Form, FormError>,
) -> Response {
    let done = async {
        let lists = ["tool", "scope", "company"];
        let Some((person, form)) = checked_lists(&authority, &visit, form, &lists).await? else {
            return Ok(see_other("/login"));
        };
        let offer = form.one("agent").and_then(|name| authority.offer(&person.user, name));
        let Some(offer) = offer else { return Ok(start_over()) };
        let draft = Draft::sent(&form);
        match agreed(&offer, &draft) {
            Ok(agreed) => given(&authority, &visit, (&person, &offer), agreed).await,
            Err(problem) => Ok(terms(&authority, &visit, (&person, &offer), (&draft, Some(problem)))),
        }
    };
    authority.settle(&visit, done.await)
}

/// What was agreed on.
struct Agreed {
    job: Job,
    life: std::time::Duration,
    chosen: Chosen,
}

/// What the draft comes to; a sentence when the person must try again.
fn agreed(offer: &Offer, draft: &Draft<'_>) -> Result<Agreed, String> {
    let chosen = choose(&offer.place, &offer.within, &draft.tools, &draft.scopes);
    if chosen.scope.is_empty() {
        return Err("Nothing is ticked. Tick what the agent may do.".to_owned());
    }
    let budget = Some(draft.budget).filter(|raw| !raw.is_empty());
    let life = draft.duration.and_then(life);
    let wish = JobWish { reason: draft.reason, company: draft.company.clone(), budget, life };
    let (job, life) = wish.check(offer.map(), &offer.agent).map_err(|error| error.to_string())?;
    Ok(Agreed { job, life, chosen })
}

async fn given(
    authority: &Authority,
    visit: &Visit,
    (person, offer): (&Person, &Offer),
    agreed: Agreed,
) -> Result<Response, Fault> {
    let Some(client) = client(authority, offer).await? else { return Ok(start_over()) };
    let Agreed { job, life, chosen } = agreed;
    let entropy = authority.entropy.as_ref();
    let resource = offer.agent.resource.clone();
    let said = in_words(&job);
    let approval = Approval {
        grant: GrantId::draw(entropy),
        user: person.user.id.clone(),
        client: client.id.clone(),
        client_name: offer.agent.title.clone(),
        details: chosen.only.map(|tools| authority.bound_to(&resource, tools)).unwrap_or_default(),
        resource,
        scope: chosen.scope,
        transaction: TransactionId::draw(entropy),
        created_at: visit.now,
        expires_at: visit.now.after(life),
        job: Some(job),
    };
    let event = AuditEvent::new(AuditKind::ConsentGiven, visit.now)
        .correlation(&visit.correlation)
        .approval(&approval)
        .rule("job")
        .policy(offer.epoch())
        .says(said);
    let to = format!("/account/job/{}", approval.grant);
    authority.store.give_job(approval, client, event).await?;
    Ok(see_other(&to))
}

/// The agent as the client it is, unless it was disabled.
async fn client(authority: &Authority, offer: &Offer) -> Result<Option<Client>, Fault> {
    let Some(id) = ClientId::parse(offer.agent.name.as_str()) else { return Ok(None) };
    Ok(authority.enabled_client(&id).await?)
}

fn in_words(job: &Job) -> String {
    let agents: Vec<&str> = job.agents.iter().map(String::as_str).collect();
    let calls = job.budget.map_or_else(|| "as many as it takes".to_owned(), |calls| calls.to_string());
    format!("for {:?}; agents: {}; calls: {calls}", job.reason, agents.join(", "))
}
