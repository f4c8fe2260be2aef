//! What hangs below: the tokens that die with something.

use std::collections::BTreeMap;

use bailiwick_domain::time::Timestamp;
use sqlx::AssertSqlSafe;

use super::StopKind;
use crate::error::Fault;
use crate::lane::Tx;
use crate::rows::Columns as _;

/// What was refused from the moment of a stop on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Died {
    /// Access tokens that were live.
    pub tokens: u64,
    /// When the last of them expires: until then it passes where nobody asks us.
    pub last_token: Option<Timestamp>,
}

/// The live tokens that name a subject, with everything derived from them: id and expiry.
pub(crate) async fn below(
    tx: &mut Tx,
    kind: StopKind,
    subject: &str,
    now: Timestamp,
) -> Result<BTreeMap<String, Timestamp>, Fault> {
    let actor = format!("agent:{subject}");
    match (kind, subject.split_once("->")) {
        (StopKind::Tool, _) | (StopKind::Edge, None) => Ok(BTreeMap::new()),
        (StopKind::Agent, _) => {
            let seed = "(actor = $2 OR grant_id IN (SELECT id FROM grants WHERE user_id = $2))";
            tree(tx, seed, &[&actor], now).await
        }
        (StopKind::Edge, Some((from, to))) if to.starts_with("agent:") => {
            let seed = "actor = $2 AND parent IN (SELECT jti FROM access_tokens WHERE actor = $3)";
            tree(tx, seed, &[to, from], now).await
        }
        (StopKind::Edge, Some((from, to))) => tree(tx, "actor = $2 AND audience = $3", &[from, to], now).await,
    }
}

/// The live tokens that fit `seed`, in which `values` are `$2` and so on, with everything derived from them.
pub(crate) async fn tree(
    tx: &mut Tx,
    seed: &'static str,
    values: &[&str],
    now: Timestamp,
) -> Result<BTreeMap<String, Timestamp>, Fault> {
    let sql = format!(
        "WITH RECURSIVE below (jti) AS (
             SELECT jti FROM access_tokens WHERE expires_at > $1 AND revoked_at IS NULL AND {seed}
             UNION SELECT t.jti FROM access_tokens t JOIN below b ON t.parent = b.jti
                 WHERE t.expires_at > $1 AND t.revoked_at IS NULL)
         SELECT t.jti, t.expires_at FROM access_tokens t JOIN below b ON b.jti = t.jti
             JOIN grants g ON g.id = t.grant_id WHERE g.revoked_at IS NULL"
    );
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(now.millis());
    for value in values {
        query = query.bind((*value).to_owned());
    }
    let rows = query.fetch_all(tx.sql()).await?;
    rows.iter().map(|row| Ok((row.text("jti")?, row.moment("expires_at")?))).collect()
}

/// What these tokens add up to.
pub(crate) fn died(tokens: &BTreeMap<String, Timestamp>) -> Died {
    Died { tokens: u64::try_from(tokens.len()).unwrap_or(u64::MAX), last_token: tokens.values().max().copied() }
}
