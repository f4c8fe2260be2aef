//! What was obtained before, by key: whoever asks at the same time for the same waits for one answer, and a failure is
//! remembered for a moment, so that a server in trouble is not asked by everybody in turn.

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailiwick_domain::generations::Generations;
use bailiwick_domain::time::{Clock, Timestamp};

use crate::obtained::{BrokerError, Obtained};

/// How many entries are kept before the older ones are forgotten.
const HALF: usize = 16_384;
/// How long a failure is believed.
const SORE: Duration = Duration::from_secs(1);

/// Credentials by key.
#[derive(Debug)]
pub(crate) struct Kept<K> {
    slots: Mutex<Generations<K, Arc<Slot>>>,
}

type Slot = tokio::sync::Mutex<Option<Held>>;

#[derive(Debug)]
struct Held {
    outcome: Result<Arc<Obtained>, BrokerError>,
    until: Timestamp,
}

impl Held {
    /// True while it may be given again.
    fn serves(&self, now: Timestamp) -> bool {
        now < self.until && self.outcome.as_ref().map_or(true, |obtained| !obtained.is_worn())
    }
}

impl<K: Clone + Eq + Hash> Kept<K> {
    pub(crate) fn new() -> Self {
        Self { slots: Mutex::new(Generations::new(HALF)) }
    }

    /// What is kept under `key`, while it lasts; else what `make` brings, with the moment until which it may be used.
    ///
    /// # Errors
    /// What `make` fails with; it is given again for a moment.
    pub(crate) async fn get(
        &self,
        key: K,
        clock: &dyn Clock,
        make: impl Future<Output = Result<(Obtained, Timestamp), BrokerError>>,
    ) -> Result<Arc<Obtained>, BrokerError> {
        let slot = self.slot(key);
        let mut held = slot.lock().await;
        if let Some(held) = held.as_ref().filter(|held| held.serves(clock.now())) {
            return held.outcome.clone();
        }
        let (outcome, until) = match make.await {
            Ok((obtained, until)) => (Ok(Arc::new(obtained.kept_since(clock.now()))), until),
            Err(error) => (Err(error), clock.now().after(SORE)),
        };
        *held = Some(Held { outcome: outcome.clone(), until });
        outcome
    }

    fn slot(&self, key: K) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&key) {
            return Arc::clone(slot);
        }
        let slot = Arc::new(Slot::default());
        slots.keep(key, Arc::clone(&slot));
        slot
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(self.0.load(Ordering::Relaxed))
        }
    }

    fn get(
        key: u8,
        kept: &Arc<Kept<u8>>,
        clock: &Arc<Hand>,
        asked: &Arc<AtomicU32>,
    ) -> impl Future<Output = ()> + use<> {
        let (kept, clock, asked) = (Arc::clone(kept), Arc::clone(clock), Arc::clone(asked));
        async move {
            let make = async {
                tokio::task::yield_now().await;
                asked.fetch_add(1, Ordering::Relaxed);
                Ok((Obtained::default(), Timestamp::from_seconds(10)))
            };
            kept.get(key, clock.as_ref(), make).await.unwrap();
        }
    }

    #[tokio::test]
    async fn whoever_asks_together_waits_for_one_answer_and_it_is_used_until_its_end() {
        let (kept, clock, asked) = (Arc::new(Kept::new()), Arc::new(Hand::default()), Arc::new(AtomicU32::new(0)));
        let all: Vec<_> = (0..50).map(|n| tokio::spawn(get(n % 2, &kept, &clock, &asked))).collect();
        for one in all {
            one.await.unwrap();
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2, "once for each key");
        clock.0.store(10, Ordering::Relaxed);
        get(0, &kept, &clock, &asked).await;
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn what_is_not_accepted_any_more_is_had_anew_but_not_all_the_time() {
        let (kept, clock) = (Kept::new(), Hand::default());
        let get = async || {
            let make = async { Ok((Obtained::default(), Timestamp::from_seconds(1_000))) };
            kept.get((), &clock, make).await.unwrap()
        };
        let first = get().await;
        clock.0.store(59, Ordering::Relaxed);
        assert!(!first.wears_out(clock.now()), "it is too young");
        assert!(Arc::ptr_eq(&first, &get().await));
        clock.0.store(60, Ordering::Relaxed);
        assert!(first.wears_out(clock.now()));
        let second = get().await;
        assert!(!Arc::ptr_eq(&first, &second), "it is never given again");
        assert!(first.wears_out(clock.now()), "whoever was refused with it as well gets the new one");
        assert!(!second.wears_out(clock.now()));
        assert!(Arc::ptr_eq(&second, &get().await));
    }

    #[tokio::test]
    async fn a_failure_is_believed_for_a_moment_only() {
        let (kept, clock) = (Kept::new(), Hand::default());
        let fail = async || kept.get((), &clock, async { Err(BrokerError::Later("down".to_owned())) }).await;
        let work = async || {
            let make = async { Ok((Obtained::default(), Timestamp::from_seconds(10))) };
            kept.get((), &clock, make).await
        };
        fail().await.unwrap_err();
        work().await.unwrap_err();
        clock.0.store(1, Ordering::Relaxed);
        work().await.unwrap();
    }
}
