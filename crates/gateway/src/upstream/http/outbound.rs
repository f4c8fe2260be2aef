//! The request to a server behind. Its headers are built new; there is no field that could hold the caller's token.

use bytes::Bytes;
use http::header::{HOST, USER_AGENT as AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;

use crate::call::{Aim, Call, SESSION};

/// Who we say we are.
pub(crate) const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("bailiwick/", env!("CARGO_PKG_VERSION")));

/// One request to a server behind.
#[derive(Debug)]
pub(crate) struct Outbound {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Outbound {
    /// The request that carries `call` out, with headers of our own.
    pub(crate) fn of(uri: &Uri, call: &Call, own: HeaderMap) -> Self {
        let (method, body) = match &call.aim {
            Aim::Say(said) => (Method::POST, said.body.clone()),
            Aim::Listen => (Method::GET, Bytes::new()),
            Aim::Leave => (Method::DELETE, Bytes::new()),
        };
        let mut headers = call.carried.clone();
        headers.remove(HOST);
        headers.insert(AGENT, USER_AGENT);
        headers.extend(own);
        if let Some(inner) = call.session.as_ref().and_then(|session| HeaderValue::from_str(&session.inner).ok()) {
            headers.insert(SESSION, inner);
        }
        Self { method, uri: uri.clone(), headers, body }
    }

    /// Puts it on the wire.
    pub(crate) fn into_request(self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        request
    }
}
