//! Hosts of documents on this machine: one with a certificate of its own authority, one that says whatever it is told, for
//! as long as it is told; and a canary.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A running host, `https://localhost:PORT`.
pub struct DocumentHost {
    pub port: u16,
    asked: Arc<AtomicUsize>,
    answer: Arc<Mutex<Vec<u8>>>,
    authority: PathBuf,
    _dir: TempDir,
}

impl DocumentHost {
    /// A host that serves a good document.
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = dir.path().join("ca.pem");
        let (acceptor, pem) = certified();
        std::fs::write(&authority, pem).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let host = Self { port, asked: Arc::default(), answer: Arc::default(), authority, _dir: dir };
        host.document(&host.good());
        let (asked, answer) = (Arc::clone(&host.asked), Arc::clone(&host.answer));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, asked, answer) = (acceptor.clone(), Arc::clone(&asked), Arc::clone(&answer));
                tokio::spawn(serve(socket, acceptor, asked, answer));
            }
        });
        host
    }

    /// The `client_id`.
    pub fn url(&self) -> String {
        format!("https://localhost:{}/client.json", self.port)
    }

    /// The configuration that lets a house believe this host.
    pub fn config(&self) -> String {
        format!("[cimd]\nallow_private = [\"localhost:{}\"]\nca_file = \"{}\"\n", self.port, self.authority.display())
    }

    /// What shipped clients say, at this URL.
    pub fn good(&self) -> Value {
        json!({
            "client_id": self.url(),
            "client_name": "Documented",
            "client_uri": "https://elsewhere.example/",
            "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        })
    }

    /// Answers with this document from now on.
    pub fn document(&self, document: &Value) {
        self.status(200, document);
    }

    /// Answers with this document and status from now on.
    pub fn status(&self, status: u16, document: &Value) {
        let body = document.to_string();
        let length = body.len();
        self.bytes(format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
    }

    /// Answers with these bytes from now on.
    pub fn bytes(&self, bytes: impl Into<Vec<u8>>) {
        *self.answer.lock().unwrap() = bytes.into();
    }

    /// How many requests came.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn certified() -> (TlsAcceptor, String) {
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority, &authority_key).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority.pem())
}

/// Reads one request, answers it, and waits until the other side has had enough.
async fn serve(socket: TcpStream, acceptor: TlsAcceptor, asked: Arc<AtomicUsize>, answer: Arc<Mutex<Vec<u8>>>) {
    let Ok(mut stream) = acceptor.accept(socket).await else { return };
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await;
    asked.fetch_add(1, Ordering::SeqCst);
    let bytes = answer.lock().unwrap().clone();
    let _ = stream.write_all(&bytes).await;
    let _ = stream.flush().await;
    let _ = stream.read(&mut request).await;
}

/// A listener that nobody should ever reach.
pub struct Canary {
    pub address: SocketAddr,
    touched: Arc<AtomicUsize>,
}

impl Canary {
    pub async fn start() -> Self {
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

    pub fn touched(&self) -> usize {
        self.touched.load(Ordering::SeqCst)
    }

    /// Where it is: each way to write that down that somebody reads as this machine.
    pub fn spellings(&self) -> Vec<String> {
        let hosts = [
            "127.0.0.1",
            "localhost",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::127.0.0.1]",
            "127.0.0.1.",
        ];
        hosts.iter().map(|host| format!("https://{host}:{}", self.address.port())).collect()
    }
}

/// What a [`Mouth`] says after its first words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing.
    Nothing,
    /// 100 MB, as fast as anybody takes them.
    Flood,
    /// One byte at a time, and no end.
    Drip,
}

/// What a [`Tail::Flood`] comes to.
pub const FLOOD: usize = 100 << 20;

/// A host over plain http that says these words, whatever it is asked.
pub struct Mouth {
    pub origin: String,
    said: Arc<AtomicUsize>,
}

impl Mouth {
    /// `words` are told where it is.
    pub async fn start(words: impl FnOnce(&str) -> String, tail: Tail) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (words, said) = (words(&origin), Arc::<AtomicUsize>::default());
        let mouth = Self { origin, said: Arc::clone(&said) };
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(speak(socket, words.clone(), tail, Arc::clone(&said)));
            }
        });
        mouth
    }

    /// How many bytes of its tail were taken so far.
    pub fn said(&self) -> usize {
        self.said.load(Ordering::SeqCst)
    }
}

async fn speak(mut socket: TcpStream, words: String, tail: Tail, said: Arc<AtomicUsize>) {
    let mut request = [0; 4096];
    let _ = socket.read(&mut request).await;
    if socket.write_all(words.as_bytes()).await.is_err() {
        return;
    }
    let (piece, pause) = match tail {
        Tail::Nothing => (0, Duration::ZERO),
        Tail::Flood => (64 << 10, Duration::ZERO),
        Tail::Drip => (1, Duration::from_millis(200)),
    };
    let piece = vec![b' '; piece];
    while !piece.is_empty() && said.load(Ordering::SeqCst) < FLOOD && socket.write_all(&piece).await.is_ok() {
        said.fetch_add(piece.len(), Ordering::SeqCst);
        tokio::time::sleep(pause).await;
    }
    let _ = socket.read(&mut request).await;
}
