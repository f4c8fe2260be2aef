//! The view in memory: what was ended lately, and how fresh that knowledge is.

use std::collections::HashMap;
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
    staleness: Duration,
    changes: broadcast::Sender<Change>,
}

#[derive(Debug, Default)]
struct Known {
    grants: HashMap<String, Timestamp>,
    tokens: HashMap<String, Timestamp>,
    users: HashMap<String, Timestamp>,
    clients: HashMap<String, Timestamp>,
    /// Users who were ended and came back.
    back: HashMap<String, Timestamp>,
    /// When the last reading that succeeded began.
    fresh: Option<Timestamp>,
}

impl Known {
    fn all(&mut self) -> [&mut HashMap<String, Timestamp>; 5] {
        [&mut self.grants, &mut self.tokens, &mut self.users, &mut self.clients, &mut self.back]
    }

    /// Takes in a change; true when it says something new.
    fn note(&mut self, change: &Change, at: Timestamp) -> bool {
        let kept = match change.kind {
            ChangeKind::Grant => &mut self.grants,
            ChangeKind::Token => &mut self.tokens,
            ChangeKind::User => &mut self.users,
            ChangeKind::Client => &mut self.clients,
            ChangeKind::UserBack => &mut self.back,
            // Every one is news: what it was before is not kept here.
            ChangeKind::UserChanged => return true,
        };
        match kept.get_mut(&change.subject) {
            Some(last) if *last >= at => false,
            Some(last) => {
                *last = at;
                true
            }
            None => kept.insert(change.subject.clone(), at).is_none(),
        }
    }

    /// True when that user was ended, and did not come back since. Several writers' news come in any order.
    fn is_ended(&self, user: &str) -> bool {
        let back = self.back.get(user);
        self.users.get(user).is_some_and(|ended| back.is_none_or(|back| back <= ended))
    }
}

impl Revocations {
    pub(crate) fn new(staleness: Duration) -> Self {
        Self { known: RwLock::default(), people: People::default(), staleness, changes: broadcast::channel(1024).0 }
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
            || known.is_ended(user)
            || known.clients.contains_key(client.as_str());
        if ended && control::holds(Control::Revocation) {
            return Standing::Revoked;
        }
        if known.fresh.is_some_and(|fresh| apart(fresh, now) <= self.staleness) {
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
        known.fresh.is_none_or(|fresh| apart(fresh, now) > self.staleness)
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
            if known.note(&change, at) {
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
        for kept in known.all() {
            kept.retain(|_, at| *at > oldest);
        }
    }
}

/// The distance between two moments, whichever is first: a clock that was set back must not make old news fresh.
fn apart(a: Timestamp, b: Timestamp) -> Duration {
    a.since(b).max(b.since(a))
}

#[cfg(test)]
mod tests {
    use bailiwick_domain::ids::UserId;

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
    fn a_user_who_came_back_stands_in_whatever_order_it_is_heard() {
        let client = ClientId::parse("c").unwrap();
        let stands = |view: &Revocations| {
            view.standing(&[], &TokenId::from_stored("at_1"), "us_1", &client, Timestamp::from_seconds(100))
        };
        let user = UserId::from_stored("us_1");
        let ended = (Change::user(&user), Timestamp::from_seconds(90));
        let back = (Change::user_back(&user), Timestamp::from_seconds(95));
        for news in [[ended.clone(), back.clone()], [back.clone(), ended.clone()]] {
            let view = Revocations::new(Duration::from_secs(5));
            view.refreshed(Timestamp::from_seconds(100));
            view.learn(vec![ended.clone()]);
            assert_eq!(stands(&view), Standing::Revoked);

            view.learn(news.into());

            assert_eq!(stands(&view), Standing::Live);
            view.learn(vec![(Change::user(&user), Timestamp::from_seconds(97))]);
            assert_eq!(stands(&view), Standing::Revoked);
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
