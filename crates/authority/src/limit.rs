//! A limit on how often strangers may do what costs us something, kept in bounded memory: per address and for all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bailiwick_domain::time::Timestamp;

const WINDOW: Duration = Duration::from_mins(1);
const MOST_PER_ADDRESS: u32 = 60;
const MOST_FOR_ALL: u32 = 600;

/// Counts in windows of a minute. Memory stays flat: the window for all is spent before more than its number of
/// addresses can be counted.
pub(crate) struct Limit {
    window: Mutex<Window>,
    per_address: u32,
    for_all: u32,
}

impl Default for Limit {
    fn default() -> Self {
        Self::of(MOST_PER_ADDRESS, MOST_FOR_ALL)
    }
}

#[derive(Default)]
struct Window {
    began: Timestamp,
    all: u32,
    by: HashMap<IpAddr, u32>,
}

impl Limit {
    /// So many a minute from one address, and in all.
    pub(crate) fn of(per_address: u32, for_all: u32) -> Self {
        Self { window: Mutex::default(), per_address, for_all }
    }

    /// Counts one attempt.
    ///
    /// # Errors
    /// How long to wait, when there were too many.
    pub(crate) fn count(&self, peer: Option<IpAddr>, now: Timestamp) -> Result<(), Duration> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = now.since(window.began);
        if gone >= WINDOW || now < window.began {
            *window = Window { began: now, ..Window::default() };
        }
        let left = WINDOW.saturating_sub(now.since(window.began)).max(Duration::from_secs(1));
        if window.all >= self.for_all {
            return Err(left);
        }
        if let Some(peer) = peer {
            let count = window.by.entry(network(peer)).or_default();
            if *count >= self.per_address {
                return Err(left);
            }
            *count += 1;
        }
        window.all += 1;
        Ok(())
    }
}

/// The address, or for IPv6 the /64 that one household holds.
pub(crate) fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        address @ (IpAddr::V4(_) | IpAddr::V6(_)) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_stopped_before_all_are_and_for_a_minute_only() {
        let (limit, now) = (Limit::default(), Timestamp::from_seconds(1000));
        let (one, two) = (Some([10, 0, 0, 1].into()), Some([10, 0, 0, 2].into()));
        for _ in 0..MOST_PER_ADDRESS {
            assert_eq!(limit.count(one, now), Ok(()));
        }

        assert_eq!(limit.count(one, now), Err(WINDOW));
        assert_eq!(limit.count(two, now), Ok(()));
        assert_eq!(limit.count(one, now.after(WINDOW)), Ok(()));
    }

    #[test]
    fn all_addresses_together_have_a_limit() {
        let (limit, now) = (Limit::default(), Timestamp::from_seconds(1000));
        let accepted =
            (0..=255_u8).flat_map(|n| [n; 4]).filter(|n| limit.count(Some([10, 0, 0, *n].into()), now).is_ok());

        assert_eq!(accepted.count(), MOST_FOR_ALL as usize);
    }
}
