//! The door: a request for another host, or from a stranger's page, is turned away before anything else is looked at
//! (DNS rebinding). What comes through is a [`Raw`].

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::uri::Issuer;
use http::header::{ACCEPT, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method};

use crate::hosted::Hosted;
use crate::refuse::Refusal;

/// What a loopback issuer is also called.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Knows our own names.
#[derive(Debug)]
pub(crate) struct Door {
    /// `host[:port]`, each in every spelling that means us.
    authorities: Vec<String>,
    scheme: &'static str,
}

/// A request that came through the door.
#[derive(Debug)]
pub(crate) struct Raw {
    /// Whom it is for.
    pub(crate) server: Arc<Hosted>,
    /// Its head.
    pub(crate) parts: Parts,
    /// Its body, not read yet.
    pub(crate) body: Body,
}

impl Door {
    /// The door of that issuer.
    pub(crate) fn of(issuer: &Issuer) -> Self {
        let (scheme, default) = if issuer.is_https() { ("https", ":443") } else { ("http", ":80") };
        let own = issuer.authority();
        let port = own.rfind(':').filter(|at| !own.get(*at..).unwrap_or("").contains(']'));
        let port = port.and_then(|at| own.get(at..)).unwrap_or("");
        let mut authorities = vec![own.to_owned()];
        if issuer.is_loopback() {
            authorities.extend(LOOPBACK.map(|host| format!("{host}{port}")));
        }
        if port.is_empty() {
            authorities.extend(authorities.clone().into_iter().map(|host| format!("{host}{default}")));
        }
        Self { authorities, scheme }
    }

    /// Looks at where a request was sent, and from where; `server` may let more origins in.
    pub(crate) fn check(&self, headers: &HeaderMap, server: Option<&Hosted>) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        let ours = hosts.next().is_none() && host.is_some_and(|host| self.is_ours(host));
        if !ours && holds(Control::Host) {
            return Err(Refusal::Host);
        }
        let known = headers
            .get_all(ORIGIN)
            .iter()
            .all(|origin| origin.to_str().is_ok_and(|origin| self.is_own_origin(origin) || admits(server, origin)));
        if !known && holds(Control::Origin) {
            return Err(Refusal::Origin);
        }
        Ok(())
    }

    fn is_ours(&self, host: &str) -> bool {
        self.authorities.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    fn is_own_origin(&self, origin: &str) -> bool {
        origin.split_once("://").is_some_and(|(scheme, host)| scheme == self.scheme && self.is_ours(host))
    }
}

/// True when `origin` is one the server's operator named.
pub(crate) fn admits(server: Option<&Hosted>, origin: &str) -> bool {
    let named = server.map_or(&[][..], |server| &server.settings.allowed_origins);
    named.iter().any(|named| named.trim_end_matches('/').eq_ignore_ascii_case(origin))
}

/// True for a browser that was typed our URL: it wants a page, and there is none here.
pub(crate) fn is_browser(request: &Request) -> bool {
    let accepts = |kind: &str| {
        let accept = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        accept.into_iter().any(|value| value.contains(kind))
    };
    request.method() == Method::GET && accepts("text/html") && !accepts("text/event-stream")
}

#[cfg(test)]
mod tests {
    use bailiwick_domain::uri::Issuer;
    use http::HeaderMap;

    use super::Door;
    use crate::refuse::Refusal;

    fn check(issuer: &str, headers: &[(&'static str, &str)]) -> Result<(), Refusal> {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Door::of(&Issuer::parse(issuer).unwrap()).check(&headers, None)
    }

    #[test]
    fn only_our_own_host_is_served() {
        let cases = [
            ("https://mcp.example.com", "mcp.example.com", true),
            ("https://mcp.example.com", "MCP.example.com:443", true),
            ("https://mcp.example.com", "mcp.example.com:8443", false),
            ("https://mcp.example.com", "localhost", false),
            ("https://mcp.example.com", "evil.example", false),
            ("http://localhost:8787", "localhost:8787", true),
            ("http://localhost:8787", "127.0.0.1:8787", true),
            ("http://localhost:8787", "[::1]:8787", true),
            ("http://localhost:8787", "localhost:8788", false),
            ("http://localhost:8787", "evil.example:8787", false),
            ("http://[::1]", "localhost", true),
        ];
        for (issuer, host, served) in cases {
            assert_eq!(check(issuer, &[("host", host)]).is_ok(), served, "{issuer} asked as {host}");
        }
        assert!(matches!(check("https://mcp.example.com", &[]), Err(Refusal::Host)));
    }

    #[test]
    fn a_strangers_page_may_not_call() {
        let cases = [
            ("http://localhost:8787", true),
            ("http://127.0.0.1:8787", true),
            ("https://localhost:8787", false),
            ("http://localhost:9999", false),
            ("https://evil.example", false),
            ("null", false),
        ];
        for (origin, served) in cases {
            let checked = check("http://localhost:8787", &[("host", "localhost:8787"), ("origin", origin)]);
            assert_eq!(checked.is_ok(), served, "{origin}");
        }
    }
}
