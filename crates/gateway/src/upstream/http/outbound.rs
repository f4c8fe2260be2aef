//! The request to a server behind. Its headers are built new; there is no field that could hold the caller's token.

use bailiwick_broker::Obtained;
use bytes::Bytes;
use http::header::{HOST, USER_AGENT as AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use crate::call::{Aim, Call, SESSION};
use crate::credential;

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
    /// The request that carries `call` out, with the credential it gets.
    pub(crate) fn of(uri: &Uri, call: &Call, shown: &Obtained) -> Self {
        let (method, body) = match &call.aim {
            Aim::Say(said) => (Method::POST, said.body.clone()),
            Aim::Listen => (Method::GET, Bytes::new()),
            Aim::Leave => (Method::DELETE, Bytes::new()),
        };
        let mut headers = call.carried.clone();
        headers.remove(HOST);
        headers.insert(AGENT, USER_AGENT);
        headers.extend(credential::headers(&call.server, shown));
        let inner = call.session.as_ref().map(|session| session.inner.as_str()).filter(|inner| !inner.is_empty());
        if let Some(inner) = inner.and_then(|inner| HeaderValue::from_str(inner).ok()) {
            headers.insert(SESSION, inner);
        }
        Self { method, uri: with_query(uri, &shown.query), headers, body }
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

/// The URL with these pairs in its query, after what it has.
pub(crate) fn with_query(uri: &Uri, pairs: &[(String, Zeroizing<String>)]) -> Uri {
    if pairs.is_empty() {
        return uri.clone();
    }
    let mut query = Serializer::new(uri.query().unwrap_or("").to_owned());
    for (name, value) in pairs {
        query.append_pair(name, value);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = format!("{}?{}", uri.path(), query.finish()).parse().ok();
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}
