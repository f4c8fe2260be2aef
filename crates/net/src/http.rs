//! The HTTP client: every request of ours leaves through it. Redirects are not followed and no cookie is kept, because
//! both would carry a request somewhere nobody decided on.

mod names;

use std::net::IpAddr;
use std::time::Duration;

use bailiwick_domain::control::{Control, holds};
use bytes::Bytes;
use http::response::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

use self::names::{Names, refused};
use crate::fetch::is_public;

const CONNECT: Duration = Duration::from_secs(5);
const HEADERS: Duration = Duration::from_secs(30);
/// Shorter than the five seconds after which Node closes a quiet connection, so that a request never meets one.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// An HTTP client with a pool of connections; clones share it.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client<HttpsConnector<HttpConnector<Names>>, Full<Bytes>>,
    headers: Duration,
    names: Names,
}

/// Why a request brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection came about.
    #[error("cannot connect to {host}: {reason}")]
    Connect {
        /// Whom we tried to reach.
        host: String,
        /// What the network said.
        reason: String,
    },
    /// The answer's headers did not come in time.
    #[error("{host} did not answer within {} s", .within.as_secs())]
    Slow {
        /// Who kept us waiting.
        host: String,
        /// How long we waited.
        within: Duration,
    },
    /// The connection broke before the answer was whole.
    #[error("the connection to {host} broke: {reason}")]
    Broken {
        /// Who was on the other end.
        host: String,
        /// What the network said.
        reason: String,
    },
    /// The answer is longer than was asked for.
    #[error("the answer of {host} is longer than {most} bytes")]
    TooBig {
        /// Who answered.
        host: String,
        /// The limit.
        most: usize,
    },
}

/// Why a certificate and its key cannot be shown.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PemError(String);

impl Http {
    /// A client that trusts what this machine trusts.
    pub fn new() -> Self {
        Self::with_patience(CONNECT, HEADERS)
    }

    /// A client that waits `connect` for a connection and `headers` for the head of an answer.
    pub fn with_patience(connect: Duration, headers: Duration) -> Self {
        Self::over(secured, Names::All, (connect, headers))
    }

    /// A client for addresses that somebody else pointed to: https, and only to the public internet.
    pub fn outward() -> Self {
        Self::over(secured, Names::Public, (CONNECT, HEADERS))
    }

    /// A client that trusts the certificates in this PEM text, and no others.
    pub fn trusting(pem: &[u8]) -> Self {
        let config = trusting_only(crate::tls::roots(pem));
        let secured = |tcp| {
            HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().wrap_connector(tcp)
        };
        Self::over(secured, Names::All, (CONNECT, HEADERS))
    }

    /// A client that shows this certificate chain, with this key, to whoever asks for one; it trusts the certificates in
    /// `trust`, or what this machine trusts. All of it is PEM text.
    ///
    /// # Errors
    /// [`PemError`] when chain and key cannot be used.
    pub fn presenting(chain: &[u8], key: &[u8], trust: Option<&[u8]>) -> Result<Self, PemError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain).filter_map(Result::ok).collect();
        if chain.is_empty() {
            return Err(PemError("there is no certificate in the PEM text".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| PemError(format!("the private key: {error}")))?;
        let roots = trust.map_or_else(machine_roots, crate::tls::roots);
        let config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(|error| PemError(error.to_string()))?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(|error| PemError(error.to_string()))?;
        let secured =
            |tcp| HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1().wrap_connector(tcp);
        Ok(Self::over(secured, Names::All, (CONNECT, HEADERS)))
    }

    fn over(
        secured: impl FnOnce(HttpConnector<Names>) -> HttpsConnector<HttpConnector<Names>>,
        names: Names,
        (connect, headers): (Duration, Duration),
    ) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(names);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_timer(TokioTimer::new())
            .build(secured(tcp));
        Self { client, headers, names }
    }

    /// Sends a request and waits for the head of the answer; its body streams.
    ///
    /// # Errors
    /// [`HttpError`] when no answer comes; an answer of any status is not an error.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, HttpError> {
        let host = host(&request);
        if self.names == Names::Public {
            check(&request, &host)?;
        }
        match timeout(self.headers, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => Err(HttpError::Connect { host, reason: innermost(&error) }),
            Ok(Err(error)) => Err(HttpError::Broken { host, reason: innermost(&error) }),
            Err(_) => Err(HttpError::Slow { host, within: self.headers }),
        }
    }

    /// Sends a request and reads the whole answer, at most `most` bytes of it.
    ///
    /// # Errors
    /// [`HttpError`] when no whole answer comes in time.
    pub async fn fetch(&self, request: Request<Full<Bytes>>, most: usize) -> Result<(Parts, Bytes), HttpError> {
        let host = host(&request);
        let (parts, body) = self.send(request).await?.into_parts();
        match timeout(self.headers, Limited::new(body, most).collect()).await {
            Ok(Ok(whole)) => Ok((parts, whole.to_bytes())),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(HttpError::TooBig { host, most }),
            Ok(Err(error)) => Err(HttpError::Broken { host, reason: innermost(error.as_ref()) }),
            Err(_) => Err(HttpError::Slow { host, within: self.headers }),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

fn secured(tcp: HttpConnector<Names>) -> HttpsConnector<HttpConnector<Names>> {
    let builder = match HttpsConnectorBuilder::new().with_provider_and_native_roots(aws_lc_rs::default_provider()) {
        Ok(builder) => builder,
        // A machine without certificates can still speak plain http, to itself for one; https then fails by itself.
        Err(error) => {
            tracing::warn!(%error, "no trusted certificates found on this machine: https requests will fail");
            HttpsConnectorBuilder::new().with_tls_config(trusting_only(RootCertStore::empty()))
        }
    };
    builder.https_or_http().enable_http1().wrap_connector(tcp)
}

#[expect(clippy::expect_used, reason = "the provider and its default versions are fixed at build time")]
fn trusting_only(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Whom this machine trusts.
fn machine_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// An address in place of a name is looked up by nobody, and what is not encrypted goes nowhere.
fn check<B>(request: &Request<B>, host: &str) -> Result<(), HttpError> {
    let refuse = |reason: String| Err(HttpError::Connect { host: host.to_owned(), reason });
    if request.uri().scheme_str() != Some("https") && holds(Control::BrokerGuard) {
        return refuse("only https leads to where somebody else pointed".to_owned());
    }
    let bare = request.uri().host().unwrap_or("").trim_matches(['[', ']']).parse::<IpAddr>();
    match bare {
        Ok(address) if !is_public(address) => refuse(refused(address)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Host and port, for whoever reads what went wrong. What stands before an `@` lets somebody in.
fn host<B>(request: &Request<B>) -> String {
    let authority = request.uri().authority().map_or("", |authority| authority.as_str());
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}

/// The last link of a chain of errors: "connection refused" rather than "client error".
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests;
