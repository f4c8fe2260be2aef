//! What a person came for who has to sign in first: a client's authorization request, or an account to connect. Its
//! handle goes with them through every form and every provider, and leads on.

use bailiwick_domain::opaque::{ConnectTicket, Kind as _};

use crate::authority::Authority;
use crate::authorize::Held;
use crate::connections;
use crate::fault::Fault;
use crate::visit::Visit;

/// What they came for.
pub(super) struct Pending {
    /// As it goes into forms.
    pub(super) handle: String,
    /// What they are told of it.
    pub(super) purpose: Purpose,
}

/// What a person is told of it.
pub(crate) enum Purpose {
    /// This application asks for access.
    Access(String),
    /// An account is to be connected.
    Connect,
}

impl Pending {
    /// Where they go once signed in.
    fn onward(&self) -> String {
        match self.purpose {
            Purpose::Access(_) => format!("/consent?request={}", self.handle),
            Purpose::Connect => format!("/connect/{}", self.handle),
        }
    }
}

/// What is to go on, if something was named; a wrong one is not passed over.
pub(super) async fn pending(authority: &Authority, visit: &Visit, raw: Option<&str>) -> Result<Option<Pending>, Fault> {
    let Some(named) = raw else { return Ok(None) };
    if named.starts_with(ConnectTicket::PREFIX) {
        connections::open(authority, visit, named).await?;
        return Ok(Some(Pending { handle: named.to_owned(), purpose: Purpose::Connect }));
    }
    let found = Held::find(authority, visit, raw).await?;
    Ok(Some(Pending { handle: found.handle, purpose: Purpose::Access(found.client.name) }))
}

/// Where a person goes once signed in.
pub(super) fn onward(pending: Option<&Pending>) -> String {
    pending.map_or_else(|| "/account".to_owned(), Pending::onward)
}

/// Where a person goes while there is no account at all.
pub(super) fn to_setup(pending: Option<&Pending>) -> String {
    pending.map_or_else(|| "/setup".to_owned(), |pending| format!("/setup?request={}", pending.handle))
}

/// Where a person goes who has an account.
pub(super) fn to_login(pending: Option<&Pending>) -> String {
    pending.map_or_else(|| "/login".to_owned(), |pending| format!("/login?request={}", pending.handle))
}
