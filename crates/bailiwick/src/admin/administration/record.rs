//! The audit.

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::ids::{CorrelationId, GrantId, WriterId};
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{AuditCursor, AuditFilter, AuditRow, AuditVerdict};
use serde_json::{Value, json};

use super::{Administration, Refused};
use crate::admin::order::AuditQuery;

impl Administration {
    /// The newest rows not older than `after`, newest last.
    pub(super) async fn audit(&self, query: AuditQuery) -> Result<Value, Refused> {
        let from = AuditCursor { at: Timestamp::from_millis(query.after), writer: WriterId::from_stored(""), seq: 0 };
        let kind = match &query.kind {
            Some(word) => Some(AuditKind::named(word).ok_or_else(|| unknown_kind(word))?),
            None => None,
        };
        let user = match &query.user {
            Some(name) => Some(self.user(name).await?.id),
            None => None,
        };
        let filter = AuditFilter {
            after: (query.after > 0).then_some(from),
            limit: query.limit,
            kind,
            user,
            grant: query.grant.map(GrantId::from_stored),
            correlation: query.correlation.map(CorrelationId::from_stored),
            tool: query.tool,
            ..AuditFilter::default()
        };
        let rows = self.store.audit_rows(&filter).await?;
        let entry = |row: &AuditRow| json!({ "id": format!("{}/{}", row.writer, row.seq), "at": row.event.at.millis(), "event": row.event });
        Ok(rows.iter().map(entry).collect())
    }

    pub(super) async fn verify_audit(&self) -> Result<Value, Refused> {
        match self.store.verify_audit().await? {
            AuditVerdict::Whole { rows } => Ok(json!({ "whole": true, "rows": rows })),
            AuditVerdict::Broken { writer, seq } => Err(Refused(format!(
                "the record was altered: the chain of writer {writer} breaks at its entry {seq}; what stands before it is whole. Keep a copy of the database and compare it with a backup"
            ))),
        }
    }
}

fn unknown_kind(word: &str) -> Refused {
    let known: Vec<_> = AuditKind::ALL.iter().map(|kind| kind.as_str()).collect();
    Refused(format!("{word:?} is no kind of entry; there are: {}", known.join(" ")))
}
