//! Whose certificates are believed: what this machine believes, and for internal hosts an authority of their own.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Two sets of trusted authorities; the second serves only hosts at private addresses.
#[derive(Clone)]
pub struct Trust {
    pub(super) public: Arc<ClientConfig>,
    pub(super) private: Arc<ClientConfig>,
}

/// Why a file of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// Not readable, or not PEM.
    #[error("cannot read certificates from {path}: {reason}")]
    File {
        /// Which file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Trust {
    /// What this machine trusts; for hosts at private addresses also the certificates in `internal`, a PEM file.
    ///
    /// # Errors
    /// [`RootsError`] when that file cannot be used.
    pub fn new(internal: Option<&Path>) -> Result<Self, RootsError> {
        let mut roots = RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        let public = config(roots.clone());
        if let Some(path) = internal {
            let wrong = |reason: String| RootsError::File { path: path.display().to_string(), reason };
            let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            let mut found = 0;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
                roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
                found += 1;
            }
            if found == 0 {
                return Err(wrong("it holds no certificate".to_owned()));
            }
        }
        Ok(Self { public, private: config(roots) })
    }
}

/// One connection, one request: no resumption, no client certificate, HTTP/1.1.
#[expect(clippy::expect_used, reason = "the provider and its default versions are fixed at build time")]
fn config(roots: RootCertStore) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}
