//! `/console/record`: the newest entries of the audit, by user, agent, tool, transaction or grant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::ids::{GrantId, TransactionId, UserId};
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{AuditFilter, AuditRow, StopKind, StoreError};
use http::StatusCode;

use super::{Asked, MOST_ROWS};
use crate::authority::Authority;
use crate::form::Form;
use crate::page::console::{EntryRow, RecordPage, Search};
use crate::page::{FormsLead, see_other, show, with_cookies};
use crate::visit::Visit;

/// `GET /console/record`.
pub(crate) async fn record(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let shown = async {
        let Some(asked) = Asked::of(&authority, &visit, query.as_deref()).await? else {
            return Ok(see_other("/login"));
        };
        let search = search(&asked.query);
        let mut rows = match authority.filter(&search, asked.query.one("before")).await? {
            Some(filter) => authority.store.audit_rows(&filter).await?,
            None => Vec::new(),
        };
        rows.reverse();
        let older = rows.last().filter(|_| rows.len() == MOST_ROWS as usize).map(|row| row.event.at.millis());
        let names = authority.names_in(&rows).await?;
        let page = RecordPage {
            frame: asked.frame("record"),
            older: older.map(|before| format!("/console/record?{}before={before}", search.query())),
            search,
            entries: rows.iter().map(|row| entry(row, &names)).collect(),
        };
        Ok(with_cookies(show(StatusCode::OK, &page, &FormsLead::Here), [asked.cookie]))
    };
    authority.settle(&visit, shown.await)
}

/// Names of users by their ids.
type Names = BTreeMap<UserId, String>;

fn search(query: &Form) -> Search {
    let field = |name: &str| query.one(name).unwrap_or("").trim().chars().take(200).collect();
    Search { user: field("user"), agent: field("agent"), tool: field("tool"), txn: field("txn"), grant: field("grant") }
}

impl Authority {
    /// The filter of a search; `None` where it names nobody there is.
    async fn filter(&self, search: &Search, before: Option<&str>) -> Result<Option<AuditFilter>, StoreError> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let user: Option<UserId> = if search.user.is_empty() {
            None
        } else {
            let Some(user) = self.store.user_by_name(&search.user).await? else { return Ok(None) };
            Some(user.id)
        };
        Ok(Some(AuditFilter {
            limit: MOST_ROWS,
            user,
            agent: some(&search.agent),
            tool: some(&search.tool),
            transaction: some(&search.txn).map(TransactionId::from_stored),
            grant: some(&search.grant).map(GrantId::from_stored),
            until: before.and_then(|at| at.parse().ok()).map(Timestamp::from_millis),
            ..AuditFilter::default()
        }))
    }

    /// What people call the users of these rows.
    async fn names_in(&self, rows: &[AuditRow]) -> Result<Names, StoreError> {
        let mut names = Names::new();
        for id in rows.iter().filter_map(|row| row.event.user.as_ref()) {
            if !names.contains_key(id) {
                let name = self.store.user(id).await?.map_or_else(|| id.to_string(), |user| user.name);
                names.insert(id.clone(), name);
            }
        }
        Ok(names)
    }

    /// What of that kind is stopped for everybody.
    pub(super) async fn stopped_of(&self, kind: StopKind) -> Result<BTreeSet<String>, StoreError> {
        let stops = self.store.stops().await?;
        Ok(stops.into_iter().filter(|stop| stop.kind == kind).map(|stop| stop.subject).collect())
    }
}

fn entry(row: &AuditRow, names: &Names) -> EntryRow {
    let event: &AuditEvent = &row.event;
    let mut line: Vec<&str> = event.actors.iter().map(String::as_str).collect();
    line.reverse();
    EntryRow {
        at: event.at.into(),
        clock: crate::moment::clock(event.at),
        kind: event.kind.as_str(),
        outcome: event.outcome.as_str(),
        user: event.user.as_ref().and_then(|id| names.get(id)).cloned().unwrap_or_default(),
        line: line.join(" → "),
        client: event.client.as_ref().map_or_else(String::new, |client| shortened(client.as_str())),
        what: event.tool.clone().or_else(|| event.scope.clone()).unwrap_or_default(),
        place: event.resource.as_ref().map_or_else(String::new, ToString::to_string),
        rule: event.rule.clone().unwrap_or_default(),
        says: event.says.clone().unwrap_or_default(),
        grant: event.grant.as_ref().map(ToString::to_string),
        txn: event.transaction.as_ref().map(ToString::to_string),
    }
}

/// A registered client's id can be long.
fn shortened(id: &str) -> String {
    const MOST: usize = 24;
    if id.chars().count() <= MOST { id.to_owned() } else { id.chars().take(MOST).chain(['…']).collect() }
}
