//! The issuer: one canonical public origin, from the configuration, byte-identical wherever it is shown.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Resource, ServerName};

/// An issuer identifier (RFC 8414 §2): an origin without path, query or fragment; `https`, or `http` on loopback.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Issuer(String);

impl Issuer {
    /// Reads a public URL from the configuration; a trailing slash is dropped once, here.
    ///
    /// # Errors
    /// A sentence that says what to change.
    pub fn parse(raw: &str) -> Result<Self, &'static str> {
        let url = Url::parse(raw).map_err(|_| "public_url is not a URL, such as https://mcp.example.com")?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("public_url must be an origin: no path, query or fragment");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("public_url must not carry a user name or password");
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return Err("public_url must be https, or http on localhost, 127.0.0.1 or [::1]"),
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// The text, as in metadata, `iss` and tokens.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True when the origin is plain http on this machine.
    pub fn is_loopback(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| is_loopback(&url))
    }

    /// True when the origin is https: cookies are then `__Host-` and `Secure`.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// `host[:port]`, what a request's `Host` must say.
    pub fn authority(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, rest)| rest)
    }

    /// A URL below this origin; `path` begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The resource of the server of that name; without a name, the one at `/mcp` itself.
    pub fn resource(&self, server: Option<&ServerName>) -> Resource {
        Resource::of(self, server)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// True for `localhost` and names below it, `127.0.0.0/8` and `::1`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_byte_for_byte() {
        let issuer = Issuer::parse("https://mcp.example.com/").unwrap();

        assert_eq!(issuer.as_str(), "https://mcp.example.com");
        assert_eq!(issuer.authority(), "mcp.example.com");
        assert!(issuer.is_https() && !issuer.is_loopback());
        assert_eq!(issuer.resource(ServerName::parse("notes").as_ref()).as_str(), "https://mcp.example.com/mcp/notes");
        assert_eq!(
            issuer.resource(None).metadata_url(),
            "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"
        );
    }

    #[test]
    fn paths_plain_http_and_credentials_are_refused() {
        for raw in [
            "http://mcp.example.com",
            "https://a.example/x",
            "https://a.example?x",
            "https://u:p@a.example",
            "ftp://a",
            "a",
        ] {
            assert!(Issuer::parse(raw).is_err(), "{raw}");
        }
        for raw in ["http://localhost:8787", "http://127.0.0.1:8787", "http://[::1]:8787"] {
            assert!(Issuer::parse(raw).unwrap().is_loopback(), "{raw}");
        }
    }
}
