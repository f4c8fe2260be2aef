//! The entrance every request comes through: here it gets the id by which log, audit and answer know it.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use bailiwick_domain::ids::CorrelationId;
use tracing::Instrument as _;

use crate::metrics;
use crate::wire::SystemEntropy;

/// The header in which an answer names its correlation id.
const HEADER: HeaderName = HeaderName::from_static("x-correlation-id");

/// Puts the entrance before these routes.
pub(crate) fn before(routes: Router) -> Router {
    routes.layer(from_fn(follow))
}

async fn follow(mut request: Request, next: Next) -> Response {
    let correlation = CorrelationId::draw(&SystemEntropy);
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = matched.as_deref().unwrap_or("none");
    // Neither path nor query are logged: they can hold what somebody may not see.
    let span = tracing::info_span!("request", %correlation, method = %request.method(), route);
    request.extensions_mut().insert(correlation.clone());
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    if let Ok(value) = HeaderValue::from_str(correlation.as_str()) {
        response.headers_mut().insert(HEADER, value);
    }
    span.in_scope(|| {
        if matched.is_none() || status.is_server_error() {
            tracing::info!(status = status.as_u16(), "answered");
        } else {
            tracing::debug!(status = status.as_u16(), "answered");
        }
    });
    metrics::answered(route, status);
    response
}
