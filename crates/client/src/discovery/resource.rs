//! The protected resource's own metadata (RFC 9728).

use bailiwick_domain::scope::{Scope, ScopeSet};
use bailiwick_domain::text::presentable;
use bailiwick_net::Http;
use serde::Deserialize;
use url::Url;

use super::DiscoveryError;
use crate::ask;
use crate::challenge::Challenge;
use crate::server_url::{ServerUrl, endpoint};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedResource {
    /// Its identifier, byte for byte what `resource` parameters must say.
    pub resource: String,
    /// The issuers it trusts, in its order.
    pub issuers: Vec<String>,
    /// The scopes it suggests.
    pub scopes: ScopeSet,
    /// Its name for people.
    pub name: Option<String>,
}

#[derive(Deserialize)]
struct Raw {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    resource_name: Option<String>,
}

impl ProtectedResource {
    /// Finds the metadata of `server`: where its challenge points, else below its path, else at its root. `None` when
    /// it publishes none.
    ///
    /// # Errors
    /// A document that describes another server ends the search.
    pub async fn find(
        http: &Http,
        server: &ServerUrl,
        challenge: Option<&Challenge>,
    ) -> Result<Option<Self>, DiscoveryError> {
        if let Some(raw) = challenge.and_then(|challenge| challenge.resource_metadata.as_deref()) {
            let url = endpoint(raw).ok_or_else(|| DiscoveryError::UnsafeUrl(presentable(raw, 200)))?;
            let reply = ask::document(http, &url).await?;
            let reason = if reply.status.is_success() { "it is not an RFC 9728 document" } else { "it is not there" };
            let found = reply.status.is_success().then(|| Self::read(&reply.body)).flatten();
            let found = found.ok_or_else(|| DiscoveryError::NoResource { url: url.to_string(), reason })?;
            return found.meant_for(server, &url).map(Some);
        }
        for url in places(server) {
            let reply = ask::document(http, &url).await?;
            if let Some(found) = reply.status.is_success().then(|| Self::read(&reply.body)).flatten() {
                return found.meant_for(server, &url).map(Some);
            }
        }
        Ok(None)
    }

    /// What is assumed of a server of 2025-03-26, which publishes nothing: its own origin is its issuer.
    pub(crate) fn assumed(server: &ServerUrl) -> Self {
        Self {
            resource: server.as_str().to_owned(),
            issuers: vec![server.url().origin().ascii_serialization()],
            scopes: ScopeSet::default(),
            name: None,
        }
    }

    fn read(body: &[u8]) -> Option<Self> {
        let raw: Raw = serde_json::from_slice(body).ok()?;
        Some(Self {
            resource: raw.resource,
            issuers: raw.authorization_servers,
            scopes: raw.scopes_supported.iter().filter_map(|scope| Scope::parse(scope)).take(64).collect(),
            name: raw.resource_name.map(|name| presentable(&name, 80)).filter(|name| !name.is_empty()),
        })
    }

    fn meant_for(self, server: &ServerUrl, url: &Url) -> Result<Self, DiscoveryError> {
        if !server.answers_to(&self.resource) {
            let resource = presentable(&self.resource, 200);
            return Err(DiscoveryError::WrongResource { url: url.to_string(), resource });
        }
        if self.issuers.is_empty() {
            return Err(DiscoveryError::NoResource {
                url: url.to_string(),
                reason: "it names no authorization server",
            });
        }
        Ok(self)
    }
}

/// The well-known places (RFC 9728 §3.1): the path's own, then the root's.
fn places(server: &ServerUrl) -> Vec<Url> {
    let mut places = Vec::new();
    let path = server.url().path().trim_end_matches('/');
    if !path.is_empty() || server.url().query().is_some() {
        let mut url = server.url().clone();
        url.set_path(&format!("{WELL_KNOWN}{path}"));
        places.push(url);
    }
    let mut root = server.url().clone();
    root.set_path(WELL_KNOWN);
    root.set_query(None);
    places.push(root);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(raw: &str) -> ServerUrl {
        ServerUrl::parse(raw).unwrap()
    }

    #[test]
    fn the_path_comes_before_the_root() {
        let texts = |raw| places(&server(raw)).iter().map(Url::to_string).collect::<Vec<_>>();

        assert_eq!(
            texts("https://h.example/mcp/notes"),
            [
                "https://h.example/.well-known/oauth-protected-resource/mcp/notes",
                "https://h.example/.well-known/oauth-protected-resource",
            ]
        );
        assert_eq!(texts("https://h.example/"), ["https://h.example/.well-known/oauth-protected-resource"]);
    }

    #[test]
    fn metadata_of_another_server_is_not_used() {
        let body = br#"{"resource":"https://evil.example/mcp","authorization_servers":["https://as.example"]}"#;
        let read = ProtectedResource::read(body).unwrap();

        let outcome = read.meant_for(&server("https://h.example/mcp"), &Url::parse("https://h.example/").unwrap());

        assert!(matches!(outcome, Err(DiscoveryError::WrongResource { .. })), "{outcome:?}");
    }

    #[test]
    fn a_scope_that_is_none_is_left_out() {
        let body = br#"{"resource":"https://h.example","authorization_servers":["https://as.example"],
            "scopes_supported":["a","not a scope","b"],"resource_name":"Notes\u0000"}"#;

        let read = ProtectedResource::read(body).unwrap();

        assert_eq!(read.scopes.to_string(), "a b");
        assert_eq!(read.name.as_deref(), Some("Notes"));
    }
}
