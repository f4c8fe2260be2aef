//! Reading the audit back, and checking its chains.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::{ClientId, CorrelationId, GrantId, TransactionId, UserId, WriterId};
use bailiwick_domain::time::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::link;
use crate::error::{Fault, StoreError};
use crate::rows::Columns as _;
use crate::store::Store;

/// The place of a row in the order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditCursor {
    /// When.
    pub at: Timestamp,
    /// By which writer.
    pub writer: WriterId,
    /// Its number there.
    pub seq: i64,
}

/// Which rows to read.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only rows past this place; without one, the newest rows.
    pub after: Option<AuditCursor>,
    /// How many at most.
    pub limit: u32,
    /// Only of this kind.
    pub kind: Option<AuditKind>,
    /// Only for this user.
    pub user: Option<UserId>,
    /// Only through this client.
    pub client: Option<ClientId>,
    /// Only under this grant.
    pub grant: Option<GrantId>,
    /// Only in this chain of requests.
    pub transaction: Option<TransactionId>,
    /// Only of this request.
    pub correlation: Option<CorrelationId>,
    /// Only on this tool.
    pub tool: Option<String>,
}

/// One event with its place in its writer's chain.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// What happened.
    pub event: AuditEvent,
    /// Who wrote it.
    pub writer: WriterId,
    /// Its number there.
    pub seq: i64,
    /// The hash before it.
    pub prev_hash: String,
    /// Its own.
    pub hash: String,
}

impl AuditRow {
    /// Its place, to read on from.
    pub fn cursor(&self) -> AuditCursor {
        AuditCursor { at: self.event.at, writer: self.writer.clone(), seq: self.seq }
    }
}

/// Every filter is a parameter that may be absent, so that there is one text.
const COLUMNS_AND_FILTER: &str = "SELECT writer, seq, body, prev_hash, hash FROM audit
     WHERE ($1 IS NULL OR kind = $1) AND ($2 IS NULL OR user_id = $2) AND ($3 IS NULL OR client = $3)
       AND ($4 IS NULL OR grant_id = $4) AND ($5 IS NULL OR transaction_id = $5)
       AND ($6 IS NULL OR correlation = $6) AND ($7 IS NULL OR body LIKE $7 ESCAPE '!')";
const NEWEST: &str = "ORDER BY at DESC, writer DESC, seq DESC LIMIT $8";
const AFTER: &str = "AND (at, writer, seq) > ($9, $10, $11) ORDER BY at, writer, seq LIMIT $8";

impl Store {
    /// Reads rows, oldest first. A row may appear before a place already read, when its transaction was slow:
    /// whoever follows the audit re-reads the last few seconds.
    pub async fn audit_rows(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
        let tail = if filter.after.is_some() { AFTER } else { NEWEST };
        let mut query = sqlx::query(AssertSqlSafe(format!("{COLUMNS_AND_FILTER} {tail}")))
            .bind(filter.kind.map(AuditKind::as_str))
            .bind(filter.user.as_ref().map(|id| id.as_str().to_owned()))
            .bind(filter.client.as_ref().map(|id| id.as_str().to_owned()))
            .bind(filter.grant.as_ref().map(|id| id.as_str().to_owned()))
            .bind(filter.transaction.as_ref().map(|id| id.as_str().to_owned()))
            .bind(filter.correlation.as_ref().map(|id| id.as_str().to_owned()))
            .bind(filter.tool.as_deref().map(on_tool))
            .bind(i64::from(filter.limit));
        if let Some(after) = &filter.after {
            query = query.bind(after.at.millis()).bind(after.writer.as_str().to_owned()).bind(after.seq);
        }
        let rows = query.fetch_all(self.readers()).await.map_err(Fault::from)?;
        let mut rows = rows.iter().map(row).collect::<Result<Vec<_>, Fault>>()?;
        if filter.after.is_none() {
            rows.reverse();
        }
        Ok(rows)
    }

    /// Recomputes every writer's chain, from its first row to its kept head.
    pub async fn verify_audit(&self) -> Result<AuditVerdict, StoreError> {
        let heads = sqlx::query("SELECT id, audit_seq, audit_hash FROM writers WHERE audit_seq > 0 ORDER BY id")
            .fetch_all(self.readers())
            .await
            .map_err(Fault::from)?;
        let mut rows = 0_u64;
        for head in heads {
            let chain =
                Chain { writer: head.text("id")?, seq: head.number("audit_seq")?, hash: head.text("audit_hash")? };
            if let Some(broken) = self.first_break(&chain).await? {
                return Ok(AuditVerdict::Broken { writer: WriterId::from_stored(chain.writer), seq: broken });
            }
            rows = rows.saturating_add(u64::try_from(chain.seq).unwrap_or(0));
        }
        Ok(AuditVerdict::Whole { rows })
    }

    async fn first_break(&self, chain: &Chain) -> Result<Option<i64>, StoreError> {
        let (mut seq, mut hash) = (0, String::new());
        while seq < chain.seq {
            let page = sqlx::query(
                "SELECT seq, at, kind, body, prev_hash, hash FROM audit WHERE writer = $1 AND seq > $2 AND seq <= $3
                 ORDER BY seq LIMIT 1000",
            )
            .bind(chain.writer.as_str())
            .bind(seq)
            .bind(chain.seq)
            .fetch_all(self.readers())
            .await
            .map_err(Fault::from)?;
            if page.is_empty() {
                return Ok(Some(seq + 1));
            }
            for row in page {
                seq += 1;
                if !fits(&row, &chain.writer, seq, &hash)? {
                    return Ok(Some(seq));
                }
                hash = row.text("hash")?;
            }
        }
        Ok((hash != chain.hash).then_some(seq))
    }
}

/// What [`Store::verify_audit`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every chain is whole.
    Whole {
        /// How many rows were checked.
        rows: u64,
    },
    /// A row was altered, moved or taken away.
    Broken {
        /// In this writer's chain.
        writer: WriterId,
        /// At this number.
        seq: i64,
    },
}

/// The pattern of a body that names this tool: in a body, quotes within a text are escaped, so no other field looks so.
fn on_tool(tool: &str) -> String {
    let mut text = format!("\"tool\":{}", serde_json::Value::from(tool));
    for special in ["!", "%", "_"] {
        text = text.replace(special, &format!("!{special}"));
    }
    format!("%{text}%")
}

/// The head of one writer's chain.
struct Chain {
    writer: String,
    seq: i64,
    hash: String,
}

fn fits(row: &AnyRow, writer: &str, seq: i64, prev: &str) -> Result<bool, Fault> {
    let body = row.text("body")?;
    let Ok(event) = serde_json::from_str::<AuditEvent>(&body) else { return Ok(false) };
    Ok(row.number("seq")? == seq
        && row.text("prev_hash")? == prev
        && row.text("hash")? == link(prev, writer, seq, &body)
        && row.moment("at")? == event.at
        && row.text("kind")? == event.kind.as_str())
}

fn row(row: &AnyRow) -> Result<AuditRow, Fault> {
    Ok(AuditRow {
        event: row.value("body")?,
        writer: WriterId::from_stored(row.text("writer")?),
        seq: row.number("seq")?,
        prev_hash: row.text("prev_hash")?,
        hash: row.text("hash")?,
    })
}
