//! Documents by their URL: fetched when they are needed, by one request however many ask, and kept for a while. Only a
//! good document is kept as one; a failure is remembered just long enough that it is not tried again at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::DocumentUrl;
use tokio::sync::Semaphore;

use super::error::FetchError;
use super::freshness::lifetime;
use super::guard::Guard;
use super::once::{Fetched, Patience, fetch};

/// How long a failure is remembered.
const BACKOFF: Duration = Duration::from_secs(10);
/// A clock that shows this much less than before was set back.
const CLOCK_SET_BACK: Duration = Duration::from_mins(1);
/// How many requests are under way at most: to one host, and in all.
const MOST_PER_HOST: usize = 4;
const MOST_FOR_ALL: usize = 32;
/// How many documents are remembered at most.
const MOST_KEPT: usize = 2048;

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing<E> {
    /// It could not be fetched.
    #[error("the document cannot be fetched: {0}")]
    Fetch(#[from] FetchError),
    /// It was fetched and is not what it should be.
    #[error("the document is not usable: {0}")]
    Invalid(E),
}

/// Reads a document.
type Read<T, E> = fn(&DocumentUrl, &[u8]) -> Result<T, E>;

/// What is known of one document, and until when.
#[derive(Clone)]
struct Known<T, E> {
    outcome: Result<T, Missing<E>>,
    since: Timestamp,
    until: Timestamp,
}

impl<T, E> Known<T, E> {
    /// A clock that was set back does not make anything last longer; a request that came a moment before and waited is
    /// no such clock.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.since.since(now) < CLOCK_SET_BACK && now < self.until
    }
}

/// One document: who fetches it holds the lock, everyone else waits for what comes of it.
struct Slot<T, E> {
    turn: tokio::sync::Mutex<()>,
    known: Mutex<Option<Known<T, E>>>,
}

impl<T: Clone, E: Clone> Slot<T, E> {
    fn new() -> Self {
        Self { turn: tokio::sync::Mutex::new(()), known: Mutex::new(None) }
    }

    fn fresh(&self, now: Timestamp) -> Option<Result<T, Missing<E>>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|known| known.is_fresh(now)).map(|known| known.outcome.clone())
    }

    fn learn(&self, known: Known<T, E>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }
}

/// Documents, fetched through a guard.
pub struct Documents<T, E> {
    guard: Guard,
    patience: Patience,
    most: usize,
    read: Read<T, E>,
    slots: Mutex<HashMap<DocumentUrl, Arc<Slot<T, E>>>>,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    all: Arc<Semaphore>,
}

impl<T: Clone + Send, E: Clone + Send> Documents<T, E> {
    /// Documents of at most `most` bytes, read by `read`.
    pub fn new(guard: Guard, patience: Patience, most: usize, read: Read<T, E>) -> Self {
        Self {
            guard,
            patience,
            most,
            read,
            slots: Mutex::default(),
            hosts: Mutex::default(),
            all: Arc::new(Semaphore::new(MOST_FOR_ALL)),
        }
    }

    /// What is known of the document at `url` without asking anybody.
    ///
    /// # Errors
    /// [`Missing`], for a failure that was a moment ago.
    pub fn kept(&self, url: &DocumentUrl, now: Timestamp) -> Option<Result<T, Missing<E>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).get(url)?.fresh(now)
    }

    /// The document at `url`.
    ///
    /// # Errors
    /// [`Missing`] when there is none to be had.
    pub async fn get(&self, url: &DocumentUrl, now: Timestamp) -> Result<T, Missing<E>> {
        let slot = self.slot(url, now);
        let _turn = slot.turn.lock().await;
        if let Some(outcome) = slot.fresh(now) {
            return outcome;
        }
        let outcome = self.fetched(url).await.map_err(Missing::from).and_then(|fetched| {
            let document = (self.read)(url, &fetched.body).map_err(Missing::Invalid)?;
            Ok((document, lifetime(&fetched.headers)))
        });
        let life = outcome.as_ref().map_or(BACKOFF, |(_, life)| *life);
        let outcome = outcome.map(|(document, _)| document);
        // That we were busy says nothing about the document.
        if !matches!(outcome, Err(Missing::Fetch(FetchError::Busy))) {
            slot.learn(Known { outcome: outcome.clone(), since: now, until: now.after(life) });
        }
        outcome
    }

    async fn fetched(&self, url: &DocumentUrl) -> Result<Fetched, FetchError> {
        let _one = self.all.try_acquire().map_err(|_| FetchError::Busy)?;
        let host = self.host(url.host());
        let _two = host.try_acquire().map_err(|_| FetchError::Busy)?;
        fetch(&self.guard, url, self.patience, self.most).await
    }

    fn slot(&self, url: &DocumentUrl, now: Timestamp) -> Arc<Slot<T, E>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MOST_KEPT && !slots.contains_key(url) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.fresh(now).is_some());
            // Everything is fresh: somebody is trying to fill us, and forgetting costs one request each.
            if slots.len() >= MOST_KEPT {
                slots.retain(|_, slot| Arc::strong_count(slot) > 1);
            }
        }
        Arc::clone(slots.entry(url.clone()).or_insert_with(|| Arc::new(Slot::new())))
    }

    fn host(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        // At most as many hosts are in use as requests are under way.
        hosts.retain(|_, permits| Arc::strong_count(permits) > 1);
        Arc::clone(hosts.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(MOST_PER_HOST))))
    }
}
