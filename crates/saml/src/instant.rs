//! `xs:dateTime` as SAML has it: always UTC, written with `Z` (SAML core §1.3.3).

use bailiwick_domain::time::Timestamp;

/// Writes a moment, to the second.
pub(crate) fn write(moment: Timestamp) -> String {
    let (year, month, day) = moment.date();
    let of_day = moment.seconds().rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Reads a moment; a fraction of a second is cut off.
pub(crate) fn read(raw: &str) -> Option<Timestamp> {
    let (date, time) = raw.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (digits(date.next()?, 4)?, digits(date.next()?, 2)?, digits(date.next()?, 2)?);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut time = time.splitn(3, ':');
    let (hour, minute, second) = (digits(time.next()?, 2)?, digits(time.next()?, 2)?, digits(time.next()?, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let start = Timestamp::of_date(year, month, day)?;
    Some(Timestamp::from_seconds(start.seconds() + hour * 3600 + minute * 60 + second))
}

fn digits(raw: &str, length: usize) -> Option<i64> {
    (raw.len() == length && raw.bytes().all(|byte| byte.is_ascii_digit())).then(|| raw.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_it_was_written() {
        let moment = Timestamp::from_seconds(1_795_431_845);

        assert_eq!(write(moment), "2026-11-23T11:04:05Z");
        assert_eq!(read(&write(moment)), Some(moment));
        assert_eq!(read("2026-11-23T11:04:05.123Z"), Some(moment));
        assert_eq!(read("2024-02-29T23:59:59Z").map(write).as_deref(), Some("2024-02-29T23:59:59Z"));
    }

    #[test]
    fn what_is_not_utc_or_no_moment_is_none() {
        for raw in [
            "2026-11-23T11:04:05",
            "2026-11-23T11:04:05+00:00",
            "2026-11-23 11:04:05Z",
            "2026-13-23T11:04:05Z",
            "2025-02-29T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T11:04:5Z",
            "2026-11-23T11:04:05.Z",
            "+026-11-23T11:04:05Z",
            "",
        ] {
            assert_eq!(read(raw), None, "{raw}");
        }
    }
}
