//! A certificate from an ACME authority (RFC 8555), proven over the very port it is for (`tls-alpn-01`, RFC 8737) and
//! renewed after two thirds of its life.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::StreamExt as _;
use rustls::server::ResolvesServerCert;
use rustls::{ClientConfig, RootCertStore};
use rustls_acme::acme::LETS_ENCRYPT_PRODUCTION_DIRECTORY;
use rustls_acme::{AcmeConfig, EventOk};

use super::keep::Keep;
use super::{Tls, TlsError, provider, roots};

/// Where a certificate is asked for, and for what.
#[derive(Clone, Debug)]
pub struct Acme {
    /// The name it is for.
    pub domain: String,
    /// Where the authority writes when something is wrong.
    pub contact: String,
    /// The authority's directory; by default Let's Encrypt.
    pub directory: Option<String>,
    /// Certificates (PEM) the directory is checked with, where it is not one this machine trusts.
    pub ca_file: Option<PathBuf>,
    /// Where account and certificate are kept.
    pub keep: PathBuf,
}

impl Acme {
    /// Takes the certificate that is kept, asks for one where there is none or its time comes, and goes on doing so for
    /// as long as there is a clone of what is returned.
    ///
    /// # Errors
    /// [`TlsError`] when the directory could not be checked. A failed order is no error: it is tried again, later each
    /// time.
    pub fn begin(self) -> Result<Tls, TlsError> {
        let directory = self.directory.clone().unwrap_or_else(|| LETS_ENCRYPT_PRODUCTION_DIRECTORY.to_owned());
        let client = client(self.trusted()?);
        let mut state = AcmeConfig::new_with_client_config([&self.domain], Arc::new(client))
            .directory(&directory)
            .contact_push(format!("mailto:{}", self.contact))
            .cache(Keep(self.keep))
            .state();
        let mut tls = Tls::of(state.resolver() as Arc<dyn ResolvesServerCert>);
        tls.challenge = Some(state.challenge_rustls_config_with_provider(provider()));
        let domain = self.domain;
        Ok(tls.kept_true_by(tokio::spawn(async move {
            while let Some(event) = state.next().await {
                match event {
                    Ok(EventOk::DeployedNewCert) => tracing::info!(domain, "serving a new certificate"),
                    Ok(EventOk::DeployedCachedCert) => tracing::info!(domain, "serving the certificate that was kept"),
                    Ok(EventOk::CertCacheStore | EventOk::AccountCacheStore) => {}
                    Err(error) => tracing::warn!(domain, directory, %error, "no certificate yet; trying again"),
                }
            }
        })))
    }

    fn trusted(&self) -> Result<RootCertStore, TlsError> {
        let mut found = RootCertStore::empty();
        if let Some(path) = &self.ca_file {
            let unreadable = |error| TlsError::Unreadable { path: path.display().to_string(), error };
            found = roots(&std::fs::read(path).map_err(unreadable)?);
        } else {
            found.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if found.is_empty() { Err(TlsError::NoRoots) } else { Ok(found) }
    }
}

#[expect(clippy::expect_used, reason = "the provider and its default versions are fixed at build time")]
fn client(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
