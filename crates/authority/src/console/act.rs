//! What an administrator does on the console: stop, and start again what can be.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::chain::Map;
use bailiwick_domain::ids::{ClientId, GrantId, UserId};
use bailiwick_store::StopKind;

use super::may_stop;
use crate::account::checked;
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::{Form, FormError};
use crate::page::see_other;
use crate::visit::{Person, Visit};

type Posted = Result<Form, FormError>;

/// `POST /console/stop`.
pub(crate) async fn stop(State(authority): State<Arc<Authority>>, visit: Visit, form: Posted) -> Response {
    let done = async {
        let Some((person, form)) = administrator(&authority, &visit, form).await? else {
            return Ok(see_other("/login"));
        };
        let done = authority.stopped(&Order { visit: &visit, person: &person, form: &form }).await?;
        Ok(see_other(&back(&form, if done { "stopped" } else { "nothing" })))
    };
    authority.settle(&visit, done.await)
}

/// `POST /console/start`.
pub(crate) async fn start(State(authority): State<Arc<Authority>>, visit: Visit, form: Posted) -> Response {
    let done = async {
        let Some((person, form)) = administrator(&authority, &visit, form).await? else {
            return Ok(see_other("/login"));
        };
        let done = authority.started(&Order { visit: &visit, person: &person, form: &form }).await?;
        Ok(see_other(&back(&form, if done { "started" } else { "nothing" })))
    };
    authority.settle(&visit, done.await)
}

/// An order of an administrator.
struct Order<'a> {
    visit: &'a Visit,
    person: &'a Person,
    form: &'a Form,
}

impl Order<'_> {
    fn field(&self, name: &str) -> &str {
        self.form.one(name).unwrap_or("")
    }

    fn event(&self, kind: AuditKind) -> AuditEvent {
        AuditEvent::new(kind, self.visit.now).correlation(&self.visit.correlation).rule("console").says(format!(
            "{} by {}",
            self.field("id"),
            self.person.user.name
        ))
    }
}

impl Authority {
    async fn stopped(&self, order: &Order<'_>) -> Result<bool, Fault> {
        let (id, store) = (order.field("id"), &self.store);
        let grant = GrantId::from_stored(order.field("grant"));
        if let Some(party) = order.form.one("party") {
            let event = order.event(AuditKind::PartyStopped);
            return Ok(self.stop_party(None, &grant, party, event).await?);
        }
        Ok(match order.field("what") {
            "user" => {
                let user = UserId::from_stored(id);
                // Nobody shuts themselves out.
                let other = user != order.person.user.id;
                other && store.stop_user(&user, order.event(AuditKind::UserDisabled).user(&user)).await?.is_some()
            }
            "client" => match ClientId::parse(id) {
                Some(id) => store.stop_client(&id, order.event(AuditKind::ClientDisabled).client(&id)).await?.is_some(),
                None => false,
            },
            what @ ("agent" | "edge" | "tool") => {
                let (kind, subjects, event) = self.subjects(what, order);
                !subjects.is_empty() && store.stop(kind, subjects, order.event(event.0)).await?.is_some()
            }
            _ if order.form.one("grant").is_some() => {
                let Some(row) = store.grant(&grant).await? else { return Ok(false) };
                let event = order.event(AuditKind::GrantRevoked).approval(&row.approval);
                store.revoke_grant(&grant, "stopped by an administrator", event).await?
            }
            _ => false,
        })
    }

    async fn started(&self, order: &Order<'_>) -> Result<bool, Fault> {
        let id = order.field("id");
        Ok(match order.field("what") {
            "user" => {
                let user = UserId::from_stored(id);
                self.store.enable_user(&user, order.event(AuditKind::UserEnabled).user(&user)).await?
            }
            what @ ("agent" | "edge" | "tool") => {
                let (kind, subjects, event) = self.subjects(what, order);
                !subjects.is_empty() && self.store.start(kind, subjects, order.event(event.1)).await?
            }
            _ => false,
        })
    }

    /// What stands for an agent, an edge or a tool in tokens and calls, and how a stop and a start of it are recorded.
    fn subjects(&self, what: &str, order: &Order<'_>) -> (StopKind, Vec<String>, (AuditKind, AuditKind)) {
        let id = order.field("id").to_owned();
        let (directory, catalogue) = (self.directory.load(), self.catalogue.load());
        match what {
            "agent" => {
                let known = directory.agent(&id).is_some();
                let subjects = known.then_some(id).into_iter().collect();
                (StopKind::Agent, subjects, (AuditKind::AgentStopped, AuditKind::AgentStarted))
            }
            "edge" => {
                let to = order.field("to");
                let map = Map { directory: &directory, catalogue: &catalogue };
                let subjects = if directory.agent(&id).is_some() { map.steps(&id, to) } else { Vec::new() };
                (StopKind::Edge, subjects, (AuditKind::EdgeCut, AuditKind::EdgeMended))
            }
            _ => {
                let resource = order.field("resource");
                let server = catalogue.servers.iter().find(|server| server.resource.as_str() == resource);
                let subjects = server.map(|server| format!("{} {id}", server.resource)).into_iter().collect();
                (StopKind::Tool, subjects, (AuditKind::ToolStopped, AuditKind::ToolStarted))
            }
        }
    }
}

/// An administrator behind a form of ours.
async fn administrator(authority: &Authority, visit: &Visit, form: Posted) -> Result<Option<(Person, Form)>, Fault> {
    let Some((person, form)) = checked(authority, visit, form).await? else { return Ok(None) };
    if may_stop(person.user.role) { Ok(Some((person, form))) } else { Err(Fault::Role) }
}

/// The page of the console that a form came from.
fn back(form: &Form, done: &str) -> String {
    let page = match form.one("what").unwrap_or("") {
        "user" => "/people",
        "agent" | "edge" => "/agents",
        "tool" => "/servers",
        _ => "",
    };
    format!("/console{page}?done={done}")
}
