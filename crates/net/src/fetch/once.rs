//! One request for one document: over a connection of its own, straight to a vetted address, following nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::control::{self, Control};
use bailiwick_domain::uri::DocumentUrl;
use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::FetchError;
use super::guard::{Guard, Vetted};

/// How much of the head of an answer is read, in bytes.
const MOST_HEAD: usize = 16 * 1024;
/// Where the limit of a document ends when its control is off.
const UNLIMITED: usize = 1024 * 1024;

/// How long we wait.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a name, and then for a connection to each address.
    pub connect: Duration,
    /// For everything together.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_millis(2500), total: Duration::from_secs(10) }
    }
}

/// A document as it came.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Fetches `url`, reading at most `most` bytes.
///
/// # Errors
/// [`FetchError`], for everything but a 200 with a short body of JSON from an address that will do.
pub(super) async fn fetch(
    guard: &Guard,
    url: &DocumentUrl,
    patience: Patience,
    most: usize,
) -> Result<Fetched, FetchError> {
    let all = async {
        let place = timeout(patience.connect, guard.vet(url)).await;
        let place = place.map_err(|_| FetchError::Unresolved("no answer in time".to_owned()))??;
        let stream = connect(&place, url, patience.connect).await?;
        exchange(stream, url, most).await
    };
    timeout(patience.total, all).await.unwrap_or(Err(FetchError::Slow))
}

/// Tries the vetted addresses in turn.
async fn connect(place: &Vetted, url: &DocumentUrl, patience: Duration) -> Result<TlsStream<TcpStream>, FetchError> {
    let mut last = FetchError::Connect("no address".to_owned());
    for address in &place.addresses {
        match timeout(patience, reach(place, *address, url)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error @ FetchError::Rebound(_))) => return Err(error),
            Ok(Err(error)) => last = error,
            Err(_) => last = FetchError::Connect("no connection in time".to_owned()),
        }
    }
    Err(last)
}

/// Connects to one address and makes sure that this is where the connection leads, before anything is said.
async fn reach(place: &Vetted, address: SocketAddr, url: &DocumentUrl) -> Result<TlsStream<TcpStream>, FetchError> {
    let tcp = TcpStream::connect(address).await.map_err(|error| FetchError::Connect(error.to_string()))?;
    let peer = tcp.peer_addr().map_err(|error| FetchError::Connect(error.to_string()))?;
    place.confirm(address, peer)?;
    let name = ServerName::try_from(url.host().to_owned()).map_err(|error| FetchError::Tls(error.to_string()))?;
    let connector = TlsConnector::from(Arc::clone(&place.tls));
    connector.connect(name, tcp).await.map_err(|error| FetchError::Tls(error.to_string()))
}

async fn exchange(stream: TlsStream<TcpStream>, url: &DocumentUrl, most: usize) -> Result<Fetched, FetchError> {
    let broken = |error: hyper::Error| FetchError::Broken(error.to_string());
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(MOST_HEAD).handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let exchange = async {
        let response = sender.send_request(request(url)?).await.map_err(broken)?;
        let (head, body) = response.into_parts();
        check_head(head.status, &head.headers)?;
        let body = read(body, most).await?;
        Ok(Fetched { headers: head.headers, body })
    };
    // The connection lives as long as the exchange and is dropped with it: nothing goes on behind our back.
    tokio::pin!(connection);
    tokio::pin!(exchange);
    tokio::select! {
        biased;
        done = &mut exchange => done,
        ended = &mut connection => match ended {
            Ok(()) => exchange.await,
            Err(error) => Err(broken(error)),
        },
    }
}

/// No cookie, no credential, nothing of whoever made us ask.
fn request(url: &DocumentUrl) -> Result<Request<Empty<Bytes>>, FetchError> {
    let request = Request::get(url.path())
        .header(HOST, url.authority())
        .header(ACCEPT, HeaderValue::from_static("application/json"))
        .header(USER_AGENT, HeaderValue::from_static(concat!("bailiwick/", env!("CARGO_PKG_VERSION"))))
        .header(CONNECTION, HeaderValue::from_static("close"))
        .body(Empty::new());
    request.map_err(|error| FetchError::Broken(error.to_string()))
}

fn check_head(status: StatusCode, headers: &HeaderMap) -> Result<(), FetchError> {
    if status != StatusCode::OK && control::holds(Control::DocumentStatus) {
        return Err(FetchError::Status(status.as_u16()));
    }
    if headers.get_all(CONTENT_ENCODING).iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(FetchError::Encoded);
    }
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    match (kinds.next().and_then(|kind| kind.to_str().ok()), kinds.next()) {
        (Some(kind), None) if is_json(kind) => Ok(()),
        _ => Err(FetchError::ContentType),
    }
}

/// `application/json`, or another type that is JSON by its suffix (RFC 6839 §3.1).
fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence == "application/json" || essence.strip_prefix("application/").is_some_and(|rest| rest.ends_with("+json"))
}

async fn read(body: Incoming, most: usize) -> Result<Bytes, FetchError> {
    let limit = if control::holds(Control::DocumentSize) { most } else { UNLIMITED };
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(FetchError::TooBig(most));
    }
    match Limited::new(body, limit).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(FetchError::TooBig(most)),
        Err(error) => Err(FetchError::Broken(error.to_string())),
    }
}
