//! A certificate from files, read again when they change: connections that are open keep what they began with, the next
//! one gets the new certificate, and none is refused in between.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{Tls, TlsError, provider};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// A certificate and its key in two files.
#[derive(Debug)]
pub struct CertFiles {
    cert: PathBuf,
    key: PathBuf,
    served: Arc<Served>,
    seen: Mutex<Seen>,
}

/// When the files were written last, and how long they were.
type Seen = [Option<(SystemTime, u64)>; 2];

#[derive(Debug)]
struct Served(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Served {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl CertFiles {
    /// Reads both files.
    ///
    /// # Errors
    /// [`TlsError`] when they hold no certificate with its key.
    pub fn open(cert: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let seen = Mutex::new(look(cert, key));
        let served = Arc::new(Served(ArcSwap::from_pointee(read(cert, key)?)));
        Ok(Arc::new(Self { cert: cert.to_owned(), key: key.to_owned(), served, seen }))
    }

    /// Serves what the files hold, whenever they change.
    pub fn tls(&self) -> Tls {
        Tls::of(Arc::clone(&self.served) as Arc<dyn ResolvesServerCert>)
    }

    /// Reads the files again and serves what they hold from now on.
    ///
    /// # Errors
    /// [`TlsError`]; then the certificate served so far stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        // Looked at before they are read: what is written in between is seen next time.
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = look(&self.cert, &self.key);
        self.served.0.store(Arc::new(read(&self.cert, &self.key)?));
        Ok(())
    }

    /// Keeps what is served true to the files, for ever; `nudged` makes it look at once.
    pub async fn watch(self: Arc<Self>, mut nudged: tokio::sync::mpsc::Receiver<()>) {
        loop {
            let asked = tokio::select! {
                Some(()) = nudged.recv() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            let files = Arc::clone(&self);
            let read = tokio::task::spawn_blocking(move || (asked || files.changed()).then(|| files.reload())).await;
            match read {
                Ok(Some(Ok(()))) => tracing::info!(cert = %self.cert.display(), "serving the new certificate"),
                Ok(Some(Err(error))) => {
                    tracing::warn!(%error, "the new certificate cannot be used; still serving the old one");
                }
                Ok(None) | Err(_) => {}
            }
        }
    }

    pub(super) fn changed(&self) -> bool {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) != look(&self.cert, &self.key)
    }
}

fn look(cert: &Path, key: &Path) -> Seen {
    let written = |file: Metadata| file.modified().ok().map(|at| (at, file.len()));
    [cert, key].map(|path| std::fs::metadata(path).ok().and_then(written))
}

fn read(cert: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let shown = |path: &Path| path.display().to_string();
    let content = |path| std::fs::read(path).map_err(|error| TlsError::Unreadable { path: shown(path), error });
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&content(cert)?).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err(TlsError::Empty { path: shown(cert), what: "certificate" });
    }
    let pem = zeroize::Zeroizing::new(content(key)?);
    let secret =
        PrivateKeyDer::from_pem_slice(&pem).map_err(|_| TlsError::Empty { path: shown(key), what: "private key" })?;
    CertifiedKey::from_der(chain, secret, &provider()).map_err(|error| TlsError::Misfit {
        cert: shown(cert),
        key: shown(key),
        reason: error.to_string(),
    })
}
