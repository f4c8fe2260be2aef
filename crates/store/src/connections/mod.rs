//! What people connected at providers behind: one connection per person and provider, sealed in the vault, with the
//! state its refresh is in. A generation names what a row holds: it changes with every new secret and never comes
//! back, so that nobody writes over what they did not read.

mod clients;
mod keep;
mod refresh;
mod row;
mod tickets;

use std::fmt;

use bailiwick_domain::ids::UserId;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use zeroize::Zeroizing;

pub use clients::ProviderClient;
pub use refresh::{Failure, Lease, RefreshLease, Renewal};
pub use tickets::{Ticket, TicketLook};

use crate::error::{Fault, StoreError};
use crate::vault::KeyError;

/// Whose connection, and to what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionKey {
    /// Whose.
    pub user: UserId,
    /// The provider, as the configuration calls it.
    pub provider: String,
}

impl ConnectionKey {
    /// The name of the lock around everything that writes it.
    fn lock(&self) -> String {
        format!("{} {}", self.user, self.provider)
    }
}

impl fmt::Display for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.user, self.provider)
    }
}

/// What state the credential is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Usable while it has not expired.
    Fresh,
    /// Somebody asks, or asked, the provider for new tokens.
    Refreshing,
    /// Its person has to connect again.
    NeedsReconnect,
    /// The provider could not answer; it is asked again later.
    Retryable,
}

impl ConnectionState {
    const ALL: [Self; 4] = [Self::Fresh, Self::Refreshing, Self::NeedsReconnect, Self::Retryable];

    /// Its name in rows and on pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Refreshing => "refreshing",
            Self::NeedsReconnect => "needs_reconnect",
            Self::Retryable => "retryable",
        }
    }

    fn named(name: &str) -> Result<Self, Fault> {
        Self::ALL.into_iter().find(|state| state.as_str() == name).ok_or(Fault::Unreadable("connections.state"))
    }
}

/// A connection about to be kept.
pub struct NewConnection {
    /// Whose, and to what.
    pub key: ConnectionKey,
    /// Who this installation is there (`client_id`).
    pub client: String,
    /// What it may do there.
    pub scope: ScopeSet,
    /// What the account is called there, where that is known.
    pub account: Option<String>,
    /// The credential, in the words of whoever keeps it.
    pub secret: Zeroizing<String>,
    /// Until when it can be used without a refresh.
    pub expires_at: Option<Timestamp>,
    /// False only where the provider is known to let a refresh token be used again.
    pub rotates: bool,
}

/// A connection that was opened.
pub struct Connection {
    /// What is known of it without opening it.
    pub view: ConnectionView,
    /// The credential.
    pub secret: Zeroizing<String>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("view", &self.view).finish_non_exhaustive()
    }
}

/// What is known of a connection without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionView {
    /// Whose, and to what.
    pub key: ConnectionKey,
    /// Who this installation is there (`client_id`).
    pub client: String,
    /// What it may do there.
    pub scope: ScopeSet,
    /// What the account is called there, where that is known.
    pub account: Option<String>,
    /// Until when it can be used without a refresh.
    pub expires_at: Option<Timestamp>,
    /// False only where the provider is known to let a refresh token be used again.
    pub rotates: bool,
    /// Which secret it holds.
    pub generation: i64,
    /// What state it is in.
    pub state: ConnectionState,
    /// Why it is in that state, in words.
    pub trouble: Option<String>,
    /// Until when a refresh may take, or before when none is tried again.
    pub held_until: Timestamp,
    /// When the person connected.
    pub connected_at: Timestamp,
    /// When it last got a secret.
    pub refreshed_at: Timestamp,
}

/// Why a connection could not be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The row was moved, copied or changed by hand. It is on record, and its person has to connect again.
    #[error("what the vault holds for this connection was moved or changed; it opens for nobody")]
    Unreadable,
    /// The key it is under is not at hand; the connection itself is whole.
    #[error("the vault key {0} is not at hand: name it among `vault.former`")]
    NoKey(String),
    /// Nobody knows.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Fault> for ConnectionError {
    fn from(fault: Fault) -> Self {
        Self::Store(fault.into())
    }
}

impl From<KeyError> for ConnectionError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Unknown(name) => Self::NoKey(name),
            KeyError::Unreadable => Self::Unreadable,
            KeyError::Unavailable(_) => Self::Store(crate::vault::unavailable(&error)),
        }
    }
}
