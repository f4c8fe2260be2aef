//! A collector of OpenTelemetry logs (OTLP/HTTP with JSON).

use bailiwick_net::Http;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;

/// The longest answer that is read.
const MOST_ANSWER: usize = 1024 * 1024;

/// Sends one request; the inner error may pass, the outer one not.
pub(super) async fn post(http: &Http, url: &str, body: &str) -> Result<Result<(), String>, String> {
    let request = Request::post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.to_owned())))
        .map_err(|error| format!("{url:?} is not a URL to send to: {error}"))?;
    let (parts, answer) = match http.fetch(request, MOST_ANSWER).await {
        Ok(answered) => answered,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let passing = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    if parts.status.is_success() {
        warn_of_rejected(&answer);
        return Ok(Ok(()));
    }
    let says = format!("the collector answered {}", parts.status);
    if passing.contains(&parts.status) { Ok(Err(says)) } else { Err(says) }
}

/// A collector may take a request and not all that is in it; sending it again would not help.
fn warn_of_rejected(answer: &[u8]) {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let partial = answer.get("partialSuccess");
    // 64-bit numbers are text in OTLP/JSON.
    let rejected = partial.and_then(|partial| partial.get("rejectedLogRecords"));
    let rejected = rejected.map(|count| count.to_string().replace('"', "")).unwrap_or_default();
    if !matches!(rejected.as_str(), "" | "0") {
        let why = partial.and_then(|partial| partial.get("errorMessage")).and_then(Value::as_str).unwrap_or("-");
        eprintln!("bailiwick: the collector rejected {rejected} entries: {why}");
    }
}
