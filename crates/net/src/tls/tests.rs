use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tower::service_fn;

use super::{CertFiles, TlsError, provider, roots};
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
    files: Arc<CertFiles>,
    port: u16,
    front: Arc<ArcSwap<Front>>,
    stop: CancellationToken,
    served: Option<tokio::task::JoinHandle<()>>,
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
        let front = Arc::new(ArcSwap::from_pointee(front));
        let hello = service_fn(async |_| Ok(Response::new(Full::new(Bytes::from_static(b"hello")))));
        let served = Some(tokio::spawn(serve(Listener::Front(listener, Arc::clone(&front)), hello, stop.clone())));
        Self { folder, files, port, front, stop, served }
    }

    /// A connection as the kernel lets it in; nobody has said anything.
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Asks over a connection of its own, trusting only that certificate.
    async fn asked(&self, trusting: &Pair) -> Option<StatusCode> {
        let request = Request::get(format!("https://localhost:{}/", self.port)).body(Full::default()).unwrap();
        Http::trusting(trusting.cert.as_bytes()).send(request).await.ok().map(|answer| answer.status())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Shakes hands and asks; the first line of the answer.
async fn answer_over(stream: TcpStream, trusting: &Pair) -> String {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots(trusting.cert.as_bytes()))
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    heard.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn who_was_let_in_before_the_end_is_still_served_over_tls() {
    let only = pair();
    let mut world = World::new(&only).await;
    // One is accepted already and silent, one waits in the kernel when the end comes.
    let early = world.connect().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let late = world.connect().await;

    world.stop.cancel();

    let (early, late) = tokio::join!(answer_over(early, &only), answer_over(late, &only));
    assert_eq!((early.as_str(), late.as_str()), ("HTTP/1.1 200 OK", "HTTP/1.1 200 OK"));
    tokio::time::timeout(Duration::from_secs(3), world.served.take().unwrap()).await.expect("and it ends").unwrap();
}

#[tokio::test]
async fn who_never_shakes_hands_does_not_hold_up_the_end() {
    let only = pair();
    let mut world = World::new(&only).await;
    let _silent = world.connect().await;
    tokio::time::sleep(Duration::from_millis(50)).await;

    world.stop.cancel();

    tokio::time::timeout(Duration::from_secs(3), world.served.take().unwrap()).await.expect("it ends").unwrap();
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
async fn another_front_is_met_by_the_very_next_connection_and_the_former_is_let_go() {
    let (old, new) = (pair(), pair());
    let world = World::new(&old).await;
    assert_eq!(world.asked(&old).await, Some(StatusCode::OK));
    let elsewhere = tempfile::tempdir().unwrap();
    write(elsewhere.path(), &new);
    let files = CertFiles::open(&elsewhere.path().join("cert.pem"), &elsewhere.path().join("key.pem")).unwrap();
    let (alive, gone) = tokio::sync::oneshot::channel::<()>();
    let keeper = tokio::spawn(async move {
        let _alive = alive;
        std::future::pending::<()>().await;
    });
    let show = |tls| world.front.store(Arc::new(Front { tls: Some(tls), proxies: Proxies::default() }));

    show(files.tls().kept_true_by(keeper));
    assert_eq!(world.asked(&new).await, Some(StatusCode::OK));
    show(world.files.tls());
    let ended = tokio::time::timeout(Duration::from_secs(5), gone).await.expect("its keeper ends");

    assert!(ended.is_err());
    assert_eq!(world.asked(&old).await, Some(StatusCode::OK));
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
