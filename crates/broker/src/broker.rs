//! What every kind of credential stands on.

use std::sync::Arc;

use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::jose::Signer;
use bailiwick_domain::time::Clock;
use bailiwick_domain::uri::Issuer;
use bailiwick_net::Http;

use crate::prepared::Prepared;
use crate::settings::Credentials;

/// What a broker is made of.
pub struct Parts {
    /// Who we are outward.
    pub issuer: Issuer,
    /// Signs what we say to others.
    pub signer: Arc<dyn Signer>,
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
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) http: Http,
}

impl Broker {
    /// Puts a broker together.
    pub fn new(parts: Parts) -> Self {
        Self {
            issuer: parts.issuer,
            signer: parts.signer,
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

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
