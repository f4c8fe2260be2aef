//! OpenID Connect Back-Channel Logout 1.0: a person signed out at the provider, and is signed out here.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bailiwick_domain::control::{Control, holds};
use bailiwick_store::SignalEnd;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde_json::json;

use super::signal::{Expected, Said, SignalError, signed};
use crate::authority::Authority;
use crate::form::{Form, FormError};
use crate::refuse::uncached;
use crate::visit::Visit;

/// What makes a token one of logout (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How long ago a logout token may have been made.
const OLDEST: Duration = Duration::from_mins(10);

/// `POST /login/{provider}/backchannel`.
pub(crate) async fn receive(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    Path(name): Path<String>,
    form: Result<Form, FormError>,
) -> Response {
    match received(&authority, &visit, &name, form).await {
        Ok(()) => (StatusCode::OK, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response(),
        Err(error) => {
            tracing::warn!(provider = name, correlation = %visit.correlation, %error, "a logout was refused");
            let body = json!({ "error": "invalid_request", "error_description": error.to_string() });
            uncached(error.status(), &body)
        }
    }
}

async fn received(
    authority: &Authority,
    visit: &Visit,
    name: &str,
    form: Result<Form, FormError>,
) -> Result<(), SignalError> {
    let provider = authority.providers.load().oidc(name).ok_or(SignalError::Off)?;
    if !provider.settings.signals.backchannel {
        return Err(SignalError::Off);
    }
    let unreadable = |_| SignalError::Request("the form cannot be read");
    let form = form.and_then(|form| form.once(&[])).map_err(unreadable)?;
    let raw = form.one("logout_token").ok_or(SignalError::Request("logout_token is missing"))?;
    let (typ, said) = signed(&provider, raw, visit.now).await?;
    let expected =
        Expected { provider: &provider, audience: &provider.settings.client_id, now: visit.now, oldest: OLDEST };
    match check(&typ, &said, &expected) {
        Err(error) if holds(Control::LogoutToken) => return Err(error),
        Err(_) | Ok(()) => {}
    }
    let ends = SignalEnd::Browsers { subject: said.id("sub"), session: said.id("sid") };
    expected.take(authority, visit, &said, ends).await
}

/// Everything that makes a signed token a logout token of this provider, for us (§2.6). An ID token is none: it has a
/// nonce, and no event.
fn check(typ: &str, said: &Said, expected: &Expected<'_>) -> Result<(), SignalError> {
    if !matches!(typ, "" | "jwt" | "logout+jwt") {
        return Err(SignalError::Claims("its typ is not that of a logout token"));
    }
    said.check(expected)?;
    if said.event(EVENT).is_none() {
        return Err(SignalError::Claims("it names no event of logout"));
    }
    if said.0.contains_key("nonce") {
        return Err(SignalError::Claims("a logout token has no nonce"));
    }
    let usable = |claim: &str| !said.0.contains_key(claim) || said.id(claim).is_some();
    if !usable("sub") || !usable("sid") || (said.id("sub").is_none() && said.id("sid").is_none()) {
        return Err(SignalError::Claims("it names neither a subject nor a session"));
    }
    Ok(())
}
