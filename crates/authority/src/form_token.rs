//! Form tokens: a form counts only in the browser, session and request it was made for (RFC 9700 §4.7).

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::opaque::{BrowserCookie, Digest, RequestHandle, SessionCookie};
use bailiwick_domain::uri::Issuer;
use bailiwick_domain::{seal, text};
use http::HeaderMap;
use http::header::ORIGIN;

/// What a form is bound to.
pub(crate) struct Bond<'a> {
    /// The page that shows it.
    pub(crate) page: &'static str,
    /// The browser it was shown in.
    pub(crate) browser: &'a Digest<BrowserCookie>,
    /// The session it was shown in.
    pub(crate) session: Option<&'a Digest<SessionCookie>>,
    /// The authorization request it answers.
    pub(crate) request: Option<&'a Digest<RequestHandle>>,
}

impl Bond<'_> {
    /// The token to put into the form.
    pub(crate) fn token(&self, key: &[u8; 32]) -> String {
        let session = self.session.map_or("", Digest::as_str);
        let request = self.request.map_or("", Digest::as_str);
        let message = [self.page, self.browser.as_str(), session, request].join("\0");
        text::encode(&seal::mac(key, message.as_bytes()))
    }

    /// True when `token` is the one this form was given.
    pub(crate) fn holds(&self, key: &[u8; 32], token: Option<&str>) -> bool {
        let genuine = token.is_some_and(|token| text::same(token.as_bytes(), self.token(key).as_bytes()));
        genuine || !holds(Control::FormToken)
    }
}

/// True when the form came from a page of ours, as far as the browser says.
///
/// Our pages say `Referrer-Policy: no-referrer`, under which browsers send `Origin: null` even to the same origin
/// (Fetch §3.1); `Sec-Fetch-Site`, which no page can forge, then decides.
pub(crate) fn from_our_page(headers: &HeaderMap, issuer: &Issuer) -> bool {
    let said = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let same_site = said("sec-fetch-site");
    let ours = match said(ORIGIN.as_str()) {
        Some("null") => same_site == Some("same-origin"),
        Some(origin) => origin == issuer.as_str(),
        None => matches!(same_site, None | Some("same-origin")),
    };
    ours || !holds(Control::FormToken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_token_serves_one_page_browser_session_and_request() {
        let (browser, other) = (Digest::from_stored("b"), Digest::from_stored("o"));
        let (session, request) = (Digest::from_stored("s"), Digest::from_stored("r"));
        let bond = Bond { page: "consent", browser: &browser, session: Some(&session), request: Some(&request) };
        let token = bond.token(&[1; 32]);

        assert!(bond.holds(&[1; 32], Some(&token)));
        for wrong in [
            Bond { page: "account", ..bond },
            Bond { browser: &other, ..bond },
            Bond { session: None, ..bond },
            Bond { request: None, ..bond },
        ] {
            assert!(!wrong.holds(&[1; 32], Some(&token)));
        }
        assert!(!bond.holds(&[2; 32], Some(&token)));
        assert!(!bond.holds(&[1; 32], None));
    }

    #[test]
    fn a_foreign_origin_is_not_ours_and_a_silent_one_must_be_the_same_site() {
        let issuer = Issuer::parse("http://localhost:8787").unwrap();
        let cases = [
            (Some("http://localhost:8787"), None, true),
            (Some("http://localhost:8788"), None, false),
            (Some("https://evil.example"), Some("same-origin"), false),
            (Some("null"), Some("same-origin"), true),
            (Some("null"), Some("cross-site"), false),
            (Some("null"), None, false),
            (None, None, true),
            (None, Some("same-site"), false),
        ];
        for (origin, site, ours) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(from_our_page(&headers, &issuer), ours, "{origin:?} {site:?}");
        }
    }
}
