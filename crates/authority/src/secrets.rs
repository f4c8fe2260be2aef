//! The keys of this role, each derived from the master key for one purpose, so that none can stand in for another.

use bailiwick_domain::seal::{MasterKey, Sealer};
use zeroize::Zeroizing;

/// What the authority seals and signs with, besides its token keys.
pub struct Secrets {
    pub(crate) registration: Sealer,
    pub(crate) upstream_login: Sealer,
    pub(crate) client_secret: Zeroizing<[u8; 32]>,
    pub(crate) form: Zeroizing<[u8; 32]>,
}

impl Secrets {
    /// Derives every key from the installation's master key.
    pub fn derive(master: &MasterKey) -> Self {
        Self {
            registration: master.sealer("registered client"),
            upstream_login: master.sealer("upstream login"),
            client_secret: master.derive("registered client secret"),
            form: master.derive("form token"),
        }
    }
}
