//! Opening listeners: one address, or `localhost` in both families on one port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// `127.0.0.1` and, where the machine has it, `::1`, both on this port.
    Localhost(u16),
    /// Exactly this address.
    At(SocketAddr),
}

impl Listen {
    /// Reads `localhost:PORT`, `ADDRESS:PORT` or `[v6]:PORT`.
    pub fn parse(raw: &str) -> Option<Self> {
        match raw.strip_prefix("localhost:") {
            Some(port) => port.parse().ok().map(Self::Localhost),
            None => raw.parse().ok().map(Self::At),
        }
    }

    /// True when only this machine can reach it.
    pub fn is_loopback(self) -> bool {
        match self {
            Self::Localhost(_) => true,
            Self::At(address) => address.ip().is_loopback(),
        }
    }

    /// Opens the listeners; port 0 becomes one free port, the same in both families.
    ///
    /// # Errors
    /// What the operating system says of the first address; a missing IPv6 loopback is no error.
    pub async fn open(self) -> io::Result<Vec<TcpListener>> {
        match self {
            Self::At(address) => Ok(vec![TcpListener::bind(address).await?]),
            Self::Localhost(port) => both_families(port).await,
        }
    }
}

async fn both_families(port: u16) -> io::Result<Vec<TcpListener>> {
    let first = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), port)).await?;
    let port = first.local_addr()?.port();
    match TcpListener::bind((IpAddr::V6(Ipv6Addr::LOCALHOST), port)).await {
        Ok(second) => Ok(vec![first, second]),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Err(_) => Ok(vec![first]),
    }
}
