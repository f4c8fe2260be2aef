//! Security events (RFC 8417), pushed to us (RFC 8935): of those that Shared Signals and CAEP know, `session-revoked`
//! ends every browser and every grant of a person. Others are heard out and change nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::jose::MOST_BYTES;
use bailiwick_store::SignalEnd;
use http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::signal::{Expected, Said, SignalError, signed, usable};
use crate::authority::Authority;
use crate::refuse::uncached;
use crate::visit::Visit;

/// CAEP 1.0 §3.1.
const SESSION_REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
/// How an event is sent, and the class of its token (RFC 8417 §2.3, RFC 8935 §2.1).
const KIND: &str = "secevent+jwt";
/// How long ago an event may have been made: whoever could not reach us tries for a while.
const OLDEST: Duration = Duration::from_hours(24);

/// `POST /login/{provider}/events`.
pub(crate) async fn receive(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    match received(&authority, &visit, &name, request.into_body()).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(error) => {
            tracing::warn!(provider = name, correlation = %visit.correlation, %error, "an event was refused");
            let body = json!({ "err": code(&error), "description": error.to_string() });
            let mut response = uncached(error.status(), &body);
            response.headers_mut().insert(CONTENT_LANGUAGE, HeaderValue::from_static("en"));
            response
        }
    }
}

async fn received(authority: &Authority, visit: &Visit, name: &str, body: Body) -> Result<(), SignalError> {
    let provider = authority.providers.load().oidc(name).ok_or(SignalError::Off)?;
    let settings = &provider.settings;
    if !settings.signals.events {
        return Err(SignalError::Off);
    }
    if !is_event(&visit.headers) {
        return Err(SignalError::Request("the body must be application/secevent+jwt"));
    }
    let raw = to_bytes(body, MOST_BYTES).await.map_err(|_| SignalError::Request("the body is too long or cut off"))?;
    let raw = std::str::from_utf8(&raw).map_err(|_| SignalError::Request("the body is no token"))?;
    let (typ, said) = signed(&provider, raw, visit.now).await?;
    let audience = settings.signals.events_audience.as_ref().unwrap_or(&settings.client_id);
    let expected = Expected { provider: &provider, audience, now: visit.now, oldest: OLDEST };
    match check(&typ, &said, &expected) {
        Err(error) if holds(Control::SecurityEvent) => return Err(error),
        Err(_) | Ok(()) => {}
    }
    let Some(event) = said.event(SESSION_REVOKED) else { return Ok(()) };
    let subject = subject(&said, event, provider.settings.issuer.as_str())?;
    expected.take(authority, visit, &said, SignalEnd::Everything { subject }).await
}

fn check(typ: &str, said: &Said, expected: &Expected<'_>) -> Result<(), SignalError> {
    if typ != KIND {
        return Err(SignalError::Claims("its typ is not secevent+jwt"));
    }
    if !said.0.get("events").is_some_and(Value::is_object) {
        return Err(SignalError::Claims("it names no event"));
    }
    said.check(expected)
}

/// Whom an event is about: an account at the issuer (RFC 9493 §3.2.3), named once for all events (`sub_id`) or, as
/// before Shared Signals 1.0, in the event.
fn subject(said: &Said, event: &Map<String, Value>, issuer: &str) -> Result<String, SignalError> {
    let named = said.0.get("sub_id").or_else(|| event.get("subject")).and_then(Value::as_object);
    let named = named.ok_or(SignalError::Claims("it names no subject"))?;
    let text = |member: &str| named.get(member).and_then(Value::as_str);
    if text("format").or_else(|| text("subject_type")) != Some("iss_sub") {
        return Err(SignalError::Claims("only a subject of the format iss_sub is understood here"));
    }
    if text("iss") != Some(issuer) {
        return Err(SignalError::Claims("the subject is of another issuer"));
    }
    text("sub").and_then(usable).ok_or(SignalError::Claims("the subject has no usable sub"))
}

fn is_event(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    kind.strip_prefix("application/") == Some(KIND)
}

/// The error in the words of RFC 8935 §2.4.
fn code(error: &SignalError) -> &'static str {
    match error {
        SignalError::Signature(_) => "invalid_key",
        SignalError::Issuer => "invalid_issuer",
        SignalError::Audience => "invalid_audience",
        SignalError::Off => "access_denied",
        SignalError::Request(_) | SignalError::Claims(_) | SignalError::Provider(_) | SignalError::Store(_) => {
            "invalid_request"
        }
    }
}
