//! Grants: who let which app do what, where, until when.

use std::collections::HashMap;

use bailiwick_authority::{Party, PartyState, grow};
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::chain::Map;
use bailiwick_domain::ids::GrantId;
use bailiwick_domain::time::Timestamp;
use bailiwick_store::GrantRow;
use serde_json::{Value, json};

use super::{Administration, Refused, now};
use crate::admin::moment::written;

impl Administration {
    pub(super) async fn grants(&self, user: Option<&str>, limit: u32) -> Result<Value, Refused> {
        let user = match user {
            Some(name) => Some(self.user(name).await?.id),
            None => None,
        };
        let names = self.names().await?;
        let rows = self.store.all_grants(user.as_ref(), limit).await?;
        Ok(rows.iter().map(|row| shown(row, &names, now())).collect())
    }

    pub(super) async fn grant(&self, id: &str) -> Result<Value, Refused> {
        let now = now();
        let tree = self.store.tree(&GrantId::from_stored(id), now).await?.ok_or_else(|| no_grant(id))?;
        let row = &tree.grant;
        let mut grant = shown(row, &self.names().await?, now);
        // Only a running process knows what people call anybody.
        let directory = self.directory.as_ref().map(|directory| directory.load_full()).unwrap_or_default();
        let catalogue = self.catalogue.as_ref().map(|catalogue| catalogue.load_full()).unwrap_or_default();
        let app = grow(Map { directory: &directory, catalogue: &catalogue }, &tree);
        if let Some(fields) = grant.as_object_mut() {
            fields.insert("transaction".to_owned(), json!(row.approval.transaction));
            fields.insert("details".to_owned(), json!(row.approval.details));
            fields.insert("tree".to_owned(), party(&app, now));
            fields.insert("tokens_left_out".to_owned(), json!(tree.tokens_left_out));
            fields.insert("calls_left_out".to_owned(), json!(tree.calls_left_out));
            if let Some(job) = &row.approval.job {
                fields.insert("job".to_owned(), json!(job.reason));
                fields.insert("agents".to_owned(), json!(job.agents));
            }
            if let Some(budget) = self.store.budget(&row.approval.grant).await? {
                fields.insert("calls".to_owned(), json!(format!("{} of {} made", budget.spent, budget.calls)));
            }
        }
        Ok(grant)
    }

    pub(super) async fn revoke_grant(&self, id: &str) -> Result<Value, Refused> {
        let grant = GrantId::from_stored(id);
        let row = self.store.grant(&grant).await?.ok_or_else(|| no_grant(id))?;
        let event = AuditEvent::new(AuditKind::GrantRevoked, now()).approval(&row.approval).rule("administration");
        if !self.store.revoke_grant(&grant, "revoked by an administrator", event).await? {
            return Err(Refused(format!("{id} was revoked already")));
        }
        Ok(json!({
            "grant": grant,
            "client": row.approval.client_name,
            "says": "every code, refresh token and access token below it is refused from now on, in every process on this database",
        }))
    }

    async fn names(&self) -> Result<HashMap<String, String>, Refused> {
        let accounts = self.store.accounts(now()).await?;
        Ok(accounts.into_iter().map(|account| (account.id.as_str().to_owned(), account.name)).collect())
    }
}

/// A party of the tree, with everybody after it.
fn party(party: &Party, now: Timestamp) -> Value {
    let calls = party.calls.iter().map(|calls| {
        json!({
            "tool": calls.tool,
            "allowed": calls.allowed,
            "failed": calls.failed,
            "refused": calls.refused,
            "last_at": written(calls.last_at),
        })
    });
    let live = party.state == PartyState::Live;
    let left = party.expires_at.filter(|end| live && *end > now).map(|end| end.seconds() - now.seconds());
    json!({
        "kind": party.kind.as_str(),
        "id": party.id,
        "name": party.name,
        "resource": party.resource,
        "state": party.state.as_str(),
        "stopped_at": party.stopped_at.map(written),
        "scope": party.scope.to_string(),
        "lost": party.lost.to_string(),
        "tokens": party.tokens,
        "live": party.live,
        "expires_at": party.expires_at.map(written),
        "seconds_left": left,
        "calls": calls.collect::<Vec<_>>(),
        "parties": party.parties.values().map(|next| self::party(next, now)).collect::<Vec<_>>(),
    })
}

fn no_grant(id: &str) -> Refused {
    Refused(format!("there is no grant {id:?}; `bailiwick grants list` shows them"))
}

fn shown(row: &GrantRow, names: &HashMap<String, String>, now: Timestamp) -> Value {
    let approval = &row.approval;
    let state = if row.revoked_at.is_some() {
        "revoked"
    } else if approval.is_over(now) {
        "over"
    } else if row.activated_at.is_none() {
        "waiting"
    } else {
        "live"
    };
    json!({
        "grant": approval.grant,
        "user": names.get(approval.user.as_str()).map_or(approval.user.as_str(), String::as_str),
        "client": approval.client_name,
        "server": approval.resource,
        "scope": approval.scope.to_string(),
        "state": state,
        "created_at": written(approval.created_at),
        "expires_at": written(approval.expires_at),
        "last_used_at": row.last_used_at.map(written),
        "revoked_at": row.revoked_at.map(written),
        "reason": row.revoke_reason,
    })
}
