//! Moments as people read them, in UTC.

use bailiwick_domain::time::Timestamp;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment for a page: in words, and as the `datetime` of a `<time>`.
pub(crate) struct Moment {
    /// Such as `14 March 2026, 15:04 UTC`.
    pub(crate) words: String,
    /// Such as `2026-03-14T15:04Z`.
    pub(crate) machine: String,
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        let seconds = at.seconds();
        let (year, month, day) = at.date();
        let minutes = seconds.rem_euclid(86_400) / 60;
        let clock = format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let name = usize::try_from(month - 1).ok().and_then(|n| MONTHS.get(n)).copied().unwrap_or("");
        Self {
            words: format!("{day} {name} {year}, {clock} UTC"),
            machine: format!("{year:04}-{month:02}-{day:02}T{clock}Z"),
        }
    }
}

/// The time of day, to the second, such as `15:04:05 UTC`.
pub(crate) fn clock(at: Timestamp) -> String {
    let second = at.seconds().rem_euclid(86_400);
    format!("{:02}:{:02}:{:02} UTC", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_as_a_calendar_does() {
        let cases = [
            (0, "1 January 1970, 00:00 UTC", "1970-01-01T00:00Z"),
            (951_827_696, "29 February 2000, 12:34 UTC", "2000-02-29T12:34Z"),
            (1_773_500_640, "14 March 2026, 15:04 UTC", "2026-03-14T15:04Z"),
            (-1, "31 December 1969, 23:59 UTC", "1969-12-31T23:59Z"),
        ];
        for (seconds, words, machine) in cases {
            let moment = Moment::from(Timestamp::from_seconds(seconds));
            assert_eq!((moment.words.as_str(), moment.machine.as_str()), (words, machine));
        }
    }
}
