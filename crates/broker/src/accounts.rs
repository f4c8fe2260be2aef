//! People's accounts at providers: what is kept of them in memory, and what the ways to them stand on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::generations::Generations;
use bailiwick_domain::time::{Clock, Timestamp};
use bailiwick_domain::uri::Issuer;
use bailiwick_net::Http;
use bailiwick_store::{ConnectionKey, Store};
use tokio_util::task::TaskTracker;

use crate::memory::Memory;
use crate::oauth::{Bound, Places};
use crate::obtained::Obtained;
use crate::settings::UserOauth;

/// How many turns are kept before the older ones are forgotten.
const HALF: usize = 16_384;
/// How often a token is renewed, at most, because a server behind does not accept it.
const EARLY: Duration = Duration::from_mins(1);

/// What every account stands on.
pub(crate) struct Accounts {
    pub(crate) issuer: Issuer,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) places: Places,
    /// Refreshes that were begun: they go on when nobody waits any more.
    pub(crate) tasks: TaskTracker,
    memory: Memory<Usable>,
    turns: Mutex<Generations<ConnectionKey, Arc<tokio::sync::Mutex<()>>>>,
    /// When a token was last renewed before its end because a server behind did not accept it.
    early: Mutex<Generations<ConnectionKey, Timestamp>>,
}

/// A credential that may be used.
#[derive(Clone, Debug)]
pub(crate) struct Usable {
    pub(crate) obtained: Arc<Obtained>,
    pub(crate) bound: Arc<Bound>,
    pub(crate) generation: i64,
    /// None where nobody says when it ends.
    pub(crate) until: Option<Timestamp>,
}

/// Whose account is wanted at which provider, to be shown where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account<'a> {
    pub(crate) settings: &'a Arc<UserOauth>,
    pub(crate) key: &'a ConnectionKey,
    /// None where it is only looked whether it works.
    pub(crate) destination: Option<&'a str>,
}

impl Account<'_> {
    /// True where what is held for that person may be used here.
    pub(crate) fn takes(&self, bound: &Bound) -> bool {
        bound.fits(self.settings, self.destination) && bound.excess(self.settings).is_none()
    }
}

impl Accounts {
    pub(crate) fn new(
        issuer: Issuer,
        store: Store,
        (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
        http: Http,
    ) -> Self {
        Self {
            issuer,
            clock,
            entropy,
            places: Places::new(http),
            tasks: TaskTracker::new(),
            memory: Memory::of(&store),
            turns: Mutex::new(Generations::new(HALF)),
            early: Mutex::new(Generations::new(HALF)),
            store,
        }
    }

    /// What is held of that account and may be used, unless it is the generation that somebody refused.
    pub(crate) fn held(&self, account: &Account<'_>, worn: Option<i64>) -> Option<Usable> {
        let now = self.clock.now();
        let lives = |held: &Usable| held.until.is_none_or(|until| now < until) && Some(held.generation) != worn;
        self.memory.find(account.key).filter(|held| lives(held) && account.takes(&held.bound))
    }

    /// How many changes were heard so far; what is read from the store afterwards is newer than those.
    pub(crate) fn mark(&self) -> u64 {
        self.memory.mark()
    }

    /// Holds what was read after `mark`, unless something changed in between.
    pub(crate) fn hold(&self, key: &ConnectionKey, usable: &Usable, mark: u64) {
        self.memory.keep(key, usable.clone(), mark);
    }

    /// Whether the provider may be asked for another token before the end of the one there is; each time counts.
    pub(crate) fn may_ask_early(&self, key: &ConnectionKey) -> bool {
        let (now, mut early) = (self.clock.now(), self.early.lock().unwrap_or_else(PoisonError::into_inner));
        if early.get(key).is_some_and(|at| now.since(*at) < EARLY) {
            return false;
        }
        early.keep(key.clone(), now);
        true
    }

    /// Whoever wants the same connection at the same time waits here.
    pub(crate) fn turn(&self, key: &ConnectionKey) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(key) {
            return Arc::clone(turn);
        }
        let turn = Arc::default();
        turns.keep(key.clone(), Arc::clone(&turn));
        turn
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
