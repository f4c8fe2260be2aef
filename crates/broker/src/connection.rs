//! What a person connected, opened: read from the vault once, and forgotten as soon as the feed says that it is another
//! or none.

use std::collections::BTreeSet;
use std::sync::Arc;

use bailiwick_domain::control::{Control, holds};
use bailiwick_store::{Connection, ConnectionError, ConnectionKey, ConnectionState};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::broker::Broker;
use crate::obtained::{BrokerError, Wanted};

/// What the vault holds for a connection, in our own words.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Held {
    /// A key, and where it may be shown.
    Key {
        key: String,
        #[serde(default)]
        to: BTreeSet<String>,
    },
    /// A name and a password, and where they may be shown.
    Login {
        username: String,
        password: String,
        #[serde(default)]
        to: BTreeSet<String>,
    },
    /// That the person agreed to be called so, and to whom.
    Agreed {
        name: String,
        #[serde(default)]
        to: BTreeSet<String>,
    },
    /// Tokens of an authorization server; what there is of them, [`crate::oauth::Bundle`] reads.
    Oauth,
}

impl Drop for Held {
    fn drop(&mut self) {
        match self {
            Self::Key { key, .. } => key.zeroize(),
            Self::Login { username, password, .. } => {
                username.zeroize();
                password.zeroize();
            }
            Self::Agreed { .. } | Self::Oauth => {}
        }
    }
}

impl Held {
    /// True when it was left for that destination: who connected it knew of no other (R19).
    pub(crate) fn is_for(&self, destination: &str) -> bool {
        match self {
            Self::Key { to, .. } | Self::Login { to, .. } | Self::Agreed { to, .. } => {
                to.contains(destination) || !holds(Control::BoundAccount)
            }
            Self::Oauth => false,
        }
    }
}

/// A connection that lies open.
pub(crate) struct Open {
    /// What the row says beside it.
    pub(crate) connection: Connection,
    /// What it holds.
    pub(crate) held: Held,
}

impl Broker {
    /// The secret that a person connected under that name, to be given to a child of theirs, and its generation.
    ///
    /// # Errors
    /// [`BrokerError::Unconnected`] where there is none, [`BrokerError::Lost`] where only its person can mend it.
    pub async fn secret(&self, wanted: &Wanted<'_>, connection: &str) -> Result<(Zeroizing<String>, i64), BrokerError> {
        let open = self.open(&wanted.connection(connection)?, wanted.destination).await?;
        match &open.held {
            Held::Key { key, .. } => Ok((Zeroizing::new(key.clone()), open.connection.view.generation)),
            Held::Login { .. } | Held::Agreed { .. } | Held::Oauth => {
                Err(BrokerError::Lost { provider: connection.to_owned() })
            }
        }
    }

    /// The connection, as it lies in the vault, for that destination.
    ///
    /// # Errors
    /// [`BrokerError::Unconnected`] where there is none, [`BrokerError::Lost`] where only its person can mend it: also
    /// where it was connected for another destination.
    pub(crate) async fn open(&self, key: &ConnectionKey, destination: &str) -> Result<Arc<Open>, BrokerError> {
        let open = self.opened(key).await?;
        if !open.held.is_for(destination) {
            return Err(BrokerError::Lost { provider: key.provider.clone() });
        }
        Ok(open)
    }

    /// Whether what was left may be shown at all of these.
    pub(crate) async fn is_for(&self, key: &ConnectionKey, mut to: impl Iterator<Item = &String>) -> bool {
        match self.opened(key).await {
            Ok(open) => to.all(|destination| open.held.is_for(destination)),
            Err(_) => true,
        }
    }

    /// The connection, as it lies in the vault.
    async fn opened(&self, key: &ConnectionKey) -> Result<Arc<Open>, BrokerError> {
        if let Some(open) = self.opened.find(key) {
            return Ok(open);
        }
        let mark = self.opened.mark();
        let lost = || BrokerError::Lost { provider: key.provider.clone() };
        let connection = match self.store.connection(key).await {
            Ok(Some(connection)) if connection.view.state == ConnectionState::NeedsReconnect => return Err(lost()),
            Ok(Some(connection)) => connection,
            Ok(None) => return Err(BrokerError::Unconnected { provider: key.provider.clone() }),
            Err(ConnectionError::Unreadable) => return Err(lost()),
            Err(error @ ConnectionError::NoKey(_)) => return Err(BrokerError::Unfit(error.to_string())),
            Err(error @ ConnectionError::Store(_)) => return Err(BrokerError::Later(error.to_string())),
        };
        let held = serde_json::from_str(&connection.secret).map_err(|_| lost())?;
        let open = Arc::new(Open { connection, held });
        // What is being renewed will be another in a moment.
        if open.connection.view.state == ConnectionState::Fresh {
            self.opened.keep(key, Arc::clone(&open), mark);
        }
        Ok(open)
    }
}
