//! What a provider says of itself (OpenID Connect Discovery §3), read strictly.

use bailiwick_domain::jose;
use serde_json::Value;
use url::Url;

use super::UpstreamIssuer;
use crate::login::UpstreamError;

/// Where a provider's endpoints are, and how it wants to be spoken to.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) keys: Url,
    pub(super) userinfo: Option<Url>,
    /// It puts `iss` into its answers (RFC 9207 §3), so an answer without one is not its.
    pub(super) names_itself: bool,
    /// It takes a client's secret in the form, and not in the header.
    pub(super) secret_in_form: bool,
}

impl Metadata {
    /// Reads the document that `issuer` published.
    pub(super) fn read(json: &[u8], issuer: &UpstreamIssuer) -> Result<Self, UpstreamError> {
        let document = jose::read(json).map_err(|_| UpstreamError::Document("metadata"))?;
        let text = |member: &str| document.get(member).and_then(Value::as_str);
        if !text("issuer").is_some_and(|said| issuer.is(said)) {
            return Err(UpstreamError::Issuer("metadata"));
        }
        let endpoint = |member: &'static str| {
            text(member).and_then(|raw| issuer.endpoint(raw)).ok_or(UpstreamError::Document(member))
        };
        Ok(Self {
            authorization: endpoint("authorization_endpoint")?,
            token: endpoint("token_endpoint")?,
            keys: endpoint("jwks_uri")?,
            userinfo: text("userinfo_endpoint").map(|_| endpoint("userinfo_endpoint")).transpose()?,
            names_itself: document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
            secret_in_form: secret_in_form(&document),
        })
    }
}

/// The header is the rule (OpenID Connect Discovery §3), the form is for providers that know nothing else.
fn secret_in_form(document: &Value) -> bool {
    let Some(methods) = document.get("token_endpoint_auth_methods_supported").and_then(Value::as_array) else {
        return false;
    };
    let offers = |method: &str| methods.iter().any(|offered| offered == method);
    offers("client_secret_post") && !offers("client_secret_basic")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://login.example.com";

    fn read(change: impl FnOnce(&mut Value)) -> Result<Metadata, UpstreamError> {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://login.example.com/auth?tenant=1",
            "token_endpoint": "https://login.example.com/token",
            "jwks_uri": "https://keys.example.com/jwks",
            "authorization_response_iss_parameter_supported": true,
        });
        change(&mut document);
        Metadata::read(document.to_string().as_bytes(), &UpstreamIssuer::parse(ISSUER).unwrap())
    }

    #[test]
    fn a_document_of_the_configured_issuer_is_read() {
        let metadata = read(|_| {}).unwrap();

        assert!(metadata.names_itself && !metadata.secret_in_form && metadata.userinfo.is_none());
        assert_eq!(metadata.authorization.query(), Some("tenant=1"));
        let form = read(|it| it["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"])).unwrap();
        assert!(form.secret_in_form);
    }

    #[test]
    fn a_lookalike_and_an_unsafe_endpoint_are_refused() {
        for issuer in [json!("https://login.example.com/"), json!("https://login.examp1e.com"), json!(null), json!(7)] {
            assert!(matches!(read(|it| it["issuer"] = issuer.clone()), Err(UpstreamError::Issuer(_))), "{issuer}");
        }
        for (member, value) in [
            ("token_endpoint", json!("http://login.example.com/token")),
            ("jwks_uri", json!(null)),
            ("userinfo_endpoint", json!("http://127.0.0.1/userinfo")),
            ("authorization_endpoint", json!("javascript:alert(1)")),
        ] {
            assert!(
                matches!(read(|it| it[member] = value.clone()), Err(UpstreamError::Document(_))),
                "{member} {value}"
            );
        }
    }
}
