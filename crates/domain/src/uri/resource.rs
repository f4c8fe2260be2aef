//! The resource: one MCP server as RFC 8707 names it, and the audience of every token for it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::Issuer;

/// The name of a server in the configuration: `[a-z0-9-]+`, at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ServerName(String);

impl ServerName {
    /// Reads a name.
    pub fn parse(raw: &str) -> Option<Self> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (!raw.is_empty() && raw.len() <= 64 && raw.bytes().all(fits)).then(|| Self(raw.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ServerName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(deserializer)?;
        Self::parse(&raw).ok_or_else(|| serde::de::Error::custom("a server's name is made of a-z, 0-9 and -"))
    }
}

/// A protected resource (RFC 8707 §2, RFC 9728 §1.2): `{public_url}/mcp` or `{public_url}/mcp/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Resource(String);

impl Resource {
    /// The resource of one of our servers.
    pub(super) fn of(issuer: &Issuer, server: Option<&ServerName>) -> Self {
        Self(server.map_or_else(|| issuer.join("/mcp"), |name| issuer.join(&format!("/mcp/{name}"))))
    }

    /// Reads a `resource` parameter: absolute, http(s), no fragment, no user name. Upper-case scheme and host and a
    /// default port are forgiven; nothing else is normalised.
    pub fn parse(raw: &str) -> Option<Self> {
        if raw.len() > 2048 || raw.contains('#') {
            return None;
        }
        let url = Url::parse(raw).ok()?;
        let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        plain.then(|| Self(url.as_str().to_owned()))
    }

    /// Takes a resource back from where we stored it ourselves.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Takes the resource of a party elsewhere as its operator writes it, which is how that party will compare it.
    pub fn verbatim(raw: &str) -> Option<Self> {
        Self::parse(raw).map(|_| Self(raw.to_owned()))
    }

    /// True when `text` names it, also in a spelling that [`Self::parse`] forgives.
    pub fn is(&self, text: &str) -> bool {
        self.0 == text || Self::parse(text).is_some_and(|other| Self::parse(&self.0) == Some(other))
    }

    /// The text: the `aud` of its tokens.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its RFC 9728 metadata is served: `/.well-known/oauth-protected-resource` inserted before the path.
    pub fn metadata_url(&self) -> String {
        let (origin, path) = self.split();
        format!("{origin}/.well-known/oauth-protected-resource{path}")
    }

    /// Its path, such as `/mcp/notes`.
    pub fn path(&self) -> &str {
        self.split().1
    }

    fn split(&self) -> (&str, &str) {
        let authority = self.0.find("://").map_or(0, |at| at + 3);
        let slash = self.0.get(authority..).and_then(|rest| rest.find('/')).map_or(self.0.len(), |at| authority + at);
        (self.0.get(..slash).unwrap_or(""), self.0.get(slash..).unwrap_or(""))
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
