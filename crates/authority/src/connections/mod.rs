//! Connecting accounts at providers behind: the page that a link leads to, the way there and back, and what stands on
//! the account page. What is connected is kept and used by a [`Connector`]; an agent never sees it.

mod account;
mod away;
mod back;
mod connector;
mod fault;
mod invite;
mod ticket;

pub(crate) use account::{begin, cards, end, test};
pub(crate) use back::{done, finish};
pub use connector::{Answer, ConnectError, Connectable, Connector, Departure, Field, SPOKEN_NAME, SpokenName, Way};
pub(crate) use fault::ConnectFault;
pub(crate) use invite::{answer, ask};
pub(crate) use ticket::open;

use std::sync::Arc;

use crate::authority::Authority;
use crate::fault::Fault;
use crate::limit::Limit;

/// How often keys may be left here in a minute, from one address and in all.
const MOST_PER_ADDRESS: u32 = 10;
const MOST_FOR_ALL: u32 = 120;
/// What stands for a client where the person asks themselves.
const ACCOUNT: &str = "urn:bailiwick:account";

/// What these pages stand on.
pub(crate) struct Connecting {
    connector: Arc<dyn Connector>,
    tries: Limit,
}

impl Connecting {
    pub(crate) fn with(connector: Arc<dyn Connector>) -> Self {
        Self { connector, tries: Limit::of(MOST_PER_ADDRESS, MOST_FOR_ALL) }
    }
}

impl Authority {
    fn connecting(&self) -> Result<&Connecting, Fault> {
        self.connecting.as_ref().ok_or_else(|| ConnectFault::Gone.into())
    }

    /// The provider of that id.
    fn connectable(&self, id: &str) -> Option<Connectable> {
        let connecting = self.connecting.as_ref()?;
        connecting.connector.connectables().into_iter().find(|provider| provider.id == id)
    }

    /// Where the provider of that id answers.
    fn connect_callback(&self, id: &str) -> String {
        self.issuer.join(&bailiwick_broker::callback(id))
    }
}
