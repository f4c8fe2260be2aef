//! Trying what a person connected: the servers that it is for are asked for their tools with it.

use bailiwick_broker::{BrokerError, Provider};
use bailiwick_store::ConnectionKey;

use super::http::Talk;
use super::survey::{Mute, survey};
use crate::credential;
use crate::gateway::Gateway;
use crate::hosted::Reach;

/// Why what was tried does not work, or nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// There is nothing that could be shown.
    Lost(BrokerError),
    /// A server does not let it in.
    Refused,
    /// A server cannot be asked right now.
    Unknown(String),
}

impl Gateway {
    /// Tries what a person left for a provider on each server over HTTP that it is for.
    ///
    /// # Errors
    /// [`Tried`] by the first server that does not let it in.
    pub async fn tries(&self, provider: &Provider, key: &ConnectionKey) -> Result<(), Tried> {
        let servers = self.servers.load_full();
        for server in servers.iter().filter(|server| server.settings.works_with(&key.provider)) {
            let shown = self.broker.left(provider, key, &server.destination).await.map_err(Tried::Lost)?;
            let Reach::Http(uri) = server.reach.as_ref() else { continue };
            let scrubber = credential::scrubber(server, &shown);
            match survey(&mut Talk::to(self, server, (uri, &shown)), &scrubber).await {
                Ok(_) => {}
                Err(Mute::Closed(_)) => return Err(Tried::Refused),
                Err(mute @ (Mute::Unreachable(_) | Mute::Refused(_))) => return Err(Tried::Unknown(mute.to_string())),
            }
        }
        Ok(())
    }
}
