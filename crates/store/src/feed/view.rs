//! The view in memory: what was ended lately, and how fresh that knowledge is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use bailiwick_domain::control::{self, Control};
use bailiwick_domain::ids::{ClientId, GrantId, TokenId};
use bailiwick_domain::time::Timestamp;
use tokio::sync::broadcast;

use super::{Change, ChangeKind};
use crate::people::People;

/// How long an ended thing is remembered here: far longer than any access token lives.
pub(super) const MEMORY: Duration = Duration::from_hours(1);

/// How a token stands right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing speaks against it.
    Live,
    /// It, or something it hangs from, was ended.
    Revoked,
    /// Too long since anybody could know.
    Stale,
}

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
    /// When the last reading that succeeded began.
    fresh: Option<Timestamp>,
}

/// What can be switched off and on again: the latest change counts, in whatever order they are heard.
#[derive(Debug, Default)]
struct Switches(HashMap<String, (Timestamp, bool)>);

impl Switches {
    fn is_off(&self, subject: &str) -> bool {
        self.0.get(subject).is_some_and(|(_, off)| *off)
    }

    /// Takes in a change; `true` when it says something new.
    fn turn(&mut self, subject: &str, at: Timestamp, off: bool) -> bool {
        match self.0.get(subject) {
            Some((known, _)) if *known >= at => false,
            before => {
                let was_off = before.is_some_and(|(_, off)| *off);
                self.0.insert(subject.to_owned(), (at, off));
                was_off != off
            }
        }
    }

    fn forget(&mut self, oldest: Timestamp) {
        self.0.retain(|_, (at, _)| *at > oldest);
    }
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
            // Every one is news: what it was before is not kept here.
            ChangeKind::UserChanged => true,
        }
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

    /// How a token stands: `grants` are its own and those above it, `user` its subject.
    #[expect(clippy::too_many_arguments, reason = "the coordinates of one token, and the time")]
    pub fn standing(
        &self,
        grants: &[&GrantId],
        token: &TokenId,
        user: &str,
        client: &ClientId,
        now: Timestamp,
    ) -> Standing {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let ended = grants.iter().any(|grant| known.grants.contains_key(grant.as_str()))
            || known.tokens.contains_key(token.as_str())
            || known.users.is_off(user)
            || known.clients.is_off(client.as_str());
        if ended && control::holds(Control::Revocation) {
            return Standing::Revoked;
        }
        if known.fresh.is_some_and(|fresh| apart(fresh, now) <= self.staleness()) {
            Standing::Live
        } else {
            Standing::Stale
        }
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
mod tests {
    use super::*;

    fn standing(view: &Revocations, grant: &str, now: i64) -> Standing {
        let client = ClientId::parse("c").unwrap();
        let token = TokenId::from_stored("at_1");
        view.standing(&[&GrantId::from_stored(grant)], &token, "us_1", &client, Timestamp::from_seconds(now))
    }

    #[test]
    fn a_view_never_read_is_stale() {
        let view = Revocations::new(Duration::from_secs(5));

        assert_eq!(standing(&view, "gr_1", 0), Standing::Stale);
    }

    #[test]
    fn silence_longer_than_staleness_is_not_consent() {
        let view = Revocations::new(Duration::from_secs(5));

        view.refreshed(Timestamp::from_seconds(100));

        assert_eq!(standing(&view, "gr_1", 105), Standing::Live);
        assert_eq!(standing(&view, "gr_1", 106), Standing::Stale);
        assert_eq!(standing(&view, "gr_1", 94), Standing::Stale);
    }

    #[test]
    fn a_change_is_told_once_however_often_it_is_read() {
        let view = Revocations::new(Duration::from_secs(5));
        let mut heard = view.subscribe();
        let change = Change::grant(&GrantId::from_stored("gr_1"));

        for _ in 0..3 {
            view.learn(vec![(change.clone(), Timestamp::from_seconds(100))]);
        }

        assert_eq!(standing(&view, "gr_1", 100), Standing::Revoked);
        assert_eq!(heard.try_recv().unwrap(), change);
        assert!(heard.try_recv().is_err());
    }

    #[test]
    fn the_later_of_two_switches_counts_in_whatever_order_they_come() {
        let client = ClientId::parse("c").unwrap();
        let (off, on) = (Change::client(&client), Change::client_back(&client));
        for changes in [[(&off, 10), (&on, 20)], [(&on, 20), (&off, 10)]] {
            let view = Revocations::new(Duration::from_secs(5));
            view.refreshed(Timestamp::from_seconds(100));

            for (change, at) in changes {
                view.learn(vec![(change.clone(), Timestamp::from_seconds(at))]);
            }

            assert_eq!(standing(&view, "gr_1", 100), Standing::Live);
            view.learn(vec![(off.clone(), Timestamp::from_seconds(30))]);
            assert_eq!(standing(&view, "gr_1", 100), Standing::Revoked);
        }
    }

    #[test]
    fn an_old_revocation_is_forgotten() {
        let view = Revocations::new(Duration::from_secs(5));
        view.learn(vec![(Change::grant(&GrantId::from_stored("gr_1")), Timestamp::from_seconds(0))]);

        view.refreshed(Timestamp::from_seconds(3601));

        assert_eq!(standing(&view, "gr_1", 3601), Standing::Live);
    }
}
