//! The authorization server's metadata (RFC 8414, `OpenID` Connect Discovery 1.0).

use bailiwick_domain::text::presentable;
use bailiwick_net::Http;
use serde::Deserialize;
use url::Url;

use super::DiscoveryError;
use crate::ask;
use crate::server_url::endpoint;

/// An authorization server whose document names the issuer it was fetched for and promises PKCE with S256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationServer {
    /// The issuer, byte for byte.
    pub issuer: String,
    /// Where a person is sent.
    pub authorization_endpoint: Url,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: Url,
    /// Where a client registers itself, if it may.
    pub registration_endpoint: Option<Url>,
    /// Where a token is revoked.
    pub revocation_endpoint: Option<Url>,
    /// True when every answer of `/authorize` carries `iss` (RFC 9207 §3).
    pub promises_iss: bool,
    /// How clients may authenticate; empty when it does not say.
    pub auth_methods: Vec<String>,
    /// True when `offline_access` is among its scopes.
    pub offers_offline_access: bool,
    /// True when a client may be the URL of its own description (Client ID Metadata Documents).
    pub takes_documents: bool,
}

#[derive(Deserialize)]
struct Raw {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    client_id_metadata_document_supported: bool,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

impl AuthorizationServer {
    /// Finds the metadata of `issuer`.
    ///
    /// # Errors
    /// No document, or none that may be used; the first thing wrong is told.
    pub async fn find(http: &Http, issuer: &str) -> Result<Self, DiscoveryError> {
        let url = endpoint(issuer).ok_or_else(|| DiscoveryError::UnsafeUrl(presentable(issuer, 200)))?;
        let mut wrong = None;
        for place in places(&url) {
            let reply = ask::document(http, &place).await?;
            if !reply.status.is_success() {
                continue;
            }
            match Self::read(&reply.body, issuer, &place) {
                Ok(server) => return Ok(server),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        Err(wrong.unwrap_or_else(|| DiscoveryError::NoServer(presentable(issuer, 200))))
    }

    fn read(body: &[u8], issuer: &str, place: &Url) -> Result<Self, DiscoveryError> {
        let broken = |reason| DiscoveryError::Broken { issuer: presentable(issuer, 200), reason };
        let raw: Raw = serde_json::from_slice(body).map_err(|_| broken("it is not an RFC 8414 document"))?;
        if raw.issuer != issuer {
            let (url, expected, found) = (place.to_string(), presentable(issuer, 200), presentable(&raw.issuer, 200));
            return Err(DiscoveryError::WrongIssuer { url, expected, found });
        }
        if !raw.code_challenge_methods_supported.iter().any(|method| method == "S256") {
            return Err(DiscoveryError::NoPkce(presentable(issuer, 200)));
        }
        let needed = |raw: Option<String>, reason| raw.as_deref().and_then(endpoint).ok_or_else(|| broken(reason));
        Ok(Self {
            authorization_endpoint: needed(raw.authorization_endpoint, "no safe authorization_endpoint")?,
            token_endpoint: needed(raw.token_endpoint, "no safe token_endpoint")?,
            registration_endpoint: raw.registration_endpoint.as_deref().and_then(endpoint),
            revocation_endpoint: raw.revocation_endpoint.as_deref().and_then(endpoint),
            promises_iss: raw.authorization_response_iss_parameter_supported,
            auth_methods: raw.token_endpoint_auth_methods_supported,
            takes_documents: raw.client_id_metadata_document_supported,
            offers_offline_access: raw.scopes_supported.iter().any(|scope| scope == "offline_access"),
            issuer: raw.issuer,
        })
    }
}

/// The places to look, in the order of the MCP specification: with a path, the inserted forms before the appended one.
fn places(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let mut forms = vec![
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        forms.push(format!("{path}/.well-known/openid-configuration"));
    }
    let at = |form: String| {
        let mut url = issuer.clone();
        url.set_path(&form);
        url.set_query(None);
        url
    };
    forms.into_iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"issuer":"https://as.example","authorization_endpoint":"https://as.example/authorize",
        "token_endpoint":"https://as.example/token","code_challenge_methods_supported":["S256"],
        "authorization_response_iss_parameter_supported":true}"#;

    fn read(body: &str, issuer: &str) -> Result<AuthorizationServer, DiscoveryError> {
        AuthorizationServer::read(body.as_bytes(), issuer, &Url::parse("https://as.example/x").unwrap())
    }

    #[test]
    fn an_issuer_with_a_path_is_looked_for_in_three_places() {
        let texts = |raw| places(&Url::parse(raw).unwrap()).iter().map(Url::to_string).collect::<Vec<_>>();

        assert_eq!(
            texts("https://as.example/tenant/1"),
            [
                "https://as.example/.well-known/oauth-authorization-server/tenant/1",
                "https://as.example/.well-known/openid-configuration/tenant/1",
                "https://as.example/tenant/1/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            texts("https://as.example"),
            [
                "https://as.example/.well-known/oauth-authorization-server",
                "https://as.example/.well-known/openid-configuration",
            ]
        );
    }

    #[test]
    fn the_issuer_must_be_the_same_byte_for_byte() {
        assert!(read(GOOD, "https://as.example").unwrap().promises_iss);
        for issuer in ["https://as.example/", "https://AS.example", "https://evil.example"] {
            let outcome = read(GOOD, issuer);
            assert!(matches!(outcome, Err(DiscoveryError::WrongIssuer { .. })), "{issuer}: {outcome:?}");
        }
    }

    #[test]
    fn a_server_without_s256_is_not_used() {
        for methods in
            [r#""code_challenge_methods_supported":["plain"]"#, r#""code_challenge_methods_supported":[]"#, r#""x":1"#]
        {
            let body = GOOD.replace(r#""code_challenge_methods_supported":["S256"]"#, methods);
            let outcome = read(&body, "https://as.example");
            assert!(matches!(outcome, Err(DiscoveryError::NoPkce(_))), "{methods}: {outcome:?}");
        }
    }

    #[test]
    fn endpoints_that_are_not_safe_are_not_used() {
        for bad in
            ["javascript:alert(1)", "http://as.example/authorize", "file:///etc/passwd", "https://u:p@as.example/"]
        {
            let body = GOOD.replace("https://as.example/authorize", bad);
            let outcome = read(&body, "https://as.example");
            assert!(matches!(outcome, Err(DiscoveryError::Broken { .. })), "{bad}: {outcome:?}");
        }
    }
}
