//! Refusals to programs: a JSON body with `error` and words that repeat nothing of what came in (RFC 6749 §5.2).

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bailiwick_domain::error::ErrorCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::json;

/// A refusal on its way out.
pub(crate) struct Refusal {
    /// The code.
    pub(crate) code: ErrorCode,
    /// The words.
    pub(crate) says: String,
    /// True when the client tried Basic, and so must be challenged (RFC 6749 §5.2).
    pub(crate) basic: bool,
}

impl Refusal {
    /// A refusal in the usual shape.
    pub(crate) fn new(code: ErrorCode, says: impl std::fmt::Display) -> Self {
        Self { code, says: says.to_string(), basic: false }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({ "error": self.code.as_str(), "error_description": self.says });
        let mut response = uncached(status, &body);
        if self.basic && status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"bailiwick\""));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// JSON that nobody may keep (RFC 6749 §5.1).
pub(crate) fn uncached(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = json_response(status, body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// JSON.
pub(crate) fn json_response(status: StatusCode, body: &impl Serialize) -> Response {
    let (status, bytes) = match serde_json::to_vec(body) {
        Ok(bytes) => (status, bytes),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, b"{\"error\":\"server_error\"}".to_vec()),
    };
    (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response()
}

/// Too fast (RFC 6585 §4).
pub(crate) fn too_fast(wait: Duration) -> Response {
    let body = json!({ "error": ErrorCode::TemporarilyUnavailable.as_str(), "error_description": "too many requests; wait and try again" });
    let mut response = uncached(StatusCode::TOO_MANY_REQUESTS, &body);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    response
}
