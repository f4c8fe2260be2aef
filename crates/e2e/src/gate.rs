//! A gate that only a certificate opens, in front of a server that knows nothing of it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::tls::Pair;

/// A running one.
pub struct Gate {
    /// Its origin.
    pub origin: String,
    stop: CancellationToken,
}

impl Gate {
    /// Opens to whoever shows the certificate that it leaves in that directory, and leads to `to`.
    pub async fn start(to: SocketAddr, directory: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (acceptor, stop) = (acceptor(directory), CancellationToken::new());
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(let_in(stream, acceptor.clone(), to));
            }
        }));
        Self { origin: format!("https://localhost:{port}"), stop }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Lets in whoever shows the certificate that it leaves in that directory, as `gateway.crt` and `gateway.key`; whom it shows
/// itself as is vouched for by `crm-ca.crt`.
fn acceptor(directory: &Path) -> TlsAcceptor {
    let (ours, theirs) = (Pair::new(), Pair::new());
    for (name, text) in [("gateway.crt", &theirs.cert), ("gateway.key", &theirs.key), ("crm-ca.crt", &ours.cert)] {
        std::fs::write(directory.join(name), text).unwrap();
    }
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(theirs.cert.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let chain = vec![CertificateDer::from_pem_slice(ours.cert.as_bytes()).unwrap()];
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(ours.key.as_bytes()).unwrap())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Passes on what comes from whoever has the certificate.
async fn let_in(stream: TcpStream, acceptor: TlsAcceptor, to: SocketAddr) {
    let Ok(mut secured) = acceptor.accept(stream).await else { return };
    let mut inside = TcpStream::connect(to).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut secured, &mut inside).await;
}
