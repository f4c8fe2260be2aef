//! The one accept loop: every connection, on every listener, enters here, shakes hands where TLS is spoken, learns who
//! its peer is, and leaves when asked to.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt as _};

use crate::proxy::Proxies;
use crate::tls::Tls;

/// How long a client may take over its request's headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection that was let in may take over its first request when shutdown begins: hyper closes one it has
/// read nothing from.
const LINGER: Duration = Duration::from_millis(500);
/// How long open requests may go on after shutdown began.
const DRAIN: Duration = Duration::from_secs(5);

/// Who a request comes from: the address at the other end of its connection, or, where that is a trusted proxy, the one
/// the proxy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Something connections come from.
pub enum Listener {
    /// TCP; requests carry a [`Peer`].
    Tcp(TcpListener),
    /// The same, behind a front, which may change: the next connection meets the new one.
    Front(TcpListener, Arc<ArcSwap<Front>>),
    /// A Unix socket; whoever may open the file is the peer.
    Unix(UnixListener),
}

/// What the world meets first.
#[derive(Clone, Debug, Default)]
pub struct Front {
    /// How TLS is spoken, where it is.
    pub tls: Option<Tls>,
    /// Whose word is taken for who a request comes from.
    pub proxies: Proxies,
}

impl Listener {
    async fn accept(&self) -> io::Result<Connection> {
        let (listener, front) = match self {
            Self::Tcp(listener) => (listener, None),
            Self::Front(listener, front) => (listener, Some(front)),
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                return Ok(Connection { io: Box::new(stream), peer: None, front: Front::default() });
            }
        };
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // Not before: it may have changed while nobody came.
        let front = front.map(|front| Front::clone(&front.load())).unwrap_or_default();
        Ok(Connection { io: Box::new(stream), peer: Some(peer), front })
    }
}

impl Listener {
    /// Takes what waits to be accepted, and closes.
    fn leftovers(self) -> Vec<Connection> {
        let (listener, front) = match self {
            Self::Tcp(listener) => (listener, Front::default()),
            Self::Front(listener, front) => (listener, Front::clone(&front.load())),
            Self::Unix(_) => return Vec::new(),
        };
        let Ok(listener) = listener.into_std() else { return Vec::new() };
        let waiting = std::iter::from_fn(|| listener.accept().ok());
        let connection = |(stream, peer): (std::net::TcpStream, SocketAddr)| {
            stream.set_nonblocking(true).ok()?;
            let io = Box::new(TcpStream::from_std(stream).ok()?);
            Some(Connection { io, peer: Some(peer), front: front.clone() })
        };
        waiting.filter_map(connection).collect()
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

struct Connection {
    io: Box<dyn Io>,
    peer: Option<SocketAddr>,
    front: Front,
}

impl Connection {
    /// The stream that HTTP is spoken over; nothing where it came to no more than a handshake. It runs beside the accept
    /// loop, so whoever is slow with it keeps nobody else waiting.
    async fn open(io: Box<dyn Io>, tls: Option<Tls>, late: &CancellationToken) -> Option<Box<dyn Io>> {
        let Some(tls) = tls else { return Some(io) };
        let hands = tokio::select! {
            hands = tls.shake_hands(io) => hands,
            () = late.cancelled() => return None,
        };
        match hands {
            Ok(stream) => stream.map(|stream| Box::new(stream) as Box<dyn Io>),
            Err(error) => {
                tracing::debug!(%error, "no TLS came about");
                None
            }
        }
    }
}

/// Serves `service` on `listener` until `stop`, then lets open requests finish for a few seconds.
pub async fn serve<S, B>(listener: Listener, service: S, stop: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = std::convert::Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let drain = GracefulShutdown::new();
    // From then on nobody is let in any more, however far the handshake is.
    let late = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok(connection) => {
                tokio::spawn(attend(connection, service.clone(), drain.watcher(), late.clone()));
            }
            Err(error) => rest_after(&error).await,
        }
    }
    // Whom the kernel has let in already is served, not cut off.
    for connection in listener.leftovers() {
        tokio::spawn(attend(connection, service.clone(), drain.watcher(), late.clone()));
    }
    tokio::time::sleep(LINGER).await;
    late.cancel();
    if tokio::time::timeout(DRAIN, drain.shutdown()).await.is_err() {
        tracing::info!("open streams were cut at shutdown");
    }
}

async fn attend<S, B>(connection: Connection, service: S, watcher: Watcher, late: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = std::convert::Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Connection { io, peer, front } = connection;
    let Some(io) = Connection::open(io, front.tls, &late).await else { return };
    let proxies = front.proxies;
    let service = service.map_request(move |mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            let origin = Peer(proxies.origin(peer, request.headers()));
            request.extensions_mut().insert(origin);
        }
        request
    });
    let mut builder = Builder::new(hyper_util::rt::TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(64 * 1024);
    let served = builder.serve_connection(TokioIo::new(io), TowerToHyperService::new(service)).into_owned();
    if let Err(error) = watcher.watch(served).await {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Out of file descriptors is no reason to spin or to die: wait a little and accept again.
async fn rest_after(error: &io::Error) {
    let passing = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !passing {
        tracing::warn!(%error, "cannot accept connections for now");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
