//! The one accept loop: every connection, on every listener, enters here, learns who its peer is, and leaves when asked
//! to. TLS and the peer's certificate find their place between `accept` and [`Connection`].

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt as _};

/// How long a client may take over its request's headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection that was let in may take over its first request when shutdown begins: hyper closes one it has
/// read nothing from.
const LINGER: Duration = Duration::from_millis(500);
/// How long open requests may go on after shutdown began.
const DRAIN: Duration = Duration::from_secs(5);

/// The address at the other end of the connection a request came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Something connections come from.
pub enum Listener {
    /// TCP; requests carry a [`Peer`].
    Tcp(TcpListener),
    /// A Unix socket; whoever may open the file is the peer.
    Unix(UnixListener),
}

impl Listener {
    async fn accept(&self) -> io::Result<Connection> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Connection { io: Box::new(stream), peer: Some(Peer(peer)) })
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok(Connection { io: Box::new(stream), peer: None })
            }
        }
    }
}

impl Listener {
    /// Takes what waits to be accepted, and closes.
    fn leftovers(self) -> Vec<Connection> {
        let Self::Tcp(listener) = self else { return Vec::new() };
        let Ok(listener) = listener.into_std() else { return Vec::new() };
        let waiting = std::iter::from_fn(|| listener.accept().ok());
        let connection = |(stream, peer): (std::net::TcpStream, SocketAddr)| {
            stream.set_nonblocking(true).ok()?;
            let io = Box::new(TcpStream::from_std(stream).ok()?);
            Some(Connection { io, peer: Some(Peer(peer)) })
        };
        waiting.filter_map(connection).collect()
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

struct Connection {
    io: Box<dyn Io>,
    peer: Option<Peer>,
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
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok(connection) => attend(connection, service.clone(), &drain),
            Err(error) => rest_after(&error).await,
        }
    }
    // Whom the kernel has let in already is served, not cut off.
    for connection in listener.leftovers() {
        attend(connection, service.clone(), &drain);
    }
    tokio::time::sleep(LINGER).await;
    if tokio::time::timeout(DRAIN, drain.shutdown()).await.is_err() {
        tracing::info!("open streams were cut at shutdown");
    }
}

fn attend<S, B>(connection: Connection, service: S, drain: &GracefulShutdown)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = std::convert::Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Connection { io, peer } = connection;
    let service = service.map_request(move |mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        request
    });
    let mut builder = Builder::new(hyper_util::rt::TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(64 * 1024);
    let served = builder.serve_connection(TokioIo::new(io), TowerToHyperService::new(service)).into_owned();
    let watched = drain.watch(served);
    tokio::spawn(async move {
        if let Err(error) = watched.await {
            tracing::debug!(%error, "connection ended early");
        }
    });
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
