//! What every kind of credential stands on.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::jose::Signer;
use bailiwick_domain::time::Clock;
use bailiwick_domain::uri::Issuer;
use bailiwick_net::Http;
use bailiwick_store::Store;

use crate::accounts::Accounts;
use crate::connection::Open;
use crate::memory::Memory;
use crate::prepared::Prepared;
use crate::provider::Providers;
use crate::settings::Credentials;

/// What a broker is made of.
pub struct Parts {
    /// Who we are outward.
    pub issuer: Issuer,
    /// Signs what we say to others.
    pub signer: Arc<dyn Signer>,
    /// Holds what people connected.
    pub store: Store,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws ids.
    pub entropy: Arc<dyn Entropy>,
    /// Reaches token endpoints.
    pub http: Http,
}

/// Obtains what the tools behind want.
pub struct Broker {
    pub(crate) issuer: Issuer,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) store: Store,
    pub(crate) opened: Memory<Arc<Open>>,
    pub(crate) providers: ArcSwap<Providers>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) http: Http,
    pub(crate) accounts: Arc<Accounts>,
}

impl Broker {
    /// Puts a broker together.
    pub fn new(parts: Parts) -> Self {
        let wheels = (Arc::clone(&parts.clock), Arc::clone(&parts.entropy));
        let accounts = Accounts::new(parts.issuer.clone(), parts.store.clone(), wheels, parts.http.clone());
        Self {
            accounts: Arc::new(accounts),
            issuer: parts.issuer,
            signer: parts.signer,
            opened: Memory::of(&parts.store),
            store: parts.store,
            providers: ArcSwap::default(),
            clock: parts.clock,
            entropy: parts.entropy,
            http: parts.http,
        }
    }

    /// Makes the credentials of a server or a tool ready; `label` is what the record calls them. What they obtain is
    /// kept with them and ends with them.
    ///
    /// # Errors
    /// [`crate::BrokerError::Unfit`] where they cannot work at all.
    pub fn prepare(&self, label: &str, credentials: &Credentials) -> Result<Prepared, crate::BrokerError> {
        Prepared::new(label, credentials)
    }
}

impl Broker {
    /// What people can connect to.
    pub fn providers(&self) -> Arc<Providers> {
        self.providers.load_full()
    }

    /// Takes these as what people can connect to from now on. What they connected to others stays, for when they come
    /// back.
    pub fn reload(&self, providers: Providers) {
        self.providers.store(Arc::new(providers));
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
