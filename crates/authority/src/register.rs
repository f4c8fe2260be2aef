//! `/register` (RFC 7591): nothing is stored; the registration itself is sealed into the `client_id`.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::client::{AuthMethod, Registration, RegistrationError, derived_secret};
use bailiwick_domain::error::ErrorCode;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::authority::Authority;
use crate::refuse::{Refusal, too_fast, uncached};
use crate::visit::Visit;

/// The largest registration accepted, in bytes.
const MOST: usize = 64 * 1024;

/// Why a client is not registered.
#[derive(Debug, thiserror::Error)]
enum RegisterError {
    /// Not JSON, by its own word.
    #[error("the body must be application/json")]
    ContentType,
    /// Too large, or cut off.
    #[error("the body is cut off or larger than 64 KiB")]
    Body,
    /// The metadata.
    #[error(transparent)]
    Metadata(#[from] RegistrationError),
    /// A method that is switched off here.
    #[error("this token_endpoint_auth_method is not offered here")]
    Method,
}

impl RegisterError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::ContentType | Self::Body => ErrorCode::InvalidRequest,
            Self::Metadata(error) => error.code(),
            Self::Method => ErrorCode::InvalidClientMetadata,
        }
    }
}

/// `POST /register`.
pub(crate) async fn register(State(authority): State<Arc<Authority>>, visit: Visit, body: Body) -> Response {
    if let Err(wait) = authority.registrations.count(visit.peer, visit.now) {
        return too_fast(wait);
    }
    match registered(&authority, &visit, body).await {
        Ok(answer) => uncached(StatusCode::CREATED, &answer),
        Err(error) => {
            tracing::info!(correlation = %visit.correlation, %error, "a registration was refused");
            Refusal::new(error.code(), &error).into_response()
        }
    }
}

async fn registered(authority: &Authority, visit: &Visit, body: Body) -> Result<Value, RegisterError> {
    let kind = visit.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json") {
        return Err(RegisterError::ContentType);
    }
    let bytes = to_bytes(body, MOST).await.map_err(|_| RegisterError::Body)?;
    let registration = Registration::parse(&bytes)?;
    if !authority.methods.contains(&registration.auth()) {
        return Err(RegisterError::Method);
    }
    let id = registration.seal(&authority.secrets.registration, authority.entropy.as_ref(), visit.now)?;
    let secret = (registration.auth() != AuthMethod::None)
        .then(|| derived_secret(&authority.secrets.client_secret, &id).expose());
    let event = AuditEvent::new(AuditKind::ClientRegistered, visit.now).correlation(&visit.correlation).client(&id);
    // Nothing changed that could be lost: the row appears with the first consent.
    authority.store.record_later(event);
    Ok(registration.response(&id, secret.as_ref().map(|text| text.as_str()), visit.now))
}
