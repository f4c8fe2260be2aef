//! Clients: those that somebody let act. A client's id can be long, so people call it by the beginning of its digest.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::client::Client;
use bailiwick_store::ClientRow;
use serde_json::{Value, json};

use super::people::{count, lives};
use super::{Administration, Refused, now};
use crate::admin::moment::written;

/// How much of a digest is shown.
const SHORT: usize = 12;

impl Administration {
    pub(super) async fn clients(&self) -> Result<Value, Refused> {
        let row = |row: &ClientRow| {
            json!({
                "client": short(&row.client),
                "name": row.client.name,
                "source": row.client.source,
                "state": if row.disabled_at.is_some() { "disabled" } else { "enabled" },
                "first_seen_at": written(row.first_seen_at),
                "last_used_at": written(row.last_used_at),
                "client_id": row.client.id,
            })
        };
        Ok(self.store.clients().await?.iter().map(row).collect())
    }

    pub(super) async fn disable_client(&self, called: &str) -> Result<Value, Refused> {
        let client = self.client(called).await?;
        let event = AuditEvent::new(AuditKind::ClientDisabled, now()).client(&client.id).rule("administration");
        let Some(ended) = self.store.stop_client(&client.id, event).await? else {
            return Err(Refused(format!(
                "{} is disabled already; `bailiwick clients enable {called}` undoes it",
                client.name
            )));
        };
        Ok(json!({
            "client": short(&client),
            "name": client.name,
            "died": {
                "grants": ended.grants,
                "says": format!(
                    "{} rest: every token below is refused here from now on, in every process on this database, until the client is enabled again",
                    count(ended.grants, "grant")
                ),
            },
            "lives": lives(&ended),
        }))
    }

    pub(super) async fn enable_client(&self, called: &str) -> Result<Value, Refused> {
        let client = self.client(called).await?;
        let event = AuditEvent::new(AuditKind::ClientEnabled, now()).client(&client.id).rule("administration");
        if !self.store.enable_client(&client.id, event).await? {
            return Err(Refused(format!("{} is not disabled", client.name)));
        }
        Ok(json!({ "client": short(&client), "name": client.name, "says": "goes on with the grants it holds" }))
    }

    /// The client called so: by its id, the beginning of its digest, or a name that no other has.
    async fn client(&self, called: &str) -> Result<Client, Refused> {
        let clients = self.store.clients().await?;
        let mut found: Vec<_> = clients.iter().filter(|row| row.client.id.as_str() == called).collect();
        if found.is_empty() && called.len() >= 6 {
            found = clients.iter().filter(|row| row.client.id.digest().starts_with(called)).collect();
        }
        if found.is_empty() {
            found = clients.iter().filter(|row| row.client.name.eq_ignore_ascii_case(called)).collect();
        }
        match found.as_slice() {
            [one] => Ok(one.client.clone()),
            [] => Err(Refused(format!(
                "no client {called:?} was ever let in by anybody; `bailiwick clients list` shows those that were"
            ))),
            _ => Err(Refused(format!(
                "{} clients are called {called:?}; give the word in the first column of `bailiwick clients list`",
                found.len()
            ))),
        }
    }
}

/// What people call a client by.
pub(super) fn short(client: &Client) -> String {
    client.id.digest().chars().take(SHORT).collect()
}
