//! What a login provider tells us unasked, signed by it: logout tokens and security events.

use std::sync::atomic::{AtomicU32, Ordering};

use bailiwick_domain::time::Clock as _;
use bailiwick_net::Http;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::forge::Now;
use crate::identity_provider::{CLIENT, IdentityProvider};

const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
pub const SESSION_REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/// A name that no other signal of this test run has.
fn jti() -> String {
    static LAST: AtomicU32 = AtomicU32::new(0);
    format!("signal-{}", LAST.fetch_add(1, Ordering::Relaxed))
}

/// The claims of a logout token about `subject`.
pub fn logout(provider: &IdentityProvider, subject: &str) -> Value {
    let now = Now.now().seconds();
    json!({ "iss": provider.issuer, "aud": CLIENT, "sub": subject, "iat": now, "exp": now + 120, "jti": jti(), "events": { LOGOUT: {} } })
}

/// The claims of a security event about `subject`.
pub fn revoked(provider: &IdentityProvider, subject: &str) -> Value {
    let about = json!({ "format": "iss_sub", "iss": provider.issuer, "sub": subject });
    let event = json!({ "event_timestamp": Now.now().seconds(), "initiating_entity": "policy" });
    json!({ "iss": provider.issuer, "aud": CLIENT, "iat": Now.now().seconds(), "jti": jti(), "sub_id": about, "events": { SESSION_REVOKED: event } })
}

/// Sends a logout token, as the provider does.
pub async fn send_logout(base: &str, token: &str) -> (StatusCode, Value) {
    let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", token).finish();
    post(&format!("{base}/login/corp/backchannel"), "application/x-www-form-urlencoded", body).await
}

/// Pushes a security event (RFC 8935).
pub async fn push(base: &str, token: &str) -> (StatusCode, Value) {
    post(&format!("{base}/login/corp/events"), "application/secevent+jwt", token.to_owned()).await
}

/// Posts something.
pub async fn post(url: &str, kind: &str, body: String) -> (StatusCode, Value) {
    let request = Request::post(url).header(header::CONTENT_TYPE, kind).header(header::ACCEPT, "application/json");
    let (parts, body) = Http::new().fetch(request.body(Full::new(Bytes::from(body))).unwrap(), 1 << 20).await.unwrap();
    (parts.status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}
