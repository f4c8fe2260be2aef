//! What people leave here themselves: a key, a name and a password, or their word to be called by a name. It goes into the
//! vault and nowhere else, and what could never be shown to anybody is not taken.

use std::collections::BTreeSet;

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_store::{ConnectionKey, NewConnection};
use zeroize::Zeroizing;

use crate::broker::Broker;
use crate::connection::Held;
use crate::credential::placed;
use crate::obtained::{BrokerError, Obtained};
use crate::provider::{Provider, ProviderKind};

/// What a person leaves.
pub struct Left {
    /// The name, where one goes with it.
    pub name: Option<String>,
    /// The key or password.
    pub secret: Zeroizing<String>,
}

impl Broker {
    /// Keeps what a person left for that provider.
    ///
    /// # Errors
    /// [`BrokerError::Unfit`] for what cannot be shown to anybody, [`BrokerError::Later`] where it cannot be kept now.
    pub async fn leave(
        &self,
        provider: &Provider,
        key: &ConnectionKey,
        left: Left,
        event: AuditEvent,
    ) -> Result<(), BrokerError> {
        let secret = left.secret.as_str().to_owned();
        let held = match (&provider.kind, &left.name) {
            (ProviderKind::Key(_), None) => Held::Key { key: secret, to: provider.destinations.clone() },
            (ProviderKind::Login, Some(name)) => {
                Held::Login { username: name.clone(), password: secret, to: provider.destinations.clone() }
            }
            (ProviderKind::Named { audience, .. }, Some(name)) => {
                Held::Agreed { name: name.clone(), to: BTreeSet::from([audience.clone()]) }
            }
            (ProviderKind::Key(_) | ProviderKind::Login | ProviderKind::Named { .. } | ProviderKind::Oauth(_), _) => {
                return Err(BrokerError::Unfit("this is not what is asked for here".to_owned()));
            }
        };
        placed(&provider.kind, &held)?;
        let text = serde_json::to_string(&held).map_err(|error| BrokerError::Unfit(error.to_string()))?;
        let new = NewConnection {
            key: key.clone(),
            client: String::new(),
            scope: ScopeSet::default(),
            account: left.name,
            secret: Zeroizing::new(text),
            expires_at: None,
            rotates: false,
        };
        let kept = self.store.connect(new, event).await;
        kept.map(drop).map_err(|error| BrokerError::Later(error.to_string()))
    }

    /// What a person left for that provider, as tools at `destination` are shown it.
    ///
    /// # Errors
    /// [`BrokerError`] where there is nothing, or nothing that can be shown there.
    pub async fn left(
        &self,
        provider: &Provider,
        key: &ConnectionKey,
        destination: &str,
    ) -> Result<Obtained, BrokerError> {
        placed(&provider.kind, &self.open(key, destination).await?.held)
    }
}
