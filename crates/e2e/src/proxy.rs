//! A TCP proxy in front of a database that can fall silent, be late, or be late on some connections more than on others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What it does with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Passes them on.
    Fair,
    /// Keeps them; connections stay open.
    Silent,
    /// Passes them on later.
    Late(Duration),
    /// Passes those of each connection on later by another while, up to this long: what was said on one is heard before
    /// what was said earlier on another.
    Uneven(Duration),
    /// Cuts every connection and takes no other.
    Cut,
}

/// A running proxy.
pub struct Proxy {
    pub port: u16,
    weather: watch::Sender<Weather>,
    stop: CancellationToken,
}

impl Proxy {
    /// In front of `127.0.0.1:{port}`.
    pub async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (weather, seen) = watch::channel(Weather::Fair);
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, port, seen, stop.clone()));
        Self { port: own, weather, stop }
    }

    /// From now on.
    pub fn turn(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn serve(listener: TcpListener, to: u16, weather: watch::Receiver<Weather>, stop: CancellationToken) {
    let count = Arc::new(AtomicU64::new(0));
    loop {
        let client = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted.unwrap().0,
        };
        if *weather.borrow() == Weather::Cut {
            continue;
        }
        let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else { continue };
        let number = count.fetch_add(1, Ordering::Relaxed);
        let ((client_in, client_out), (server_in, server_out)) = (client.into_split(), server.into_split());
        let (one, other) = (weather.clone(), weather.clone());
        let over = stop.child_token();
        for (from, to, weather) in [(client_in, server_out, one), (server_in, client_out, other)] {
            let over = over.clone();
            tokio::spawn(async move {
                let ended = over.clone();
                tokio::select! {
                    () = ended.cancelled() => {}
                    () = carry(from, to, weather, number) => over.cancel(),
                }
            });
        }
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    number: u64,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            _ = weather.wait_for(|now| *now == Weather::Cut) => return,
        };
        if read == 0 {
            return;
        }
        let now = *weather.borrow();
        match now {
            Weather::Fair => {}
            Weather::Late(by) => tokio::time::sleep(by).await,
            Weather::Uneven(most) => {
                // Spread over the connections, as chance would.
                let share = u32::try_from((number * 7 + 3) % 10).unwrap();
                tokio::time::sleep(most * share / 9).await;
            }
            Weather::Silent | Weather::Cut => {
                if weather.wait_for(|now| *now != Weather::Silent).await.is_err() || *weather.borrow() == Weather::Cut {
                    return;
                }
            }
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
