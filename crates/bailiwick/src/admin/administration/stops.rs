//! Stopping what acts: agents, the edges between them and what they call, tools, single tokens. Each order says what
//! died, and what lives until when.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::chain::{Map, agent_subject, edge_id};
use bailiwick_domain::ids::TokenId;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::Resource;
use bailiwick_store::{Died, Stop, StopKind};
use serde_json::{Value, json};

use super::people::count;
use super::places::{AgentPlace, Places};
use super::{Administration, Refused, now};
use crate::admin::moment::written;

impl Administration {
    pub(super) async fn agents(&self) -> Result<Value, Refused> {
        let stops = self.store.stops().await?;
        let since = |kind: StopKind, subject: &str| {
            stops.iter().find(|stop| stop.kind == kind && stop.subject == subject).map(|stop| stop.at)
        };
        let places = self.places();
        let row = |(name, titled): (&String, &AgentPlace)| {
            let called = |to: &String| {
                let cut = places.edge(name, to).iter().any(|edge| since(StopKind::Edge, edge).is_some());
                if cut { format!("{to} (cut)") } else { to.clone() }
            };
            let stopped = since(StopKind::Agent, name);
            json!({
                "agent": name,
                "title": titled.title,
                "state": if stopped.is_some() { "stopped" } else { "may act" },
                "may_call": titled.may_call.iter().map(called).collect::<Vec<_>>().join(", "),
                "stopped_at": stopped.map(written),
            })
        };
        let mut rows: Vec<Value> = places.agents.iter().map(row).collect();
        // A stop outlives the section of the configuration that it was about.
        let unknown = |stop: &&Stop| stop.kind == StopKind::Agent && !places.agents.contains_key(&stop.subject);
        rows.extend(stops.iter().filter(unknown).map(|stop| {
            json!({ "agent": stop.subject, "title": null, "state": "stopped, not configured", "may_call": null, "stopped_at": written(stop.at) })
        }));
        Ok(Value::Array(rows))
    }

    pub(super) async fn stop_agent(&self, name: &str, reason: Option<&str>) -> Result<Value, Refused> {
        self.known_agent(name)?;
        let event = event(AuditKind::AgentStopped, &agent_subject(name), reason);
        let Some(died) = self.store.stop(StopKind::Agent, vec![name.to_owned()], event).await? else {
            return Err(Refused(format!("{name} is stopped already; `bailiwick agents start {name}` undoes it")));
        };
        let what = format!("{} in which {name} acts or acted; it obtains no other", count(died.tokens, "live token"));
        Ok(told(json!({ "agent": name }), &what, &died))
    }

    pub(super) async fn start_agent(&self, name: &str) -> Result<Value, Refused> {
        let event = event(AuditKind::AgentStarted, &agent_subject(name), None);
        if !self.store.start(StopKind::Agent, vec![name.to_owned()], event).await? {
            return Err(Refused(format!("{name} is not stopped")));
        }
        Ok(json!({ "agent": name, "says": "may act again, with new tokens; those from before stay refused" }))
    }

    pub(super) async fn cut_edge(&self, edge: (&str, &str), reason: Option<&str>) -> Result<Value, Refused> {
        let (name, target) = edge;
        self.known_agent(name)?;
        let event = event(AuditKind::EdgeCut, &edge_id(&agent_subject(name), target), reason);
        let Some(died) = self.store.stop(StopKind::Edge, self.edges(name, target)?, event).await? else {
            return Err(Refused(format!(
                "the edge from {name} to {target} is cut already; `bailiwick agents mend {name} {target}` undoes it"
            )));
        };
        let what =
            format!("{} that came along it; {name} obtains no other for {target}", count(died.tokens, "live token"));
        Ok(told(json!({ "agent": name, "target": target }), &what, &died))
    }

    pub(super) async fn mend_edge(&self, (name, target): (&str, &str)) -> Result<Value, Refused> {
        let event = event(AuditKind::EdgeMended, &edge_id(&agent_subject(name), target), None);
        if !self.store.start(StopKind::Edge, self.edges(name, target)?, event).await? {
            return Err(Refused(format!("the edge from {name} to {target} is not cut")));
        }
        let says = "is open again, for new tokens; those from before stay refused";
        Ok(json!({ "agent": name, "target": target, "says": says }))
    }

    pub(super) async fn stop_tool(&self, tool: (&str, &str), reason: Option<&str>) -> Result<Value, Refused> {
        let (server, name) = tool;
        let resource = self.server_resource(server)?;
        let event = event(AuditKind::ToolStopped, server, reason).resource(&resource).tool(name);
        let Some(_) = self.store.stop(StopKind::Tool, vec![subject(&resource, name)], event).await? else {
            return Err(Refused(format!(
                "{name} is stopped already; `bailiwick servers tools {server} start {name}` undoes it"
            )));
        };
        let what = "every call of it, open streams of its calls included; listings leave it out";
        let known = self.knows_tool(&resource, name);
        Ok(json!({
            "server": server,
            "tool": name,
            "known": known,
            "died": { "says": format!("{what}, in every process on this database") },
            "lives": { "until": null, "says": "what the server behind began before it was told, and other ways to that server" },
        }))
    }

    pub(super) async fn start_tool(&self, (server, name): (&str, &str)) -> Result<Value, Refused> {
        let resource = self.server_resource(server)?;
        let event = event(AuditKind::ToolStarted, server, None).resource(&resource).tool(name);
        if !self.store.start(StopKind::Tool, vec![subject(&resource, name)], event).await? {
            return Err(Refused(format!("{name} is not stopped")));
        }
        Ok(json!({ "server": server, "tool": name, "says": "may be called again by whoever holds a scope for it" }))
    }

    pub(super) async fn revoke_token(&self, id: &str) -> Result<Value, Refused> {
        let jti = TokenId::from_stored(id);
        let state = self.store.token(&jti).await?.ok_or_else(|| {
            Refused(format!("there is no token {id:?} here, or it expired long ago; give the jti of a token"))
        })?;
        let event = AuditEvent::new(AuditKind::TokenRevoked, now())
            .approval(&state.grant.approval)
            .token(&jti)
            .rule("administration");
        let Some(died) = self.store.revoke_token(&jti, event).await? else {
            return Err(Refused(format!("{id} was revoked already")));
        };
        let what = format!("this token and everything derived from it: {} in all", count(died.tokens, "live token"));
        Ok(told(json!({ "token": id, "grant": state.row.grant }), &what, &died))
    }

    fn known_agent(&self, name: &str) -> Result<(), Refused> {
        let places = self.places();
        if places.agents.contains_key(name) {
            return Ok(());
        }
        let known: Vec<_> = places.agents.keys().map(String::as_str).collect();
        Err(Refused(format!("there is no agent {name:?}; the configuration names: {}", listed(&known))))
    }

    /// Both ways in which tokens name the step: past an agent, and on the way to whatever it is.
    fn edges(&self, name: &str, target: &str) -> Result<Vec<String>, Refused> {
        let places = self.places();
        let edges = places.edge(name, target);
        if edges.is_empty() {
            let known: Vec<_> = places.targets.keys().map(String::as_str).collect();
            return Err(Refused(format!("there is no agent, server or API {target:?}: {}", self.hint(&known))));
        }
        Ok(edges)
    }

    fn server_resource(&self, name: &str) -> Result<Resource, Refused> {
        let places = self.places();
        let name = if name == "-" { "mcp" } else { name };
        let found = places.targets.get(name).filter(|_| !places.agents.contains_key(name)).cloned();
        found.ok_or_else(|| {
            let known: Vec<_> = places.targets.keys().map(String::as_str).collect();
            Refused(format!("there is no server {name:?}: {}", self.hint(&known)))
        })
    }

    fn hint(&self, known: &[&str]) -> String {
        if self.directory.is_none() && self.public_url.is_none() {
            return "where servers stand is known only while `bailiwick serve` runs, or with public_url in the configuration"
                .to_owned();
        }
        format!("the configuration names {}", listed(known))
    }

    fn knows_tool(&self, resource: &Resource, tool: &str) -> Option<bool> {
        let catalogue = self.catalogue.as_ref()?.load();
        catalogue.by_resource(resource).map(|server| server.tool(tool).is_some())
    }

    /// Where everything stands: as the running process knows it, else as the configuration says.
    fn places(&self) -> Places {
        let (Some(directory), Some(catalogue)) = (&self.directory, &self.catalogue) else {
            return Places::written(&self.in_force.load(), self.public_url.as_deref());
        };
        let (directory, catalogue) = (directory.load(), catalogue.load());
        Places::running(Map { directory: &directory, catalogue: &catalogue })
    }
}

fn subject(resource: &Resource, tool: &str) -> String {
    format!("{} {tool}", resource.as_str())
}

fn event(kind: AuditKind, what: &str, reason: Option<&str>) -> AuditEvent {
    let says = reason.map_or_else(|| what.to_owned(), |reason| format!("{what}: {reason}"));
    AuditEvent::new(kind, now()).rule("administration").says(says)
}

fn told(mut about: Value, what: &str, died: &Died) -> Value {
    let says = format!(
        "{what}. Here they are refused from now on, and their open streams are cut, in every process on this database"
    );
    if let Some(fields) = about.as_object_mut() {
        fields.insert("died".to_owned(), json!({ "tokens": died.tokens, "says": says }));
        fields.insert("lives".to_owned(), lives(died.last_token));
    }
    about
}

/// What cannot be called back, and until when.
fn lives(last: Option<Timestamp>) -> Value {
    let says = match last {
        Some(until) => format!(
            "a server elsewhere that checks only signatures, and does not ask /introspect, takes the last of these tokens until {}",
            written(until)
        ),
        None => "nothing".to_owned(),
    };
    json!({ "until": last.map(written), "says": says })
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
