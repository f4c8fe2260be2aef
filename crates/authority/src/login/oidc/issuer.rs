//! Whom people sign in at: one issuer, compared letter for letter wherever it is named.

use std::fmt;

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::uri::is_loopback;
use url::Url;

/// An upstream issuer, as configured: `https`, or `http` on this machine; without query, fragment or credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamIssuer(String);

impl UpstreamIssuer {
    /// Reads an issuer; the text is kept as it is, because the provider repeats it as it is.
    ///
    /// # Errors
    /// A sentence that says what to change.
    pub fn parse(raw: &str) -> Result<Self, &'static str> {
        let url = Url::parse(raw).map_err(|_| "issuer is not a URL, such as https://login.example.com")?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err("issuer must have no query and no fragment");
        }
        if reachable(&url) { Ok(Self(raw.to_owned())) } else { Err("issuer must be https, or http on this machine") }
    }

    /// True when `said` is this issuer (OpenID Connect Discovery §4.3, RFC 9207 §2.4): no slash, letter or port may
    /// differ, because a look-alike differs in nothing more.
    pub(super) fn is(&self, said: &str) -> bool {
        self.0 == said || !holds(Control::LoginIssuer)
    }

    /// Where it describes itself (OpenID Connect Discovery §4.1).
    pub(super) fn discovery(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.0.trim_end_matches('/'))
    }

    /// An endpoint it names: as safe to reach as the issuer itself.
    pub(super) fn endpoint(&self, raw: &str) -> Option<Url> {
        let url = Url::parse(raw).ok().filter(reachable)?;
        let as_safe = url.scheme() == "https" || self.0.starts_with("http:");
        (as_safe && url.fragment().is_none()).then_some(url)
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UpstreamIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// True for `https`, and for plain `http` on this machine, where nobody listens in.
fn reachable(url: &Url) -> bool {
    let bare = url.username().is_empty() && url.password().is_none() && url.host().is_some();
    bare && (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_itself_and_nothing_that_looks_like_it() {
        let issuer = UpstreamIssuer::parse("https://login.example.com/realms/dev").unwrap();

        assert!(issuer.is("https://login.example.com/realms/dev"));
        for lookalike in [
            "https://login.example.com/realms/dev/",
            "https://login.example.com:443/realms/dev",
            "https://LOGIN.example.com/realms/dev",
            "http://login.example.com/realms/dev",
            "https://login.example.com.evil.example/realms/dev",
            "",
        ] {
            assert!(!issuer.is(lookalike), "{lookalike}");
        }
        assert_eq!(issuer.discovery(), "https://login.example.com/realms/dev/.well-known/openid-configuration");
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for raw in ["https://a.example", "https://a.example/", "http://127.0.0.1:9/x", "http://localhost:3"] {
            assert!(UpstreamIssuer::parse(raw).is_ok(), "{raw}");
        }
        for raw in
            ["http://a.example", "ftp://a", "a", "https://u:p@a.example", "https://a.example?x", "http://10.0.0.1"]
        {
            assert!(UpstreamIssuer::parse(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn an_https_issuer_names_no_plain_endpoint() {
        let far = UpstreamIssuer::parse("https://a.example").unwrap();
        let near = UpstreamIssuer::parse("http://localhost:3").unwrap();

        assert!(far.endpoint("https://keys.example/jwks").is_some());
        assert!(far.endpoint("http://localhost:3/jwks").is_none());
        assert!(far.endpoint("https://keys.example/jwks#x").is_none());
        assert!(near.endpoint("http://localhost:3/jwks").is_some());
    }
}
