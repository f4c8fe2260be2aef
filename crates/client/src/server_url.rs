//! The address of the MCP server a person named, and the rule which addresses may be used at all.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// The URL of an MCP server: https, or http on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl(Url);

/// Why a URL cannot name a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// No URL at all.
    #[error("this is not a URL; write it like https://mcp.example.com/mcp")]
    NotUrl,
    /// A token sent there could be read on the way.
    #[error("only https is safe for tokens (http is accepted for localhost alone)")]
    NotSafe,
    /// A user name, password or fragment.
    #[error("leave user name, password and #fragment out of the URL")]
    Decorated,
}

impl ServerUrl {
    /// Reads what a person typed.
    pub fn parse(raw: &str) -> Result<Self, ServerUrlError> {
        let url = Url::parse(raw.trim()).map_err(|_| ServerUrlError::NotUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ServerUrlError::NotUrl);
        }
        if !is_plain(&url) {
            return Err(ServerUrlError::Decorated);
        }
        if !is_safe(&url) {
            return Err(ServerUrlError::NotSafe);
        }
        Ok(Self(url))
    }

    /// The canonical text: no slash after a bare origin.
    pub fn as_str(&self) -> &str {
        let text = self.0.as_str();
        if self.0.path() == "/" && self.0.query().is_none() { text.trim_end_matches('/') } else { text }
    }

    /// The URL to send requests to.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// True when `resource`, as a metadata document spells it, names this server: the same URL, or the URL this
    /// server lies below (RFC 9728 §3.3; a document at the root names the whole origin).
    pub fn answers_to(&self, resource: &str) -> bool {
        let Ok(resource) = Url::parse(resource) else {
            return false;
        };
        if !is_plain(&resource) || resource.origin() != self.0.origin() {
            return false;
        }
        if resource.query().is_some() && resource.query() != self.0.query() {
            return false;
        }
        let above = resource.path().trim_end_matches('/');
        self.0.path().strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        Self::parse(raw)
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads a URL that a server told us, to fetch it or to open it: https, or http on this machine, and nothing that a
/// shell, a browser or a log could stumble over.
pub fn endpoint(raw: &str) -> Option<Url> {
    let url = Url::parse(raw).ok()?;
    (raw.len() <= 8192 && is_plain(&url) && is_safe(&url)).then_some(url)
}

fn is_plain(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}

fn is_safe(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost" || name.ends_with(".localhost"),
        ("http", Some(Host::Ipv4(ip))) => ip.is_loopback(),
        ("http", Some(Host::Ipv6(ip))) => ip.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_safe_for_tokens_are_taken() {
        for (raw, expected) in [
            ("https://mcp.example.com/mcp", Ok("https://mcp.example.com/mcp")),
            ("http://localhost:8787/mcp", Ok("http://localhost:8787/mcp")),
            ("HTTPS://MCP.example.com", Ok("https://mcp.example.com")),
            ("http://[::1]:9/mcp", Ok("http://[::1]:9/mcp")),
            ("http://mcp.example.com/mcp", Err(ServerUrlError::NotSafe)),
            ("http://localhost.evil.example/", Err(ServerUrlError::NotSafe)),
            ("https://user@mcp.example.com/", Err(ServerUrlError::Decorated)),
            ("https://mcp.example.com/#x", Err(ServerUrlError::Decorated)),
            ("localhost:8787/mcp", Err(ServerUrlError::NotUrl)),
            ("javascript:alert(1)", Err(ServerUrlError::NotUrl)),
        ] {
            let parsed = ServerUrl::parse(raw);
            assert_eq!(parsed.as_ref().map(ServerUrl::as_str).map_err(|e| *e), expected, "{raw}");
        }
    }

    #[test]
    fn a_resource_is_the_server_or_what_it_lies_below() {
        let server = ServerUrl::parse("https://h.example/mcp/notes").unwrap();
        for (resource, expected) in [
            ("https://h.example/mcp/notes", true),
            ("https://h.example/mcp/notes/", true),
            ("HTTPS://H.example:443/mcp", true),
            ("https://h.example", true),
            ("https://h.example/mcp/note", false),
            ("https://h.example/mcp/notes/deeper", false),
            ("https://evil.example/mcp/notes", false),
            ("http://h.example/mcp/notes", false),
            ("https://h.example/mcp/notes#x", false),
            ("https://u@h.example/mcp/notes", false),
            ("not a url", false),
        ] {
            assert_eq!(server.answers_to(resource), expected, "{resource}");
        }
    }
}
