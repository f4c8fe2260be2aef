//! Documents of a provider: fetched by one request at a time, kept for a while, and never asked for in a hurry.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::time::Timestamp;
use tokio::sync::Mutex;

use crate::login::UpstreamError;

/// How long a document is believed without asking again.
pub(super) const FRESH: Duration = Duration::from_mins(10);
/// The least time between two questions that somebody's unknown key can cause.
pub(super) const AGAIN: Duration = Duration::from_secs(30);
/// How long a provider that could not be reached is left alone.
const REST: Duration = Duration::from_secs(2);

/// One document.
pub(super) struct Kept<T>(Mutex<Slot<T>>);

struct Slot<T> {
    document: Option<(Timestamp, Arc<T>)>,
    failed_at: Option<Timestamp>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(Slot { document: None, failed_at: None }))
    }
}

impl<T> Kept<T> {
    /// The document, no older than `age`; `fetch` runs only when it is needed.
    pub(super) async fn no_older(
        &self,
        age: Duration,
        now: Timestamp,
        fetch: impl Future<Output = Result<T, UpstreamError>>,
    ) -> Result<Arc<T>, UpstreamError> {
        let mut slot = self.0.lock().await;
        if let Some((at, document)) = &slot.document
            && now.since(*at) < age
        {
            return Ok(Arc::clone(document));
        }
        if slot.failed_at.is_some_and(|at| now.since(at) < REST) {
            return Err(UpstreamError::Resting);
        }
        match fetch.await {
            Ok(document) => {
                let document = Arc::new(document);
                *slot = Slot { document: Some((now, Arc::clone(&document))), failed_at: None };
                Ok(document)
            }
            Err(error) => {
                slot.failed_at = Some(now);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_document_is_asked_for_again_only_when_it_is_too_old() {
        let (kept, asked) = (Kept::default(), Cell::new(0));
        let at = Timestamp::from_seconds;
        let ask = |age, now| {
            let fetch = async {
                asked.set(asked.get() + 1);
                Ok(asked.get())
            };
            kept.no_older(age, now, fetch)
        };

        assert_eq!(*ask(FRESH, at(0)).await.unwrap(), 1);
        assert_eq!(*ask(FRESH, at(599)).await.unwrap(), 1);
        assert_eq!(*ask(AGAIN, at(29)).await.unwrap(), 1);
        assert_eq!(*ask(AGAIN, at(30)).await.unwrap(), 2);
        assert_eq!(*ask(FRESH, at(630)).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_provider_that_failed_is_left_alone_for_a_moment() {
        let kept = Kept::<u32>::default();
        let at = Timestamp::from_seconds;

        assert!(matches!(
            kept.no_older(FRESH, at(0), async { Err(UpstreamError::Refused) }).await,
            Err(UpstreamError::Refused)
        ));
        assert!(matches!(kept.no_older(FRESH, at(1), async { Ok(1) }).await, Err(UpstreamError::Resting)));
        assert!(kept.no_older(FRESH, at(2), async { Ok(1) }).await.is_ok());
    }
}
