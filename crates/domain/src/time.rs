//! Moments and spans, in Unix milliseconds; the clock itself lives outside and is passed in.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The moment `seconds` seconds after the epoch (a JWT `NumericDate`, RFC 7519 §2).
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: a JWT `NumericDate`.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Year, month and day in UTC, in the proleptic Gregorian calendar: counted in years that begin in March, so that
    /// the leap day comes last (Howard Hinnant, "chrono-compatible low-level date algorithms").
    pub const fn date(self) -> (i64, i64, i64) {
        let shifted = self.seconds().div_euclid(86_400) + 719_468;
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let next_year = if month <= 2 { 1 } else { 0 };
        (shifted.div_euclid(146_097) * 400 + year_of_era + next_year, month, day)
    }

    /// The beginning of that day in UTC; `None` where the calendar has no such day. The inverse of [`Self::date`].
    pub fn of_date(year: i64, month: i64, day: i64) -> Option<Self> {
        if !((0..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)) {
            return None;
        }
        let year_from_march = if month <= 2 { year - 1 } else { year };
        let of_era = year_from_march.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days = year_from_march.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        let found = Self::from_seconds((days - 719_468) * 86_400);
        (found.date() == (year, month, day)).then_some(found)
    }

    /// The moment `span` later, saturating.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The moment `span` earlier, saturating.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Tells the time. Only a handler asks it, once, first thing.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// How long an authorization code may wait to be redeemed (RFC 6749 §4.1.2 allows ten minutes).
pub const CODE_LIFE: Duration = Duration::from_mins(1);
/// How long an access token lives.
pub const ACCESS_LIFE: Duration = Duration::from_mins(5);
/// How long a refresh token may lie unused.
pub const REFRESH_IDLE: Duration = Duration::from_hours(30 * 24);
/// How long a family of refresh tokens lives at most, used or not.
pub const REFRESH_LIFE: Duration = Duration::from_hours(90 * 24);
/// How long a person may take over one authorization request.
pub const REQUEST_LIFE: Duration = Duration::from_mins(10);
/// Clock skew forgiven between issuer and verifier.
pub const SKEW: Duration = Duration::from_mins(1);
