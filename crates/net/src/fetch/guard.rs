//! The guard: where a document may be fetched from. A name is resolved once, every address it has must do, and the
//! connection goes to an address that was vetted, so that a name that changes its mind in between changes nothing.

mod special;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use bailiwick_domain::control::{self, Control};
use bailiwick_domain::uri::DocumentUrl;
use rustls::ClientConfig;

use super::error::FetchError;
use super::roots::Trust;
use special::{Reach, reach};

const HTTPS: u16 = 443;

/// Turns a host name into addresses.
pub trait Resolve: Send + Sync {
    /// Every address of `host`, with `port`.
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;
}

/// Asks the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// One host and port whose documents may come from a private address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Private {
    host: String,
    port: u16,
}

impl Private {
    /// Reads `host:port`, or `host` for port 443.
    pub fn parse(raw: &str) -> Option<Self> {
        let url = DocumentUrl::parse(&format!("https://{raw}/-")).ok()?;
        (url.authority() == raw).then(|| Self { host: url.host().to_owned(), port: url.port() })
    }

    fn is(&self, url: &DocumentUrl) -> bool {
        self.host == url.host() && self.port == url.port()
    }
}

/// What a guard is made of.
pub struct GuardSettings {
    /// Who turns names into addresses.
    pub resolver: Arc<dyn Resolve>,
    /// Where documents may come from a private address.
    pub private: Vec<Private>,
    /// Which ports there may be besides 443.
    pub ports: Vec<u16>,
    /// Whose certificates are believed.
    pub trust: Trust,
}

/// Decides where a document may be fetched from.
pub struct Guard {
    settings: GuardSettings,
}

/// A place that was vetted; only [`Guard::vet`] makes one.
pub(super) struct Vetted {
    /// Its addresses, each of which will do.
    pub(super) addresses: Vec<SocketAddr>,
    /// How to speak with it.
    pub(super) tls: Arc<ClientConfig>,
    private: bool,
}

impl Guard {
    /// A guard that holds to these settings.
    pub fn new(settings: GuardSettings) -> Self {
        Self { settings }
    }

    /// Resolves the host of `url`, once, and vets every address.
    ///
    /// # Errors
    /// [`FetchError`] when the port or one of the addresses will not do.
    pub(super) async fn vet(&self, url: &DocumentUrl) -> Result<Vetted, FetchError> {
        let private = self.settings.private.iter().any(|allowed| allowed.is(url));
        if !private && url.port() != HTTPS && !self.settings.ports.contains(&url.port()) {
            return Err(FetchError::Port(url.port()));
        }
        let addresses = self.settings.resolver.resolve(url.host(), url.port()).await;
        let addresses = addresses.map_err(|error| FetchError::Unresolved(error.to_string()))?;
        if addresses.is_empty() {
            return Err(FetchError::Unresolved("it has no address".to_owned()));
        }
        let tls = if private { &self.settings.trust.private } else { &self.settings.trust.public };
        let vetted = Vetted { addresses, tls: Arc::clone(tls), private };
        match vetted.addresses.iter().find(|address| !vetted.allows(address.ip()) || address.port() != url.port()) {
            Some(address) => Err(FetchError::Address(address.ip())),
            None => Ok(vetted),
        }
    }
}

impl Vetted {
    /// Makes sure that a connection led where it was meant to.
    ///
    /// # Errors
    /// [`FetchError::Rebound`] when it did not.
    pub(super) fn confirm(&self, meant: SocketAddr, peer: SocketAddr) -> Result<(), FetchError> {
        let same = peer.ip() == meant.ip() && peer.port() == meant.port();
        if same && self.allows(peer.ip()) { Ok(()) } else { Err(FetchError::Rebound(peer.ip())) }
    }

    fn allows(&self, address: IpAddr) -> bool {
        match reach(address) {
            Reach::Global => true,
            Reach::Private => self.private || !control::holds(Control::DocumentAddress),
            Reach::Never => !control::holds(Control::DocumentAddress),
        }
    }
}

/// True for an address on the public internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match reach(address) {
        Reach::Global => true,
        Reach::Private | Reach::Never => !control::holds(Control::BrokerGuard),
    }
}

#[cfg(test)]
mod tests;
