//! What a token about to be derived depends on.

use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::AccessClaims;
use sqlx::AssertSqlSafe;

use super::StopKind;
use crate::error::Fault;
use crate::lane::Tx;

/// An agent or an edge that a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What kind of thing.
    pub kind: StopKind,
    /// Which.
    pub subject: String,
    /// When the token was issued.
    pub issued_at: Timestamp,
}

impl Step {
    /// The agents and edges that the token `to` depends on, which is derived from the token `from`. An agent that was
    /// started again does not go on with what it had been handed before.
    pub fn between(from: &AccessClaims, to: &AccessClaims) -> Vec<Self> {
        let (before, now) = (Timestamp::from_seconds(from.iat), Timestamp::from_seconds(to.iat));
        let step = |kind, subject, issued_at| Self { kind, subject, issued_at };
        let agents = from.agents().chain(to.agents()).map(|name| step(StopKind::Agent, name.to_owned(), before));
        let old = from.edges().map(|edge| step(StopKind::Edge, edge, before));
        agents.chain(old).chain(to.edges().map(|edge| step(StopKind::Edge, edge, now))).collect()
    }
}

/// True when none of these is stopped, nor was started when its token had been issued: the question wherever a token is
/// derived. A stop that commits at this very moment may not be seen; then the start that ends it comes later, and what
/// was derived stays dead.
pub(crate) async fn none_of(tx: &mut Tx, steps: &[Step]) -> Result<bool, Fault> {
    if steps.is_empty() {
        return Ok(true);
    }
    let place = |n: usize| (3 * n + 1, 3 * n + 2, 3 * n + 3);
    let named = (0..steps.len())
        .map(place)
        .map(|(kind, subject, at)| format!("(kind = ${kind} AND subject = ${subject} AND (off = 1 OR at >= ${at}))"));
    let sql = format!("SELECT kind FROM stops WHERE {} LIMIT 1", named.collect::<Vec<_>>().join(" OR "));
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for step in steps {
        query = query.bind(step.kind.as_str()).bind(step.subject.as_str()).bind(step.issued_at.millis());
    }
    Ok(query.fetch_optional(tx.sql()).await?.is_none())
}
