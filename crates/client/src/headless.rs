//! A login without a browser: the redirects followed by ourselves, for tests, demos and servers that approve on their
//! own. A page that wants a person ends it.

use bailiwick_net::{Http, HttpError};
use http::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::ask;
use crate::authorize::Pending;

const MOST_HOPS: usize = 10;
const MOST_PAGE: usize = 256 * 1024;

/// Why no redirect led back.
#[derive(Debug, thiserror::Error)]
pub enum HeadlessError {
    /// The network failed.
    #[error("{0}")]
    Http(#[from] HttpError),
    /// The server refused the request with a page of its own.
    #[error("the server refused the login with status {0}")]
    Refused(u16),
    /// The server shows a page.
    #[error("the server wants a person to log in at {0}: do it without --headless")]
    WantsPerson(String),
    /// A redirect to another origin.
    #[error("the login goes on at {0}, where --headless does not follow: do it without --headless")]
    Elsewhere(String),
    /// Too many redirects.
    #[error("the server redirects in circles")]
    Circles,
}

/// Follows the authorization request until it leads back to our redirect URI; returns the query it brings.
pub(crate) async fn follow(http: &Http, pending: &Pending) -> Result<String, HeadlessError> {
    let mut url = pending.url.clone();
    let mut cookies = Vec::new();
    for _ in 0..MOST_HOPS {
        let mut builder = ask::request(Method::GET, &url).header(ACCEPT, "text/html");
        if !cookies.is_empty() {
            builder = builder.header(COOKIE, spelled(&cookies));
        }
        let (parts, _) = http.fetch(ask::with_body(builder, Vec::new())?, MOST_PAGE).await?;
        remember(&mut cookies, &parts.headers);
        let next = match parts.status {
            StatusCode::FOUND | StatusCode::SEE_OTHER | StatusCode::TEMPORARY_REDIRECT => {
                location(&url, &parts.headers)
            }
            status if status.is_success() => return Err(HeadlessError::WantsPerson(host(&url))),
            status => return Err(HeadlessError::Refused(status.as_u16())),
        };
        let next = next.ok_or(HeadlessError::Refused(parts.status.as_u16()))?;
        if let Some(query) = led_back(&next, &pending.redirect_uri) {
            return Ok(query);
        }
        if next.origin() != pending.url.origin() {
            return Err(HeadlessError::Elsewhere(host(&next)));
        }
        url = next;
    }
    Err(HeadlessError::Circles)
}

fn location(from: &Url, headers: &HeaderMap) -> Option<Url> {
    from.join(headers.get(LOCATION)?.to_str().ok()?).ok()
}

/// The query of a redirect to exactly our address.
fn led_back(url: &Url, redirect_uri: &str) -> Option<String> {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    (bare.as_str() == redirect_uri).then(|| url.query().unwrap_or_default().to_owned())
}

/// Keeps the cookies of the one origin we stay at; their attributes matter only to browsers.
fn remember(cookies: &mut Vec<(String, String)>, headers: &HeaderMap) {
    for value in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
        let pair = value.split(';').next().unwrap_or_default();
        if let Some((name, value)) = pair.split_once('=') {
            let name = name.trim().to_owned();
            cookies.retain(|(kept, _)| *kept != name);
            cookies.push((name, value.trim().to_owned()));
        }
    }
}

fn spelled(cookies: &[(String, String)]) -> String {
    cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_address_ends_the_walk() {
        let back = |raw: &str| led_back(&Url::parse(raw).unwrap(), "http://127.0.0.1:5/callback");

        assert_eq!(back("http://127.0.0.1:5/callback?code=c&state=s"), Some("code=c&state=s".to_owned()));
        assert_eq!(back("http://127.0.0.1:6/callback?code=c"), None);
        assert_eq!(back("http://127.0.0.1:5/callback/x?code=c"), None);
        assert_eq!(back("http://127.0.0.1:5@evil.example/callback?code=c"), None);
    }

    #[test]
    fn a_later_cookie_replaces_an_earlier_one() {
        let mut headers = HeaderMap::new();
        for value in ["a=1; Path=/; HttpOnly", "b=2", "a=3"] {
            headers.append(SET_COOKIE, value.parse().unwrap());
        }
        let mut cookies = Vec::new();

        remember(&mut cookies, &headers);

        assert_eq!(spelled(&cookies), "b=2; a=3");
    }
}
