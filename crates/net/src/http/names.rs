//! Host names into addresses: all of them, or only those on the public internet. A connection goes to the address that
//! was looked at, so a name that changes its mind in between changes nothing.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;

use crate::fetch::is_public;

/// Which addresses will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// Any.
    All,
    /// Those on the public internet.
    Public,
}

impl Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let which = *self;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            match found.iter().find(|address| which == Self::Public && !is_public(address.ip())) {
                Some(address) => Err(io::Error::new(io::ErrorKind::PermissionDenied, refused(address.ip()))),
                None => Ok(found.into_iter()),
            }
        })
    }
}

/// What is said of an address nobody may be sent to.
pub(super) fn refused(address: IpAddr) -> String {
    format!("{address} is not a public address, and the configuration does not name it")
}
