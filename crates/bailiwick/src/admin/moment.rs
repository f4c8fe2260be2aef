//! Moments as administration writes them: RFC 3339, UTC, whole seconds.

use std::time::Duration;

use bailiwick_domain::time::Timestamp;

/// `2026-01-31T12:00:00Z`.
pub(crate) fn written(at: Timestamp) -> String {
    let rest = at.seconds().rem_euclid(86_400);
    let (year, month, day) = at.date();
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Reads a moment as people write it: `2026-01-31T12:00:00Z`, `2026-01-31`, or how long before `now`, as in `90s`,
/// `15m`, `2h`, `7d`.
pub(crate) fn read(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(span) = span(text) {
        return Some(now.before(span));
    }
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = if let Some(three) = numbers(time.trim_end_matches('Z'), ':') {
        three
    } else {
        let [hour, minute] = numbers(time.trim_end_matches('Z'), ':')?;
        [hour, minute, 0]
    };
    let fits = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    let day = Timestamp::of_date(year, month, day).filter(|_| fits)?;
    Some(Timestamp::from_seconds(day.seconds() + (hour * 60 + minute) * 60 + second))
}

fn span(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(count.checked_mul(seconds)?))
}

/// Exactly so many numbers, of digits only.
fn numbers<const N: usize>(text: &str, between: char) -> Option<[i64; N]> {
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten();
    let numbers: Option<Vec<i64>> = text.split(between).map(number).collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_people_write_it() {
        let now = Timestamp::from_seconds(1_700_000_000);
        for (text, seconds) in [
            ("2023-11-14T22:13:20Z", 1_700_000_000),
            ("2023-11-14 22:13", 1_699_999_980),
            ("2000-02-29", 951_782_400),
            ("1970-01-01", 0),
            ("90s", 1_699_999_910),
            ("2h", 1_699_992_800),
            ("7d", 1_699_395_200),
        ] {
            assert_eq!(read(text, now), Some(Timestamp::from_seconds(seconds)), "{text}");
        }
        for text in
            ["", "yesterday", "2023-02-29", "2023-13-01", "2023-1", "2023-01-01T24:00:00Z", "-5m", "5w", "+1-1-1"]
        {
            assert_eq!(read(text, now), None, "{text}");
        }
    }

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
