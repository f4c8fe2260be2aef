//! A link to connect by, found again: it counts for one person, once.

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::opaque::{ConnectTicket, Digest, Opaque};
use bailiwick_store::{ConnectionKey, Ticket, TicketLook};

use super::connector::Connectable;
use super::fault::ConnectFault;
use crate::authority::Authority;
use crate::fault::Fault;
use crate::visit::{Person, Visit};

/// A link that is open to the person who follows it.
pub(crate) struct Invitation {
    /// The link, as it stands in its URL.
    pub(crate) raw: String,
    /// The same as the store knows it.
    pub(crate) digest: Digest<ConnectTicket>,
    /// What it is for.
    pub(crate) ticket: Ticket,
    /// Where to connect.
    pub(crate) provider: Connectable,
}

/// The link of that text, while it is open to anybody.
pub(crate) async fn open(
    authority: &Authority,
    visit: &Visit,
    raw: &str,
) -> Result<(Digest<ConnectTicket>, Ticket), Fault> {
    let digest = Opaque::<ConnectTicket>::parse(raw).ok_or(ConnectFault::Unknown)?.digest();
    match authority.store.ticket(&digest, visit.now).await? {
        TicketLook::Open(ticket) => Ok((digest, ticket)),
        TicketLook::Used => Err(ConnectFault::Used.into()),
        TicketLook::Unknown => Err(ConnectFault::Unknown.into()),
    }
}

impl Invitation {
    /// The link of that text, if it was made for this person and is open.
    ///
    /// INVARIANT: whoever connects through a link is whose call asked for it (T14): otherwise the access of one person
    /// would serve another.
    pub(crate) async fn find(authority: &Authority, visit: &Visit, raw: &str, person: &Person) -> Result<Self, Fault> {
        let (digest, ticket) = open(authority, visit, raw).await?;
        if ticket.user != person.user.id && holds(Control::TicketUser) {
            return Err(ConnectFault::OtherPerson { here: person.user.id.clone(), client: ticket.client }.into());
        }
        let provider = authority.connectable(&ticket.provider).ok_or(ConnectFault::Gone)?;
        Ok(Self { raw: raw.to_owned(), digest, ticket, provider })
    }

    /// Whose connection it makes: of whom it was made for, and nobody else's.
    pub(crate) fn key(&self) -> ConnectionKey {
        ConnectionKey { user: self.ticket.user.clone(), provider: self.ticket.provider.clone() }
    }

    /// Uses it up.
    ///
    /// # Errors
    /// [`ConnectFault::Used`] for everybody but the first.
    pub(crate) async fn spend(&self, authority: &Authority, visit: &Visit) -> Result<(), Fault> {
        if authority.store.use_ticket(&self.digest, visit.now).await? { Ok(()) } else { Err(ConnectFault::Used.into()) }
    }
}
