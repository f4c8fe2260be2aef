//! The requests of the OAuth half: a document fetched, a form posted.

use bailiwick_net::scrub::{Scrubber, shown_in};
use bailiwick_net::{Http, HttpError};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::request::Builder;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

/// How long a document or an answer of an OAuth endpoint may be.
const MOST: usize = 256 * 1024;
/// How we introduce ourselves to servers.
pub(crate) const AGENT: HeaderValue = HeaderValue::from_static(concat!("bailiwick/", env!("CARGO_PKG_VERSION")));

/// A status and a body, read to the end.
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

/// Begins a request to `url`.
pub(crate) fn request(method: Method, url: &Url) -> Builder {
    Request::builder().method(method).uri(url.as_str()).header(USER_AGENT, AGENT)
}

/// Finishes a request. `http` refuses only what our own callers cannot spell: URLs are parsed and headers typed.
pub(crate) fn with_body(builder: Builder, body: Vec<u8>) -> Result<Request<Full<Bytes>>, HttpError> {
    builder
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| HttpError::Broken { host: String::new(), reason: error.to_string() })
}

/// GETs a JSON document.
pub(crate) async fn document(http: &Http, url: &Url) -> Result<Reply, HttpError> {
    let builder =
        request(Method::GET, url).header(ACCEPT, "application/json").header("mcp-protocol-version", "2025-11-25");
    finish(http, with_body(builder, Vec::new())?).await
}

/// POSTs a JSON document.
pub(crate) async fn json(http: &Http, url: &Url, body: &serde_json::Value) -> Result<Reply, HttpError> {
    let builder =
        request(Method::POST, url).header(ACCEPT, "application/json").header(CONTENT_TYPE, "application/json");
    finish(http, with_body(builder, body.to_string().into_bytes())?).await
}

/// What stands in a form and is known to anybody; all else is a secret.
const KNOWN: [&str; 12] = [
    "actor_token_type",
    "audience",
    "client_assertion_type",
    "client_id",
    "grant_type",
    "redirect_uri",
    "requested_token_type",
    "requested_token_use",
    "resource",
    "scope",
    "subject_token_type",
    "token_type_hint",
];

/// POSTs a form, with an `Authorization` header where the client authenticates by one. A refusal comes without the secrets
/// that were sent: its words go into logs, and some servers repeat in them what they were shown.
pub async fn form(
    http: &Http,
    url: &Url,
    fields: &[(&str, &str)],
    authorization: Option<HeaderValue>,
) -> Result<Reply, HttpError> {
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut builder = request(Method::POST, url)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let mut secrets: Vec<_> = fields
        .iter()
        .filter(|(name, _)| !KNOWN.contains(name))
        .map(|(_, value)| Zeroizing::new((*value).to_owned()))
        .collect();
    if let Some(value) = authorization {
        secrets.extend(shown_in(&value));
        builder = builder.header(http::header::AUTHORIZATION, value);
    }
    let reply = finish(http, with_body(builder, body.into_bytes())?).await?;
    if reply.status.is_success() {
        return Ok(reply);
    }
    let clean = Scrubber::new(&secrets).whole(&reply.body).into_owned();
    Ok(Reply { body: clean.into(), ..reply })
}

async fn finish(http: &Http, request: Request<Full<Bytes>>) -> Result<Reply, HttpError> {
    let (parts, body) = http.fetch(request, MOST).await?;
    Ok(Reply { status: parts.status, body })
}
