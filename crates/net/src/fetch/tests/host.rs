//! A host of documents with a certificate of its own authority, names that lead where a test wants, and a canary.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::super::Resolve;

/// A certificate authority, and the file that says so.
pub(super) struct Authority {
    pub(super) file: PathBuf,
    certificate: Certificate,
    key: KeyPair,
    _dir: TempDir,
}

impl Authority {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let file = dir.path().join("ca.pem");
        std::fs::write(&file, certificate.pem()).unwrap();
        Self { file, certificate, key, _dir: dir }
    }

    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.certificate, &self.key).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A host that gives every request the same answer and then says nothing more.
pub(super) struct Host {
    pub(super) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Host {
    pub(super) async fn start(authority: &Authority, name: &str, answer: &[u8]) -> Self {
        Self::start_at(authority, name, answer, None).await
    }

    pub(super) async fn start_at(authority: &Authority, name: &str, answer: &[u8], at: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind(at.unwrap_or(([127, 0, 0, 1], 0).into())).await.unwrap();
        let host = Self {
            port: listener.local_addr().unwrap().port(),
            asked: Arc::default(),
            answer: Arc::new(Mutex::new(answer.to_vec())),
        };
        let (acceptor, asked, answer) = (authority.acceptor(name), Arc::clone(&host.asked), Arc::clone(&host.answer));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, asked, answer) = (acceptor.clone(), Arc::clone(&asked), Arc::clone(&answer));
                tokio::spawn(serve(socket, acceptor, asked, answer));
            }
        });
        host
    }

    /// Every request so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Answers with this from now on.
    pub(super) fn answer(&self, bytes: &[u8]) {
        *self.answer.lock().unwrap() = bytes.to_vec();
    }
}

/// Reads one request, answers it, and waits until the other side has had enough.
async fn serve(socket: TcpStream, acceptor: TlsAcceptor, asked: Arc<Mutex<Vec<String>>>, answer: Arc<Mutex<Vec<u8>>>) {
    let Ok(mut stream) = acceptor.accept(socket).await else { return };
    let mut request = vec![0; 4096];
    let length = stream.read(&mut request).await.unwrap_or(0);
    asked.lock().unwrap().push(String::from_utf8_lossy(&request[..length]).into_owned());
    let bytes = answer.lock().unwrap().clone();
    let _ = stream.write_all(&bytes).await;
    let _ = stream.flush().await;
    let _ = stream.read(&mut request).await;
}

/// A listener that nobody should ever reach.
pub(super) struct Canary {
    pub(super) address: SocketAddr,
    touched: Arc<AtomicUsize>,
}

impl Canary {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let canary = Self { address: listener.local_addr().unwrap(), touched: Arc::default() };
        let touched = Arc::clone(&canary.touched);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                touched.fetch_add(1, Ordering::SeqCst);
            }
        });
        canary
    }

    pub(super) fn touched(&self) -> usize {
        self.touched.load(Ordering::SeqCst)
    }
}

type Answer = dyn Fn(&str) -> Vec<IpAddr> + Send + Sync;

/// Names that lead where a test wants.
pub(super) struct Names(Box<Answer>);

impl Names {
    pub(super) fn of(answer: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        Self(Box::new(answer))
    }

    pub(super) fn fixed(address: IpAddr) -> Self {
        Self::of(move |_| vec![address])
    }
}

impl Resolve for Names {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        let addresses = (self.0)(host).into_iter().map(|address| SocketAddr::new(address, port)).collect();
        Box::pin(async move { Ok(addresses) })
    }
}
