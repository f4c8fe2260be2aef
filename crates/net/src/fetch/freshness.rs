//! How long a document may be kept, by the headers it came with (RFC 9111 §4.2), within bounds of our own.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderName};

/// However short-lived a document says it is, a storm of requests does not fetch it more often.
const LEAST: Duration = Duration::from_secs(30);
/// However long-lived, a change is noticed after this.
const MOST: Duration = Duration::from_hours(24);
/// Where the headers say nothing.
const USUAL: Duration = Duration::from_mins(5);

/// How long to keep a document that came with these headers just now.
pub(super) fn lifetime(headers: &HeaderMap) -> Duration {
    stated(headers).clamp(LEAST, MOST)
}

fn stated(headers: &HeaderMap) -> Duration {
    let directives: Vec<String> = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(',').map(|word| word.trim().to_ascii_lowercase()).collect::<Vec<_>>())
        .collect();
    let named = |name: &str| directives.iter().any(|word| word.split('=').next() == Some(name));
    if named("no-store") || named("no-cache") {
        return Duration::ZERO;
    }
    let seconds = |name: &str| {
        let value = directives.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))?;
        // RFC 9111 §4.2.1: what cannot be read is stale; more than fits is a very long time.
        let value = value.trim_matches('"');
        let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        Some(if digits { value.parse().unwrap_or(u64::from(u32::MAX)) } else { 0 })
    };
    let age = text(headers, &AGE).and_then(|raw| raw.trim().parse().ok()).unwrap_or(0);
    // We answer for many people, so we are a shared cache.
    match seconds("s-maxage").or_else(|| seconds("max-age")) {
        Some(most) => Duration::from_secs(most.saturating_sub(age)),
        None if headers.contains_key(EXPIRES) => until_expiry(headers).saturating_sub(Duration::from_secs(age)),
        None => USUAL,
    }
}

/// By the sender's clock, whatever ours says. RFC 9111 §5.3: a date that cannot be read lies in the past.
fn until_expiry(headers: &HeaderMap) -> Duration {
    let date = |name: &HeaderName| text(headers, name).and_then(|raw| httpdate::parse_http_date(raw).ok());
    let life = |sent: SystemTime, expires: SystemTime| expires.duration_since(sent).ok();
    date(&DATE).and_then(|sent| life(sent, date(&EXPIRES)?)).unwrap_or(Duration::ZERO)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(lines: &[(&'static str, &'static str)]) -> u64 {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        lifetime(&headers).as_secs()
    }

    #[test]
    fn headers_decide_within_bounds() {
        let day = 24 * 3600;
        let cases: [(&[(&str, &str)], u64); 16] = [
            (&[], 300),
            (&[("cache-control", "max-age=600")], 600),
            (&[("cache-control", "public, Max-Age=600")], 600),
            (&[("cache-control", "max-age=\"600\"")], 600),
            (&[("cache-control", "public"), ("cache-control", "max-age=600")], 600),
            (&[("cache-control", "max-age=600, s-maxage=900")], 900),
            (&[("cache-control", "max-age=600"), ("age", "500")], 100),
            (&[("cache-control", "max-age=600"), ("age", "5000")], 30),
            (&[("cache-control", "max-age=0")], 30),
            (&[("cache-control", "max-age=soon")], 30),
            (&[("cache-control", "no-store, max-age=600")], 30),
            (&[("cache-control", "no-cache")], 30),
            (&[("cache-control", "max-age=99999999999999999999")], day),
            (&[("cache-control", "max-age=31536000, immutable")], day),
            (&[("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("expires", "Sun, 06 Nov 1994 08:59:37 GMT")], 600),
            (&[("expires", "0")], 30),
        ];
        for (headers, seconds) in cases {
            assert_eq!(kept(headers), seconds, "{headers:?}");
        }
    }
}
