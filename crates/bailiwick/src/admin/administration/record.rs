//! The audit: reading, following, signing and checking it.

use std::collections::HashMap;
use std::time::Duration;

use bailiwick_domain::audit::{AuditEvent, AuditKind, Outcome};
use bailiwick_domain::ids::{CorrelationId, GrantId, TransactionId, WriterId};
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{AuditCursor, AuditFilter, AuditSpan, AuditVerdict, Break};
use serde_json::{Value, json};

use super::{Administration, Refused, now};
use crate::admin::moment::{self, written};
use crate::admin::order::{AuditQuery, FollowQuery, Followed, FollowedRow};

/// How long a checkpoint waits for what is on its way.
const PATIENCE: Duration = Duration::from_secs(5);

impl Administration {
    /// The newest rows not older than `after`, newest last.
    pub(super) async fn audit(&self, query: AuditQuery) -> Result<Value, Refused> {
        let with_names = query.named;
        let filter = self.filter(query).await?;
        let rows = self.store.audit_rows(&filter).await?;
        let mut names = Names::default();
        if with_names {
            names.apps = self
                .store
                .clients()
                .await?
                .into_iter()
                .map(|row| (row.client.id.to_string(), row.client.name))
                .collect();
        }
        let mut entries = Vec::new();
        for row in rows {
            let mut entry =
                json!({ "id": format!("{}/{}", row.writer, row.seq), "at": row.event.at.millis(), "event": row.event });
            if let Some(fields) = entry.as_object_mut().filter(|_| with_names) {
                fields.insert("who".to_owned(), json!(self.who(&row.event, &mut names).await?));
                fields.insert("through".to_owned(), json!(names.through(&row.event)));
            }
            entries.push(entry);
        }
        Ok(Value::Array(entries))
    }

    async fn filter(&self, query: AuditQuery) -> Result<AuditFilter, Refused> {
        let from = AuditCursor { at: Timestamp::from_millis(query.after), writer: WriterId::from_stored(""), seq: 0 };
        let kind = query.kind.map(|word| AuditKind::named(&word).ok_or_else(|| unknown_kind(&word))).transpose()?;
        let outcome =
            query.outcome.map(|word| Outcome::named(&word).ok_or_else(|| unknown_outcome(&word))).transpose()?;
        let user = match &query.user {
            Some(name) => Some(self.user(name).await?.id),
            None => None,
        };
        Ok(AuditFilter {
            after: (query.after > 0).then_some(from),
            limit: query.limit,
            kind,
            user,
            client: None,
            grant: query.grant.map(GrantId::from_stored),
            transaction: query.transaction.map(TransactionId::from_stored),
            correlation: query.correlation.map(CorrelationId::from_stored),
            tool: query.tool,
            agent: query.agent,
            outcome,
            since: moment_of(query.since.as_deref())?,
            until: moment_of(query.until.as_deref())?,
        })
    }

    /// For whom it was done: the account's name, or the agent that acted for itself.
    async fn who(&self, event: &AuditEvent, names: &mut Names) -> Result<Option<String>, Refused> {
        let Some(id) = &event.user else { return Ok(None) };
        if let Some(known) = names.people.get(id.as_str()) {
            return Ok(Some(known.clone()));
        }
        let name = self.store.user(id).await?.map_or_else(|| id.to_string(), |user| user.name);
        names.people.insert(id.to_string(), name.clone());
        Ok(Some(name))
    }

    /// Rows past the places that were reached.
    pub(super) async fn follow_audit(&self, query: FollowQuery) -> Result<Value, Refused> {
        let FollowQuery { places, limit, since, until } = query;
        let span = AuditSpan { since: moment_of(since.as_deref())?, until: moment_of(until.as_deref())? };
        let (rows, places) = self.store.audit_follow(places, span, limit).await?;
        let mut told = Vec::with_capacity(rows.len());
        for row in rows {
            let body = serde_json::to_string(&row.event).map_err(|error| Refused(error.to_string()))?;
            let (writer, prev_hash, hash) = (row.writer.to_string(), row.prev_hash, row.hash);
            told.push(FollowedRow { writer, seq: row.seq, prev_hash, hash, body });
        }
        serde_json::to_value(Followed { rows: told, places }).map_err(|error| Refused(error.to_string()))
    }

    /// Signs what grew.
    pub(super) async fn checkpoint(&self) -> Result<Value, Refused> {
        // What is on its way belongs to what was done; where it cannot be written, it waits for the next checkpoint.
        tokio::time::timeout(PATIENCE, self.store.settle_audit()).await.ok();
        let written = self.notary.sign().await?;
        let newest = self.store.newest_checkpoint().await?;
        Ok(json!({
            "written": written,
            "checkpoint": newest.as_ref().map(|row| row.number),
            "signed_until": newest.as_ref().map(|row| moment::written(row.at)),
            "statement": newest.as_ref().map(|row| &row.statement),
        }))
    }

    pub(super) async fn verify_audit(&self) -> Result<Value, Refused> {
        let verdict = self.notary.verify().await?;
        Ok(json!({
            "whole": verdict.is_whole(),
            "rows": verdict.rows,
            "writers": verdict.writers,
            "checkpoints": verdict.checkpoints,
            "checkpoint": verdict.signed.as_ref().map(|signed| signed.number),
            "signed_until": verdict.signed.as_ref().map(|signed| written(signed.at)),
            "unsigned": verdict.unsigned,
            "breaks": breaks(&verdict),
        }))
    }
}

/// Names that were looked up for one answer.
#[derive(Default)]
struct Names {
    people: HashMap<String, String>,
    apps: HashMap<String, String>,
}

impl Names {
    /// Through whom it was done: the chain of actors, current one first; without one, the app.
    fn through(&self, event: &AuditEvent) -> Option<String> {
        let app = |id: &str| self.apps.get(id).cloned();
        let actor = |sub: &String| match sub.split_once(':') {
            Some(("client", id)) => app(id).unwrap_or_else(|| id.to_owned()),
            Some((_, name)) => name.to_owned(),
            None => sub.clone(),
        };
        if event.actors.is_empty() {
            let client = event.client.as_ref()?;
            return Some(app(client.as_str()).unwrap_or_else(|| client.digest().chars().take(12).collect()));
        }
        Some(event.actors.iter().map(actor).collect::<Vec<_>>().join(" < "))
    }
}

fn breaks(verdict: &AuditVerdict) -> Vec<Value> {
    let shown = |found: &Break| {
        json!({
            "flaw": found.flaw.as_str(),
            "writer": found.writer,
            "seq": found.seq,
            "at": found.at.map(written),
            "kind": found.kind,
            "after": found.after.map(written),
        })
    };
    verdict.breaks.iter().map(shown).collect()
}

fn moment_of(text: Option<&str>) -> Result<Option<Timestamp>, Refused> {
    let read = |text: &str| {
        moment::read(text, now()).ok_or_else(|| {
            Refused(format!(
                "{text:?} is no moment: write 2026-01-31, 2026-01-31T12:00:00Z, or how long ago: 15m, 2h, 7d"
            ))
        })
    };
    text.map(read).transpose()
}

fn unknown_kind(word: &str) -> Refused {
    let known: Vec<_> = AuditKind::ALL.iter().map(|kind| kind.as_str()).collect();
    Refused(format!("{word:?} is no kind of entry; there are: {}", known.join(" ")))
}

fn unknown_outcome(word: &str) -> Refused {
    Refused(format!("{word:?} is no outcome; there are: allowed refused failed"))
}
