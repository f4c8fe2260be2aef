//! The tree below a grant, as it is shown: which ways its authority went lately, how many tokens went each, and what was
//! called at their ends. Bounded: the newest tokens and calls of a day, and a word on how many are left out.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bailiwick_domain::audit::{AuditEvent, AuditKind, Outcome};
use bailiwick_domain::chain::{agent_name, edge_id};
use bailiwick_domain::ids::{GrantId, TokenId};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::Resource;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::error::{Fault, StoreError};
use crate::feed::{Coordinates, Standing};
use crate::grants::GrantRow;
use crate::rows::Columns as _;
use crate::store::Store;
use crate::tokens::{self, TokenRow};

/// How far back it looks.
const SPAN: Duration = Duration::from_hours(24);
/// The most tokens it is drawn from.
const MOST_TOKENS: u32 = 1000;
/// The most calls.
const MOST_CALLS: u32 = 2000;
/// How far what is left out is counted.
const MOST_COUNTED: u32 = 100_000;

/// What became of a grant's authority lately.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The grant.
    pub grant: GrantRow,
    /// True while anything below it may be used.
    pub live: bool,
    /// The ways its authority went, shortest first.
    pub ways: Vec<Way>,
    /// What was called.
    pub calls: Vec<Calls>,
    /// Who is stopped here, by `sub` or audience, and since when.
    pub stopped: BTreeMap<String, Timestamp>,
    /// From when on it is drawn.
    pub since: Timestamp,
    /// How many older tokens are left out.
    pub tokens_left_out: u64,
    /// How many older calls.
    pub calls_left_out: u64,
}

/// One way: everybody who acted, and whom they turned to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The `sub` of everybody who acted, first actor first; nobody, where the app itself called.
    pub path: Vec<String>,
    /// Where its tokens are good.
    pub audience: Resource,
    /// How many tokens there were.
    pub tokens: u64,
    /// How many may be used now.
    pub live: u64,
    /// The scopes of the newest.
    pub scope: ScopeSet,
    /// When the newest was issued.
    pub issued_at: Timestamp,
    /// When the last of them expires.
    pub expires_at: Timestamp,
}

/// The calls of one tool by one line of actors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calls {
    /// The `sub` of everybody who acted, first actor first.
    pub path: Vec<String>,
    /// At which server.
    pub resource: Resource,
    /// Which tool.
    pub tool: String,
    /// How many were allowed.
    pub allowed: u64,
    /// How many of those came to nothing.
    pub failed: u64,
    /// How many were refused.
    pub refused: u64,
    /// The last one.
    pub last_at: Timestamp,
}

impl Store {
    /// The tree below a grant; `None` when there is no such grant.
    pub async fn tree(&self, id: &GrantId, now: Timestamp) -> Result<Option<Tree>, StoreError> {
        let Some(grant) = self.grant(id).await? else { return Ok(None) };
        let since = now.before(SPAN);
        let (calls, calls_left_out) = self.calls_below(id, since).await?;
        let tokens = self.tokens_below(id, since).await?;
        let tokens_left_out = match tokens.iter().map(|(token, _)| token.issued_at).min() {
            Some(oldest) if tokens.len() >= MOST_TOKENS as usize => {
                self.older("access_tokens", "issued_at", (id, since, oldest)).await?
            }
            Some(_) | None => 0,
        };
        let stopped = self.stopped_below(id).await?;
        let client_off = self.core.revocations.is_client_off(&grant.approval.client);
        let live = grant.is_live(now) && !client_off;
        let ways = ways(&grant, &tokens, |token, above| {
            live && token.expires_at > now && self.lives(&grant, token, above, now)
        });
        Ok(Some(Tree { grant, live, ways, calls, stopped, since, tokens_left_out, calls_left_out }))
    }

    /// The newest tokens below a grant with everything they were derived from, oldest first, and when each was revoked.
    async fn tokens_below(
        &self,
        id: &GrantId,
        since: Timestamp,
    ) -> Result<Vec<(TokenRow, Option<Timestamp>)>, StoreError> {
        let rows = sqlx::query(
            "WITH RECURSIVE picked AS (
                 SELECT jti, parent FROM access_tokens WHERE grant_id = $1 AND issued_at > $2
                 ORDER BY issued_at DESC, jti LIMIT $3),
             up (jti, parent) AS (
                 SELECT jti, parent FROM picked
                 UNION SELECT t.jti, t.parent FROM access_tokens t JOIN up ON t.jti = up.parent)
             SELECT t.jti, t.grant_id, t.parent, t.hop, t.actor, t.audience, t.scope, t.issued_at, t.expires_at,
                 t.revoked_at AS token_revoked_at
             FROM access_tokens t JOIN up ON up.jti = t.jti ORDER BY t.issued_at, t.hop, t.jti",
        )
        .bind(id.as_str().to_owned())
        .bind(since.millis())
        .bind(i64::from(MOST_TOKENS))
        .fetch_all(self.readers())
        .await
        .map_err(Fault::from)?;
        let read = |row: &AnyRow| Ok((tokens::read(row)?, row.maybe_moment("token_revoked_at")?));
        Ok(rows.iter().map(read).collect::<Result<_, Fault>>()?)
    }

    /// What was called below a grant, and how many calls are left out.
    async fn calls_below(&self, id: &GrantId, since: Timestamp) -> Result<(Vec<Calls>, u64), StoreError> {
        let rows = sqlx::query(
            "SELECT body FROM audit WHERE grant_id = $1 AND at > $2 AND kind IN ('tool_called', 'tool_refused')
             ORDER BY at DESC LIMIT $3",
        )
        .bind(id.as_str().to_owned())
        .bind(since.millis())
        .bind(i64::from(MOST_CALLS))
        .fetch_all(self.readers())
        .await
        .map_err(Fault::from)?;
        let events = rows.iter().map(|row| row.value("body")).collect::<Result<Vec<AuditEvent>, Fault>>()?;
        let left_out = match events.last() {
            Some(oldest) if events.len() >= MOST_CALLS as usize => {
                self.older("audit", "at", (id, since, oldest.at)).await?
            }
            Some(_) | None => 0,
        };
        Ok((counted(events), left_out))
    }

    /// How many rows lie between the two moments.
    async fn older(
        &self,
        table: &'static str,
        column: &'static str,
        (id, since, until): (&GrantId, Timestamp, Timestamp),
    ) -> Result<u64, StoreError> {
        let only = if table == "audit" { "AND kind IN ('tool_called', 'tool_refused')" } else { "" };
        let sql = format!(
            "SELECT COUNT(*) AS older FROM (SELECT 1 AS one FROM {table}
                 WHERE grant_id = $1 AND {column} > $2 AND {column} < $3 {only} LIMIT $4) AS rows_between"
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(id.as_str().to_owned())
            .bind(since.millis())
            .bind(until.millis())
            .bind(i64::from(MOST_COUNTED))
            .fetch_one(self.readers())
            .await
            .map_err(Fault::from)?;
        Ok(u64::try_from(row.number("older")?).unwrap_or(0))
    }

    async fn stopped_below(&self, id: &GrantId) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        let rows = sqlx::query("SELECT party, at FROM grant_stops WHERE grant_id = $1 ORDER BY party")
            .bind(id.as_str().to_owned())
            .fetch_all(self.readers())
            .await
            .map_err(Fault::from)?;
        Ok(rows.iter().map(|row| Ok((row.text("party")?, row.moment("at")?))).collect::<Result<_, Fault>>()?)
    }

    /// Asks what a gateway asks at every call.
    fn lives(&self, grant: &GrantRow, token: &TokenRow, above: &[&TokenRow], now: Timestamp) -> bool {
        let approval = &grant.approval;
        let actors: Vec<&str> = path(token, above);
        let line = || std::iter::once(token).chain(above.iter().copied());
        let to = actors.iter().skip(1).copied().chain(std::iter::once(token.audience.as_str()));
        let front = Coordinates::front_door(&approval.grant, &token.jti, approval.user.as_str(), &approval.client);
        let coordinates = Coordinates {
            tokens: line().map(|token| &token.jti).collect(),
            agents: actors.iter().filter_map(|sub| agent_name(sub)).collect(),
            edges: actors.iter().zip(to).map(|(from, to)| edge_id(from, to)).collect(),
            parties: actors.iter().copied().chain(std::iter::once(token.audience.as_str())).collect(),
            issued_at: token.issued_at,
            ..front
        };
        self.core.revocations.standing(&coordinates, now) != Standing::Revoked
    }
}

/// Groups tokens by the way they went.
fn ways(
    grant: &GrantRow,
    tokens: &[(TokenRow, Option<Timestamp>)],
    lives: impl Fn(&TokenRow, &[&TokenRow]) -> bool,
) -> Vec<Way> {
    let known: HashMap<&TokenId, (&TokenRow, bool)> =
        tokens.iter().map(|(token, revoked)| (&token.jti, (token, revoked.is_some()))).collect();
    let mut ways: BTreeMap<(Vec<String>, Resource), Way> = BTreeMap::new();
    for (token, revoked) in tokens {
        let line: Vec<(&TokenRow, bool)> =
            std::iter::successors(above(token, &known), |(token, _)| above(token, &known))
                // A row cannot be above itself; a database that says so must not stop us here.
                .take(MOST_ABOVE)
                .collect();
        let over: Vec<&TokenRow> = line.iter().map(|(row, _)| *row).collect();
        let lasts = revoked.is_none() && !line.iter().any(|(_, revoked)| *revoked) && lives(token, &over);
        let path: Vec<String> = path(token, &over).into_iter().map(str::to_owned).collect();
        let way = ways.entry((path.clone(), token.audience.clone())).or_insert_with(|| Way {
            path,
            audience: token.audience.clone(),
            tokens: 0,
            live: 0,
            scope: token.scope.clone(),
            issued_at: token.issued_at,
            expires_at: token.expires_at,
        });
        way.tokens += 1;
        way.live += u64::from(lasts);
        way.expires_at = way.expires_at.max(token.expires_at).min(grant.approval.expires_at);
        // They come oldest first.
        way.scope.clone_from(&token.scope);
        way.issued_at = token.issued_at;
    }
    let mut ways: Vec<Way> = ways.into_values().collect();
    ways.sort_by_key(|way| way.path.len());
    ways
}

/// How many tokens may stand above one.
const MOST_ABOVE: usize = 16;

fn above<'a>(token: &TokenRow, known: &HashMap<&'a TokenId, (&'a TokenRow, bool)>) -> Option<(&'a TokenRow, bool)> {
    token.parent.as_ref().and_then(|parent| known.get(parent)).copied()
}

/// Everybody who acted, first actor first.
fn path<'a>(token: &'a TokenRow, above: &[&'a TokenRow]) -> Vec<&'a str> {
    let mut path: Vec<&str> =
        std::iter::once(token).chain(above.iter().copied()).filter_map(|t| t.actor.as_deref()).collect();
    path.reverse();
    path
}

/// Counts calls by who called what; they come newest first.
fn counted(events: Vec<AuditEvent>) -> Vec<Calls> {
    let mut calls: BTreeMap<(Vec<String>, Resource, String), Calls> = BTreeMap::new();
    for event in events {
        let (Some(resource), Some(tool)) = (event.resource, event.tool) else { continue };
        let mut path = event.actors;
        path.reverse();
        let entry = calls.entry((path.clone(), resource.clone(), tool.clone()));
        let counts = entry.or_insert_with(|| Calls {
            path,
            resource,
            tool,
            allowed: 0,
            failed: 0,
            refused: 0,
            last_at: event.at,
        });
        match (event.kind, event.outcome) {
            (AuditKind::ToolCalled, Outcome::Allowed) => counts.allowed += 1,
            (_, Outcome::Failed) => counts.failed += 1,
            (_, Outcome::Allowed | Outcome::Refused) => counts.refused += 1,
        }
    }
    calls.into_values().collect()
}
