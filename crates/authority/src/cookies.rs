//! The two cookies: one ties an anonymous browser to what it began, one is a signed-in session. Both are `HttpOnly`,
//! `SameSite=Lax` and for the whole origin; over https they carry the `__Host-` prefix, so that no neighbouring
//! subdomain can plant one (RFC 6265bis §4.1.3.2).

use std::time::Duration;

use bailiwick_domain::opaque::{BrowserCookie, Kind, Opaque, SessionCookie};
use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};

/// A kind of secret that lives in a cookie.
pub(crate) trait Kept: Kind {
    /// The cookie's name, without the prefix of https.
    const NAME: &'static str;
}

impl Kept for BrowserCookie {
    const NAME: &'static str = "bw_browser";
}
impl Kept for SessionCookie {
    const NAME: &'static str = "bw_session";
}

/// Reads the cookie of kind `K`; of several with one name the first that is genuine in form.
pub(crate) fn read<K: Kept>(headers: &HeaderMap, https: bool) -> Option<Opaque<K>> {
    let name = name::<K>(https);
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| Opaque::parse(value))
}

/// The `Set-Cookie` value that keeps `secret` for `life`, or until the browser closes.
pub(crate) fn keep<K: Kept>(secret: &Opaque<K>, https: bool, life: Option<Duration>) -> Option<HeaderValue> {
    let age = life.map_or_else(String::new, |life| format!("; Max-Age={}", life.as_secs()));
    set::<K>(secret.expose().as_str(), https, &age)
}

/// The `Set-Cookie` value that takes the cookie of kind `K` away.
pub(crate) fn drop<K: Kept>(https: bool) -> Option<HeaderValue> {
    set::<K>("", https, "; Max-Age=0")
}

fn set<K: Kept>(value: &str, https: bool, age: &str) -> Option<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", name::<K>(https));
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

fn name<K: Kept>(https: bool) -> String {
    if https { format!("__Host-{}", K::NAME) } else { K::NAME.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Opaque<SessionCookie> {
        Opaque::from_bytes(zeroize::Zeroizing::new([7; 32]))
    }

    #[test]
    fn an_https_cookie_is_bound_to_its_host() {
        let header = keep(&secret(), true, Some(Duration::from_mins(1))).unwrap();

        let text = header.to_str().unwrap();
        assert!(text.starts_with("__Host-bw_session=bw_se_"), "{text}");
        assert!(text.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60"), "{text}");
    }

    #[test]
    fn a_cookie_comes_back_whatever_stands_around_it() {
        let mut headers = HeaderMap::new();
        let text = format!("a=b; bw_session=junk; bw_session={}; c=d", secret().expose().as_str());
        headers.insert(COOKIE, HeaderValue::from_str(&text).unwrap());

        assert_eq!(read::<SessionCookie>(&headers, false).unwrap().digest(), secret().digest());
        assert!(read::<BrowserCookie>(&headers, false).is_none());
        assert!(read::<SessionCookie>(&headers, true).is_none(), "without the prefix it was set over http");
    }
}
