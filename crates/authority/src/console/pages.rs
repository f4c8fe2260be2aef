//! The pages of what there is: people, servers with their tools, agents with their edges.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use bailiwick_domain::chain::{Agent, Assurance, Map};
use bailiwick_domain::policy::{Named, Server, Tool};
use bailiwick_domain::scope::Scope;
use bailiwick_store::StopKind;
use http::StatusCode;

use super::{Asked, MOST_ROWS};
use crate::authority::Authority;
use crate::page::console::{
    AgentRow, AgentsPage, EdgeRow, Pager, PeoplePage, PersonRow, ServerRow, ServersPage, ToolRow,
};
use crate::page::{FormsLead, see_other, show, with_cookies};
use crate::visit::Visit;

/// `GET /console/people`.
pub(crate) async fn people(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let shown = async {
        let Some(asked) = Asked::of(&authority, &visit, query.as_deref()).await? else {
            return Ok(see_other("/login"));
        };
        let skip = (asked.page() - 1) * MOST_ROWS;
        let accounts = authority.store.some_accounts(MOST_ROWS, skip, visit.now).await?;
        let row = |account: bailiwick_store::Account| PersonRow {
            own: account.id == asked.reader.person.user.id,
            id: account.id.to_string(),
            name: account.name,
            disabled: account.disabled_at.is_some(),
            since: account.created_at.into(),
            grants: account.grants,
            sessions: account.sessions,
        };
        let people: Vec<PersonRow> = accounts.into_iter().map(row).collect();
        let pager = Pager::new(asked.page(), people.len(), MOST_ROWS, "/console/people?");
        let page = PeoplePage { frame: asked.frame("people"), people, pager };
        Ok(with_cookies(show(StatusCode::OK, &page, &FormsLead::Here), [asked.cookie]))
    };
    authority.settle(&visit, shown.await)
}

/// `GET /console/servers`.
pub(crate) async fn servers(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let shown = async {
        let Some(asked) = Asked::of(&authority, &visit, query.as_deref()).await? else {
            return Ok(see_other("/login"));
        };
        let stopped = authority.stopped_of(StopKind::Tool).await?;
        let (directory, catalogue) = (authority.directory.load_full(), authority.catalogue.load_full());
        let behind = catalogue.servers.iter().map(|server| server_row(server, true, &stopped));
        let elsewhere = directory.apis.iter().map(|api| server_row(api, false, &stopped));
        let page = ServersPage { frame: asked.frame("servers"), servers: behind.chain(elsewhere).collect() };
        Ok(with_cookies(show(StatusCode::OK, &page, &FormsLead::Here), [asked.cookie]))
    };
    authority.settle(&visit, shown.await)
}

fn server_row(server: &Server, behind: bool, stopped: &BTreeSet<String>) -> ServerRow {
    let tool = |tool: &Tool| ToolRow {
        name: tool.name.clone(),
        risk: tool.risk.as_str(),
        scopes: joined(tool.scopes.iter()),
        stopped: stopped.contains(&format!("{} {}", server.resource, tool.name)),
    };
    ServerRow {
        title: server.title.clone(),
        resource: server.resource.to_string(),
        behind,
        reachable: server.reachable,
        scopes: joined(server.groups.iter().map(|group| &group.scope)),
        tools: server.tools.iter().map(tool).collect(),
    }
}

fn joined<'a>(scopes: impl Iterator<Item = &'a Scope>) -> String {
    scopes.map(Scope::as_str).collect::<Vec<_>>().join(" ")
}

/// `GET /console/agents`.
pub(crate) async fn agents(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let shown = async {
        let Some(asked) = Asked::of(&authority, &visit, query.as_deref()).await? else {
            return Ok(see_other("/login"));
        };
        let stopped = authority.stopped_of(StopKind::Agent).await?;
        let cut = authority.stopped_of(StopKind::Edge).await?;
        let (directory, catalogue) = (authority.directory.load_full(), authority.catalogue.load_full());
        let map = Map { directory: &directory, catalogue: &catalogue };
        let agents = directory.agents.iter().map(|agent| agent_row(map, agent, (&stopped, &cut))).collect();
        let doors = directory.doors.iter().map(|(client, to)| {
            let to: Vec<&str> = to.iter().map(String::as_str).collect();
            (client.to_string(), to.join(", "))
        });
        let page = AgentsPage { frame: asked.frame("agents"), agents, doors: doors.collect() };
        Ok(with_cookies(show(StatusCode::OK, &page, &FormsLead::Here), [asked.cookie]))
    };
    authority.settle(&visit, shown.await)
}

fn agent_row(map: Map<'_>, agent: &Agent, (stopped, cut): (&BTreeSet<String>, &BTreeSet<String>)) -> AgentRow {
    let name = agent.name.as_str();
    let mut edges: Vec<EdgeRow> = Vec::new();
    for edge in &agent.edges {
        let mut bounds = Vec::new();
        bounds.extend(edge.acts_for.as_deref().map(|named| format!("for {}", names(named))));
        bounds.extend(edge.after.as_ref().map(|after| format!("after {}", after.join(", "))));
        bounds.extend(edge.scopes.as_ref().map(|scopes| format!("at most {scopes}")));
        edges.push(EdgeRow {
            to: edge.to.clone(),
            bounds: bounds.join("; "),
            cut: map.steps(name, &edge.to).iter().any(|subject| cut.contains(subject)),
        });
    }
    AgentRow {
        name: agent.name.to_string(),
        title: agent.title.clone(),
        resource: agent.resource.to_string(),
        proof: agent.assurance.to_string(),
        floor: (agent.floor > Assurance::None).then(|| agent.floor.to_string()),
        acts_for: agent.acts_for.as_deref().map_or_else(|| "whoever may hold the scope".to_owned(), names),
        own: agent.own.to_string(),
        depth: agent.max_depth,
        stopped: stopped.contains(agent.name.as_str()),
        edges,
    }
}

fn names(named: &[Named]) -> String {
    named.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
