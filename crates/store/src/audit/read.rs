//! Reading the audit back.

use bailiwick_domain::audit::{AuditEvent, AuditKind, Outcome};
use bailiwick_domain::ids::{ClientId, CorrelationId, GrantId, TransactionId, UserId, WriterId};
use bailiwick_domain::time::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

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
    /// Only where this agent acted: anywhere in the chain, or on its own account.
    pub agent: Option<String>,
    /// Only with this end.
    pub outcome: Option<Outcome>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
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
       AND ($6 IS NULL OR correlation = $6) AND ($7 IS NULL OR body LIKE $7 ESCAPE '!')
       AND ($8 IS NULL OR body LIKE $8 ESCAPE '!' OR user_id = $9 OR client = $10)
       AND ($11 IS NULL OR body LIKE $11 ESCAPE '!') AND at >= $12 AND at < $13";
const NEWEST: &str = "ORDER BY at DESC, writer DESC, seq DESC LIMIT $14";
const AFTER: &str = "AND (at, writer, seq) > ($15, $16, $17) ORDER BY at, writer, seq LIMIT $14";

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
            .bind(filter.agent.as_deref().map(by_agent))
            .bind(filter.agent.as_deref().map(actor))
            .bind(filter.agent.as_deref().map(|name| name.trim_start_matches("agent:").to_owned()))
            .bind(filter.outcome.map(|outcome| pattern(&format!("\"outcome\":\"{outcome}\""))))
            .bind(filter.since.map_or(i64::MIN, Timestamp::millis))
            .bind(filter.until.map_or(i64::MAX, Timestamp::millis))
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
}

/// The pattern of a body that names this tool: in a body, quotes within a text are escaped, so no other field looks so.
fn on_tool(tool: &str) -> String {
    pattern(&format!("\"tool\":{}", serde_json::Value::from(tool)))
}

/// The pattern of a body whose chain of actors names this one. The chain is the only list before `resource`, and what
/// stands before it cannot look like its beginning.
fn by_agent(agent: &str) -> String {
    let name = serde_json::Value::from(actor(agent)).to_string();
    format!("%\"actors\":[%{}%],\"resource\":%", escaped(&name))
}

/// How a chain calls an agent; whoever is no agent, such as `client:web`, is called so in full.
fn actor(name: &str) -> String {
    if name.contains(':') { name.to_owned() } else { format!("agent:{name}") }
}

fn pattern(text: &str) -> String {
    format!("%{}%", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

pub(super) fn row(row: &AnyRow) -> Result<AuditRow, Fault> {
    Ok(AuditRow {
        event: row.value("body")?,
        writer: WriterId::from_stored(row.text("writer")?),
        seq: row.number("seq")?,
        prev_hash: row.text("prev_hash")?,
        hash: row.text("hash")?,
    })
}
