//! Who could call a tool: by which rule of the operator, and today through which app and which agents. What decides
//! over a call decides here too, so that the report says nothing else.

mod routes;

use std::collections::BTreeMap;

use bailiwick_domain::chain::Map;
use bailiwick_domain::policy::{Ask, Decision, Held, Holder, Server, Stage, Tool, ceiling, decide, entry};
use bailiwick_domain::scope::{Scope, ScopeSet};
use bailiwick_store::GrantRow;
use serde_json::{Value, json};

use super::servers::called;
use super::{Administration, Refused, now};
use crate::admin::moment::written;
use routes::{Apps, Route};

/// How many grants are looked at.
const MOST: u32 = 100_000;

/// One tool, and everything that decides over it.
struct Sight<'a> {
    map: Map<'a>,
    server: &'a Server,
    tool: &'a Tool,
    apps: Apps,
}

impl Administration {
    /// A row for each person and scope, and one for each way somebody can call the tool today.
    pub(super) async fn access_report(&self, tool: &str, server: Option<&str>) -> Result<Value, Refused> {
        let (Some(catalogue), Some(directory)) = (&self.catalogue, &self.directory) else {
            return Err(Refused(
                "servers are asked for their tools only while `bailiwick serve` runs; start it".to_owned(),
            ));
        };
        let (catalogue, directory) = (catalogue.load_full(), directory.load_full());
        let map = Map { directory: &directory, catalogue: &catalogue };
        let here = |known: &&Server| server.is_none_or(|name| called(known) == name);
        let found: Vec<_> =
            catalogue.servers.iter().filter(here).filter_map(|server| Some((server, server.tool(tool)?))).collect();
        if found.is_empty() {
            return Err(Refused(format!("no server has a tool {tool:?}; `bailiwick servers tools NAME` lists them")));
        }
        let mut grants: BTreeMap<String, Vec<GrantRow>> = BTreeMap::new();
        for row in self.store.all_grants(None, MOST).await? {
            if row.activated_at.is_some() && row.is_live(now()) {
                grants.entry(row.approval.user.to_string()).or_default().push(row);
            }
        }
        let mut rows = Vec::new();
        for (server, tool) in found {
            let sight = Sight { map, server, tool, apps: self.apps().await? };
            rows.extend(self.people(&sight, &grants).await?);
            rows.extend(sight.machines(&grants));
        }
        Ok(Value::Array(rows))
    }

    async fn apps(&self) -> Result<Apps, Refused> {
        Ok(Apps::of(self.store.clients().await?.into_iter().map(|row| row.client)))
    }

    async fn people(&self, sight: &Sight<'_>, grants: &BTreeMap<String, Vec<GrantRow>>) -> Result<Vec<Value>, Refused> {
        let mut rows = Vec::new();
        for account in self.store.accounts(now()).await? {
            if account.disabled_at.is_some() {
                continue;
            }
            let Some(holder) = self.store.holder(account.id.as_str()).await? else { continue };
            let held = grants.get(account.id.as_str()).map(Vec::as_slice).unwrap_or_default();
            rows.extend(sight.of(&account.name, &holder, held));
        }
        Ok(rows)
    }
}

impl Sight<'_> {
    /// What one person could do, and can today.
    fn of(&self, name: &str, holder: &Holder, grants: &[GrantRow]) -> Vec<Value> {
        let ceiling = ceiling(Stage::Call, holder, self.server);
        let mut rows = Vec::new();
        for scope in self.tool.scopes.iter().filter(|scope| ceiling.contains(scope)) {
            let rule = self.rule(holder, scope);
            let ways = grants.iter().flat_map(|grant| self.ways(holder, grant, scope)).collect::<Vec<_>>();
            if ways.is_empty() {
                rows.push(self.row(name, scope, &rule, None));
            }
            rows.extend(ways.iter().map(|way| self.row(name, scope, &rule, Some(way))));
        }
        rows
    }

    /// The ways by which a grant opens the tool with that scope.
    fn ways<'g>(&self, holder: &Holder, grant: &'g GrantRow, scope: &Scope) -> Vec<(String, &'g GrantRow)> {
        let may = ceiling(Stage::Call, holder, self.server);
        let opens = |route: &Route| {
            let passes = route.passes(self.map, holder, self.server)?;
            // One scope at a time, so that each row names the one that does it.
            let ceiling: ScopeSet = may.meet(&passes).iter().filter(|one| *one == scope).cloned().collect();
            let held = Held { ceiling: &ceiling, scope: &grant.approval.scope, details: &grant.approval.details };
            let decision = decide(&held, &Ask { server: self.server, tool: &self.tool.name });
            matches!(decision, Decision::Permit { .. }).then(|| (route.shown(&grant.approval.client_name), grant))
        };
        let routes = routes::of(self.map, &grant.approval, self.server, &self.apps);
        let mut ways: Vec<_> = routes.iter().filter_map(opens).collect();
        ways.dedup_by(|(one, _), (other, _)| one == other);
        ways
    }

    /// What machines and agents hold on their own account: the operator bounds them one by one.
    fn machines(&self, grants: &BTreeMap<String, Vec<GrantRow>>) -> Vec<Value> {
        let mut rows = Vec::new();
        for agent in &self.map.directory.agents {
            for scope in self.tool.scopes.iter().filter(|scope| agent.own.contains(scope)) {
                rows.push(self.row(&agent.subject(), scope, "own_scopes", None));
            }
        }
        let machines = grants.iter().filter(|(user, _)| bailiwick_domain::grant::is_machine(user));
        for grant in machines.flat_map(|(_, grants)| grants).filter(|row| row.approval.resource == self.server.resource)
        {
            for scope in self.tool.scopes.iter().filter(|scope| grant.approval.scope.contains(scope)) {
                let way = (grant.approval.client_name.clone(), grant);
                rows.push(self.row(grant.approval.user.as_str(), scope, "client scope", Some(&way)));
            }
        }
        rows
    }

    /// By which entry of the operator's lists somebody may hold a scope.
    fn rule(&self, holder: &Holder, scope: &Scope) -> String {
        let Holder::Person(person) = holder else { return "client scope".to_owned() };
        match entry(person, self.server, scope) {
            Some(named) => format!("allow:{scope} {named}"),
            None => "accounts made here".to_owned(),
        }
    }

    fn row(&self, who: &str, scope: &Scope, rule: &str, way: Option<&(String, &GrantRow)>) -> Value {
        let grant = way.map(|(_, grant)| &grant.approval);
        json!({
            "server": called(self.server),
            "tool": self.tool.name,
            "risk": self.tool.risk.as_str(),
            "scope": scope,
            "who": who,
            "rule": rule,
            "through": way.map(|(through, _)| through),
            "grant": grant.map(|approval| &approval.grant),
            "until": grant.map(|approval| written(approval.expires_at)),
        })
    }
}
