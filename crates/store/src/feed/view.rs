//! The view in memory: what was ended lately, and how fresh that knowledge is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use bailiwick_domain::control::{self, Control};
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::Standing;
use tokio::sync::broadcast;

use super::switches::Switches;
use super::{Change, ChangeKind, Coordinates};
use crate::people::People;

/// How long an ended thing is remembered here: far longer than any access token lives.
pub(super) const MEMORY: Duration = Duration::from_hours(1);

/// What was ended lately, in every process of the installation.
#[derive(Debug)]
pub struct Revocations {
    known: RwLock<Known>,
    people: People,
    /// Milliseconds.
    staleness: AtomicU64,
    changes: broadcast::Sender<Change>,
}

#[derive(Debug, Default)]
struct Known {
    grants: HashMap<String, Timestamp>,
    tokens: HashMap<String, Timestamp>,
    users: Switches,
    clients: Switches,
    agents: Switches,
    edges: Switches,
    tools: Switches,
    /// Parties stopped under a grant.
    parties: HashMap<String, HashMap<String, Timestamp>>,
    /// When the last reading that succeeded began.
    fresh: Option<Timestamp>,
}

impl Known {
    /// Takes in a change; `true` when it says something new.
    fn take(&mut self, change: &Change, at: Timestamp) -> bool {
        let subject = change.subject.as_str();
        match change.kind {
            ChangeKind::Grant => self.grants.insert(subject.to_owned(), at).is_none(),
            ChangeKind::Token => self.tokens.insert(subject.to_owned(), at).is_none(),
            ChangeKind::User => self.users.turn(subject, at, true),
            ChangeKind::Client => self.clients.turn(subject, at, true),
            ChangeKind::UserBack => self.users.turn(subject, at, false),
            ChangeKind::ClientBack => self.clients.turn(subject, at, false),
            ChangeKind::Agent => self.agents.turn(subject, at, true),
            ChangeKind::AgentBack => self.agents.turn(subject, at, false),
            ChangeKind::Edge => self.edges.turn(subject, at, true),
            ChangeKind::EdgeBack => self.edges.turn(subject, at, false),
            ChangeKind::Tool => self.tools.turn(subject, at, true),
            ChangeKind::ToolBack => self.tools.turn(subject, at, false),
            ChangeKind::Party => subject.split_once(' ').is_some_and(|(grant, party)| {
                self.parties.entry(grant.to_owned()).or_default().insert(party.to_owned(), at).is_none()
            }),
            // Every one is news: what it was before is not kept here.
            ChangeKind::UserChanged | ChangeKind::Connection => true,
        }
    }

    /// True when something a token hangs from was ended, or is stopped.
    fn ends(&self, token: &Coordinates<'_>) -> bool {
        let cascade = control::holds(Control::TokenCascade);
        let own = if cascade { token.tokens.len() } else { 1 };
        token.grants.iter().any(|grant| self.grants.contains_key(grant.as_str()))
            || token.tokens.iter().take(own).any(|token| self.tokens.contains_key(token.as_str()))
            || self.users.is_off(token.user)
            || token.clients.iter().any(|client| self.clients.is_off(client.as_str()))
            || self.stops(token)
            || (self.stops_under(token) && control::holds(Control::NodeStop))
    }

    /// True when somebody in its chain, whoever it is for, or a step between two of them is stopped under its grant.
    fn stops_under(&self, token: &Coordinates<'_>) -> bool {
        let stopped = token.grants.iter().filter_map(|grant| self.parties.get(grant.as_str()));
        stopped.into_iter().any(|stopped| {
            token.parties.iter().any(|party| stopped.contains_key(*party))
                || token.edges.iter().any(|edge| stopped.contains_key(edge))
        })
    }

    fn stops(&self, token: &Coordinates<'_>) -> bool {
        let agent = |agent: &&str| self.agents.shuts_out(agent, token.issued_at);
        let edge = |edge: &String| self.edges.shuts_out(edge, token.issued_at);
        (token.agents.iter().any(agent) && control::holds(Control::AgentStop))
            || (token.edges.iter().any(edge) && control::holds(Control::EdgeStop))
    }
}

impl Revocations {
    pub(crate) fn new(staleness: Duration) -> Self {
        let staleness = AtomicU64::new(millis(staleness));
        Self { known: RwLock::default(), people: People::default(), staleness, changes: broadcast::channel(1024).0 }
    }

    /// How long silence is forgiven from now on.
    pub(crate) fn set_staleness(&self, staleness: Duration) {
        self.staleness.store(millis(staleness), Ordering::Relaxed);
    }

    fn staleness(&self) -> Duration {
        Duration::from_millis(self.staleness.load(Ordering::Relaxed))
    }

    /// How old this view is.
    pub(crate) fn age(&self, now: Timestamp) -> Option<Duration> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.fresh.map(|fresh| apart(fresh, now))
    }

    /// How a token stands.
    pub fn standing(&self, token: &Coordinates<'_>, now: Timestamp) -> Standing {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.ends(token) && control::holds(Control::Revocation) {
            return Standing::Revoked;
        }
        if known.fresh.is_some_and(|fresh| apart(fresh, now) <= self.staleness()) {
            Standing::Live
        } else {
            Standing::Stale
        }
    }

    /// True while that tool is stopped for everybody.
    pub fn is_tool_stopped(&self, resource: &str, tool: &str) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        !known.tools.is_empty()
            && known.tools.is_off(&format!("{resource} {tool}"))
            && control::holds(Control::ToolStop)
    }

    /// True while a client is stopped for everybody.
    pub(crate) fn is_client_off(&self, client: &ClientId) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clients.is_off(client.as_str())
    }

    /// What is known of people.
    pub(crate) fn people(&self) -> &People {
        &self.people
    }

    /// True while this view is too old to answer from.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.fresh.is_none_or(|fresh| apart(fresh, now) > self.staleness())
    }

    /// Hears of every thing that is ended from now on. A listener that falls behind is told so (`Lagged`) and must
    /// ask [`Self::standing`] about everything it serves.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Takes in changes, known ones included, and passes the new ones on.
    pub(crate) fn learn(&self, changes: Vec<(Change, Timestamp)>) {
        if changes.is_empty() {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for (change, at) in changes {
            if matches!(change.kind, ChangeKind::User | ChangeKind::UserBack | ChangeKind::UserChanged) {
                self.people.forget(&change.subject);
            }
            if known.take(&change, at) {
                // Nobody may be listening.
                self.changes.send(change).ok();
            }
        }
    }

    /// Says that a reading which began at `began` succeeded, and forgets what no living token can need.
    pub(super) fn refreshed(&self, began: Timestamp) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.fresh = Some(began);
        let oldest = began.before(MEMORY);
        known.grants.retain(|_, at| *at > oldest);
        known.tokens.retain(|_, at| *at > oldest);
        known.users.forget(oldest);
        known.clients.forget(oldest);
        known.agents.forget(oldest);
        known.edges.forget(oldest);
        known.tools.forget(oldest);
        // The row stays: no token is derived past it, and those from before are over by then.
        known.parties.retain(|_, stopped| {
            stopped.retain(|_, at| *at > oldest);
            !stopped.is_empty()
        });
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The distance between two moments, whichever is first: a clock that was set back must not make old news fresh.
fn apart(a: Timestamp, b: Timestamp) -> Duration {
    a.since(b).max(b.since(a))
}

#[cfg(test)]
mod tests;
