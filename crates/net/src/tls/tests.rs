use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::service_fn;

use super::{CertFiles, TlsError};
use crate::{Front, Http, Listener, Proxies, serve};

struct Pair {
    cert: String,
    key: String,
}

fn pair() -> Pair {
    let CertifiedKey { cert, key_pair } = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    Pair { cert: cert.pem(), key: key_pair.serialize_pem() }
}

fn write(folder: &Path, pair: &Pair) {
    std::fs::write(folder.join("cert.pem"), &pair.cert).unwrap();
    std::fs::write(folder.join("key.pem"), &pair.key).unwrap();
}

struct World {
    folder: tempfile::TempDir,
    files: std::sync::Arc<CertFiles>,
    port: u16,
    _stop: tokio_util::sync::DropGuard,
}

impl World {
    async fn new(first: &Pair) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), first);
        let files = CertFiles::open(&folder.path().join("cert.pem"), &folder.path().join("key.pem")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = CancellationToken::new();
        let front = Front { tls: Some(files.tls()), proxies: Proxies::default() };
        let hello = service_fn(async |_| Ok(Response::new(Full::new(Bytes::from_static(b"hello")))));
        tokio::spawn(serve(Listener::Front(listener, front), hello, stop.clone()));
        Self { folder, files, port, _stop: stop.drop_guard() }
    }

    /// Asks over a connection of its own, trusting only that certificate.
    async fn asked(&self, trusting: &Pair) -> Option<StatusCode> {
        let request = Request::get(format!("https://localhost:{}/", self.port)).body(Full::default()).unwrap();
        Http::trusting(trusting.cert.as_bytes()).send(request).await.ok().map(|answer| answer.status())
    }
}

#[tokio::test]
async fn a_new_pair_is_served_from_the_next_connection_on() {
    let (old, new) = (pair(), pair());
    let world = World::new(&old).await;
    assert_eq!(world.asked(&old).await, Some(StatusCode::OK));

    write(world.folder.path(), &new);
    assert!(world.files.changed());
    world.files.reload().unwrap();

    assert_eq!((world.asked(&old).await, world.asked(&new).await), (None, Some(StatusCode::OK)));
    assert!(!world.files.changed());
}

#[tokio::test]
async fn a_pair_that_does_not_fit_leaves_the_old_one_in_force() {
    let (old, new) = (pair(), pair());
    let world = World::new(&old).await;

    std::fs::write(world.folder.path().join("cert.pem"), &new.cert).unwrap();
    assert!(matches!(world.files.reload(), Err(TlsError::Misfit { .. })));
    std::fs::write(world.folder.path().join("cert.pem"), "half a certif").unwrap();
    assert!(matches!(world.files.reload(), Err(TlsError::Empty { what: "certificate", .. })));
    std::fs::remove_file(world.folder.path().join("cert.pem")).unwrap();
    assert!(matches!(world.files.reload(), Err(TlsError::Unreadable { .. })));

    assert_eq!(world.asked(&old).await, Some(StatusCode::OK));
}

#[tokio::test]
async fn who_never_shakes_hands_keeps_nobody_waiting_and_is_let_go() {
    let only = pair();
    let world = World::new(&only).await;
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(TcpStream::connect(("127.0.0.1", world.port)).await.unwrap());
    }
    let mut plain = TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();

    let answer = tokio::time::timeout(Duration::from_secs(5), world.asked(&only)).await;
    assert_eq!(answer.unwrap(), Some(StatusCode::OK));

    let mut heard = Vec::new();
    plain.read_to_end(&mut heard).await.unwrap();
    assert!(!heard.starts_with(b"HTTP/"), "plain http got an answer on a TLS port");
    let first = silent.first_mut().unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), first.read_to_end(&mut heard)).await;
    assert!(ended.is_ok(), "a connection that says nothing is kept for ever");
}
