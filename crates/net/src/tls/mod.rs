//! TLS as a server: a certificate from files that may change, or from an ACME authority.

mod acme;
mod files;
mod keep;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::{Acceptor, ResolvesServerCert};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::task::AbortOnDropHandle;

pub use self::acme::Acme;
pub use self::files::CertFiles;

/// How long a client may take over its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The one protocol spoken inside.
const HTTP1: &[u8] = b"http/1.1";

/// What a listener needs to speak TLS; clones share the certificate.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ServerConfig>,
    /// For the connections of an authority that looks whether the name is ours (RFC 8737).
    challenge: Option<Arc<ServerConfig>>,
    /// What keeps the certificate true; it ends with the last clone.
    keepers: Vec<Arc<AbortOnDropHandle<()>>>,
}

/// Why there is no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or may not be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// A file holds no certificate, or no key.
    #[error("{path} holds no {what} in PEM form")]
    Empty {
        /// The file.
        path: String,
        /// What was looked for.
        what: &'static str,
    },
    /// Certificate and key do not make a pair, or are of a kind that is not served.
    #[error("the key in {key} does not serve the certificate in {cert}: {reason}")]
    Misfit {
        /// The certificate's file.
        cert: String,
        /// The key's file.
        key: String,
        /// What the library said.
        reason: String,
    },
    /// There is nobody to trust.
    #[error("no trusted certificates were found to check the ACME directory with; name some in `ca_file`")]
    NoRoots,
}

impl Tls {
    fn of(resolver: Arc<dyn ResolvesServerCert>) -> Self {
        let mut config = speaking(resolver);
        config.alpn_protocols.push(HTTP1.to_vec());
        Self { config: Arc::new(config), challenge: None, keepers: Vec::new() }
    }

    /// With a task that keeps the certificate true; it ends with the last clone.
    #[must_use]
    pub fn kept_true_by(mut self, task: JoinHandle<()>) -> Self {
        self.keepers.push(Arc::new(AbortOnDropHandle::new(task)));
        self
    }

    /// Shakes hands; nothing where the connection was only a challenge, and is over.
    pub(crate) async fn shake_hands<T>(&self, io: T) -> io::Result<Option<TlsStream<T>>>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long");
        timeout(HANDSHAKE, self.answer(io)).await.map_err(late)?
    }

    async fn answer<T: AsyncRead + AsyncWrite + Unpin>(&self, io: T) -> io::Result<Option<TlsStream<T>>> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), io).await?;
        if let Some(challenge) = &self.challenge
            && rustls_acme::is_tls_alpn_challenge(&hello.client_hello())
        {
            hello.into_stream(Arc::clone(challenge)).await?.shutdown().await?;
            return Ok(None);
        }
        hello.into_stream(Arc::clone(&self.config)).await.map(Some)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

#[expect(clippy::expect_used, reason = "the provider and its default versions are fixed at build time")]
fn speaking(resolver: Arc<dyn ResolvesServerCert>) -> ServerConfig {
    ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_cert_resolver(resolver)
}

/// The certificates in a PEM text, as roots of trust; what is no certificate is passed over.
pub(crate) fn roots(pem: &[u8]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).filter_map(Result::ok));
    roots
}

#[cfg(test)]
mod tests;
