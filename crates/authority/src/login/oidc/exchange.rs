//! The back channel: a document, the exchange of the code, and userinfo where the ID token is silent. Tokens of the
//! provider live for the length of one call and are dropped.

use bailiwick_domain::jose;
use bailiwick_domain::pkce::Verifier;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use super::MOST_BYTES;
use super::claims::said_by;
use super::discovery::Metadata;
use super::id_token::Claims;
use super::provider::Provider;
use crate::login::UpstreamError;

/// What the token endpoint gave.
pub(super) struct Tokens {
    pub(super) id_token: Zeroizing<String>,
    access_token: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Answer {
    id_token: String,
    #[serde(default)]
    access_token: String,
}

/// What is redeemed.
pub(super) struct Redeem<'a> {
    pub(super) code: &'a str,
    pub(super) verifier: &'a Verifier,
    pub(super) callback: &'a str,
}

impl Tokens {
    fn read(json: &[u8]) -> Result<Self, UpstreamError> {
        let answer: Answer = serde_json::from_slice(json).map_err(|_| UpstreamError::Document("token answer"))?;
        Ok(Self { id_token: Zeroizing::new(answer.id_token), access_token: Zeroizing::new(answer.access_token) })
    }
}

impl Provider {
    /// Fetches a document; only 200 is an answer, and no redirect is followed.
    pub(super) async fn document(
        &self,
        url: &str,
        bearer: Option<&str>,
        what: &'static str,
    ) -> Result<Vec<u8>, UpstreamError> {
        let mut request = Request::get(url).header(ACCEPT, "application/json");
        if let Some(token) = bearer {
            request =
                request.header(AUTHORIZATION, secret(&format!("Bearer {token}")).ok_or(UpstreamError::Document(what))?);
        }
        let request = request.body(Full::default()).map_err(|_| UpstreamError::Document(what))?;
        let (head, body) = self.http.fetch(request, MOST_BYTES).await?;
        if head.status == StatusCode::OK { Ok(body.to_vec()) } else { Err(UpstreamError::Document(what)) }
    }

    /// Redeems a code (RFC 6749 §4.1.3, RFC 7636 §4.5).
    pub(super) async fn redeem(&self, metadata: &Metadata, redeem: &Redeem<'_>) -> Result<Tokens, UpstreamError> {
        let in_header = !metadata.secret_in_form;
        let header = match &self.settings.client_secret {
            Some(key) if in_header => {
                Some(basic(&self.settings.client_id, key).ok_or(UpstreamError::Document("client secret"))?)
            }
            Some(_) | None => None,
        };
        let form = self.form(redeem, header.is_none());
        let mut request = Request::post(metadata.token.as_str())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(header) = header {
            request = request.header(AUTHORIZATION, header);
        }
        let request = request.body(Full::from(form)).map_err(|_| UpstreamError::Document("token endpoint"))?;
        let (head, body) = self.http.fetch(request, MOST_BYTES).await?;
        match head.status {
            StatusCode::OK => Tokens::read(&body),
            status if status.is_client_error() => Err(UpstreamError::Refused),
            _ => Err(UpstreamError::Document("token answer")),
        }
    }

    /// The form, with the client in it when no header names it.
    fn form(&self, redeem: &Redeem<'_>, with_client: bool) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code");
        form.append_pair("code", redeem.code);
        form.append_pair("redirect_uri", redeem.callback);
        form.append_pair("code_verifier", redeem.verifier.expose());
        if with_client {
            form.append_pair("client_id", &self.settings.client_id);
            if let Some(key) = &self.settings.client_secret {
                form.append_pair("client_secret", key);
            }
        }
        form.finish()
    }

    /// What is known of the person: the ID token, and userinfo where that says nothing of groups.
    pub(super) async fn describe(
        &self,
        metadata: &Metadata,
        claims: &Claims,
        tokens: &Tokens,
    ) -> Result<Map<String, Value>, UpstreamError> {
        let known = claims.all().clone();
        let (Some(url), false) = (&metadata.userinfo, known.contains_key(&self.settings.groups_claim)) else {
            return Ok(known);
        };
        let json = self.document(url.as_str(), Some(&tokens.access_token), "userinfo").await?;
        let Ok(Value::Object(more)) = jose::read(&json) else { return Err(UpstreamError::Document("userinfo")) };
        // OpenID Connect Core §5.3.2: another subject means that the token was swapped.
        if more.get("sub").and_then(Value::as_str) != claims.subject() {
            return Err(UpstreamError::Document("userinfo"));
        }
        Ok(said_by(known, more))
    }
}

/// `client_secret_basic`: both halves urlencoded first (RFC 6749 §2.3.1).
fn basic(client_id: &str, key: &str) -> Option<HeaderValue> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encoded(client_id), encoded(key)));
    secret(&format!("Basic {}", STANDARD.encode(pair.as_bytes())))
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}
