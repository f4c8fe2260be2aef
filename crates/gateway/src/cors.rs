//! Cross-origin answers: a browser's script may read them only where the operator named its origin.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ALLOW, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::door::admits;
use crate::hosted::Hosted;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");
const EXPOSED: HeaderValue = HeaderValue::from_static("Mcp-Session-Id, WWW-Authenticate");
/// What a client may send; headers that mirror parameters come on top.
const HEADERS: &str = "authorization, content-type, accept, mcp-protocol-version, mcp-session-id, mcp-method, \
                       mcp-name, last-event-id";

/// The origin to answer to, if it is one that may read the answer.
#[derive(Debug)]
pub(crate) struct Cors(Option<HeaderValue>);

impl Cors {
    /// Looks at who asks.
    pub(crate) fn of(server: Option<&Hosted>, headers: &HeaderMap) -> Self {
        let origin = headers.get(ORIGIN);
        let named = origin.filter(|origin| origin.to_str().is_ok_and(|origin| admits(server, origin)));
        Self(named.cloned())
    }

    /// The answer to a preflight; to anybody not named, just which methods there are.
    pub(crate) fn preflight(&self, asked: &HeaderMap) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(ALLOW, METHODS);
        if self.0.is_some() {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
            if let Ok(value) = allowed(asked).try_into() {
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, value);
            }
        }
        response
    }

    /// Lets the origin read this answer.
    pub(crate) fn dress(self, mut response: Response) -> Response {
        if let Some(origin) = self.0 {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            headers.insert(VARY, HeaderValue::from_static("Origin"));
        }
        response
    }
}

fn allowed(asked: &HeaderMap) -> String {
    let wanted = asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter().filter_map(|value| value.to_str().ok());
    let mirrored = wanted.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase());
    mirrored
        .filter(|name| name.starts_with("mcp-param-"))
        .fold(HEADERS.to_owned(), |all, name| format!("{all}, {name}"))
}
