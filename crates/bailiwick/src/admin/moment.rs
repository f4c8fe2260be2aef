//! Moments as administration writes them: RFC 3339, UTC, whole seconds.

use bailiwick_domain::time::Timestamp;

/// `2026-01-31T12:00:00Z`.
pub(crate) fn written(at: Timestamp) -> String {
    let rest = at.seconds().rem_euclid(86_400);
    let (year, month, day) = at.date();
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
        ] {
            assert_eq!(written(Timestamp::from_seconds(seconds)), text);
        }
    }
}
