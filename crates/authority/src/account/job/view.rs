//! A job that was given: its terms, how far it is, and what its agent needs to go on.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::client::{AuthMethod, GrantType};
use bailiwick_domain::grant::{Approval, GRANT, Job, read_budget};
use bailiwick_domain::ids::{ClientId, GrantId};
use bailiwick_store::GrantRow;
use http::StatusCode;

use crate::account::cards::{calls, words};
use crate::account::{bond, checked, notice};
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::{Form, FormError};
use crate::page::account::Notice;
use crate::page::job::JobPage;
use crate::page::{FormsLead, see_other, show, with_cookies};
use crate::visit::{Person, Visit};

/// `GET /account/job/{grant}`.
pub(crate) async fn view(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    Path(grant): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Form::parse(query.as_deref().unwrap_or("").as_bytes());
    let shown = async {
        match visit.person(&authority).await? {
            Some(person) => page(&authority, &visit, (&person, &grant), notice(query.one("done"))).await,
            None => Ok(see_other("/login")),
        }
    };
    authority.settle(&visit, shown.await)
}

/// `POST /account/budget`.
pub(crate) async fn raise(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    form: Result<Form, FormError>,
) -> Response {
    let done = async {
        let Some((person, form)) = checked(&authority, &visit, form).await? else { return Ok(see_other("/login")) };
        let raw = form.one("grant").unwrap_or("");
        let Some(calls) = form.one("calls").and_then(read_budget) else {
            let says = "The number of calls must be a whole number from 1 to 1000000. Nothing was changed.";
            return page(&authority, &visit, (&person, raw), Some(Notice { says, bad: true })).await;
        };
        let grant = GrantId::from_stored(raw);
        let event = AuditEvent::new(AuditKind::ConsentGiven, visit.now)
            .correlation(&visit.correlation)
            .user(&person.user.id)
            .grant(&grant)
            .rule("job")
            .says(format!("calls: {calls}"));
        // Only the person's own, and only while it lasts.
        if authority.store.set_budget(&person.user.id, &grant, calls, event).await? {
            Ok(see_other(&format!("/account/job/{grant}?done=raised")))
        } else {
            Ok(see_other("/account"))
        }
    };
    authority.settle(&visit, done.await)
}

async fn page(
    authority: &Authority,
    visit: &Visit,
    (person, grant): (&Person, &str),
    notice: Option<Notice>,
) -> Result<Response, Fault> {
    let row = authority.store.grant(&GrantId::from_stored(grant)).await?;
    let own = row.filter(|row| row.approval.user == person.user.id);
    let Some((row, job)) = own.and_then(|row| row.approval.job.clone().map(|job| (row, job))) else {
        return Ok(see_other("/account"));
    };
    let bad = notice.is_some_and(|notice| notice.bad);
    let status = if bad { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let (browser, cookie) = visit.browser_or_new(authority);
    let form_token = bond(&browser, person).token(&authority.secrets.form);
    let page = shown(authority, visit, (person, &form_token), (&row, &job)).await?;
    Ok(with_cookies(show(status, &JobPage { notice, ..page }, &FormsLead::Here), [cookie]))
}

async fn shown<'a>(
    authority: &Authority,
    visit: &Visit,
    (person, form_token): (&'a Person, &'a str),
    (row, job): (&'a GrantRow, &'a Job),
) -> Result<JobPage<'a>, Fault> {
    let approval = &row.approval;
    let place = authority.server(Some(&approval.resource));
    let budget = authority.store.budget(&approval.grant).await?;
    Ok(JobPage {
        user: &person.user.name,
        form_token,
        notice: None,
        grant: approval.grant.as_str(),
        title: &approval.client_name,
        reason: &job.reason,
        agents: job.agents.iter().map(String::as_str).collect(),
        words: words(place.as_ref(), &approval.scope),
        left_out: place.as_ref().map_or(0, |place| authority.left_out(place, approval)),
        calls: calls(budget),
        budget: budget.map(|budget| budget.calls),
        since: approval.created_at.into(),
        until: approval.expires_at.into(),
        live: row.is_live(visit.now),
        example: example(authority, approval),
    })
}

/// How the agent obtains a token for the first thing it may call.
fn example(authority: &Authority, approval: &Approval) -> String {
    let directory = authority.directory.load();
    let agent = directory.agent_of_client(&approval.client);
    let to = agent.and_then(|agent| agent.edges.first()).map_or("TARGET", |edge| edge.to.as_str());
    let method = authority.client(&approval.client).map_or(AuthMethod::None, |client| client.auth);
    format!(
        "curl {} \\\n  {} \\\n  -d grant_type={} \\\n  -d subject_token_type={GRANT} \\\n  -d subject_token={} \\\n  \
         -d audience={to}",
        authority.issuer.join("/token"),
        proof(method, &approval.client),
        GrantType::TokenExchange.as_str(),
        approval.grant,
    )
}

/// The options by which a client proves who it is.
fn proof(method: AuthMethod, client: &ClientId) -> String {
    let assertion = |kind: &str| {
        format!(
            "-d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:{kind} \\\n  \
             -d client_assertion=\"$ASSERTION\""
        )
    };
    match method {
        AuthMethod::None => format!("-d client_id={client}"),
        AuthMethod::ClientSecretBasic => format!("-u \"{client}:$SECRET\""),
        AuthMethod::ClientSecretPost => format!("-d client_id={client} -d client_secret=\"$SECRET\""),
        AuthMethod::PrivateKeyJwt | AuthMethod::KubernetesToken => assertion("jwt-bearer"),
        AuthMethod::SpiffeJwt => assertion("jwt-spiffe"),
    }
}
