//! A row of `connections`, there and back.

use bailiwick_domain::ids::UserId;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use sqlx::any::AnyRow;

use super::{ConnectionKey, ConnectionState, ConnectionView};
use crate::error::Fault;
use crate::rows::Columns as _;
use crate::vault::{Binding, Record, Wrapped};

/// The columns that [`view`] reads.
pub(super) const VIEW: &str = "user_id, provider, client, scope, account, expires_at, rotates, generation, state,
    trouble, held_until, connected_at, refreshed_at";

pub(super) fn view(row: &AnyRow) -> Result<ConnectionView, Fault> {
    Ok(ConnectionView {
        key: ConnectionKey { user: UserId::from_stored(row.text("user_id")?), provider: row.text("provider")? },
        client: row.text("client")?,
        scope: ScopeSet::parse(&row.text("scope")?).ok_or(Fault::Unreadable("connections.scope"))?,
        account: row.maybe_text("account")?,
        expires_at: row.maybe_moment("expires_at")?,
        rotates: row.number("rotates")? != 0,
        generation: row.number("generation")?,
        state: ConnectionState::named(&row.text("state")?)?,
        trouble: row.maybe_text("trouble")?,
        held_until: row.moment("held_until")?,
        connected_at: row.moment("connected_at")?,
        refreshed_at: row.moment("refreshed_at")?,
    })
}

pub(super) fn record(row: &AnyRow) -> Result<Record, Fault> {
    let wrapped = Wrapped { key: row.text("key_name")?, text: row.text("wrapped")? };
    Ok(Record { wrapped, sealed: row.text("sealed")? })
}

/// What a connection's secret is bound to: its row, and what the row says of it.
pub(super) struct Bound<'a> {
    pub(super) key: &'a ConnectionKey,
    pub(super) generation: i64,
    pub(super) client: &'a str,
    pub(super) scope: &'a ScopeSet,
    pub(super) account: Option<&'a str>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) rotates: bool,
}

impl Bound<'_> {
    pub(super) fn binding(&self) -> Binding {
        let rest = (self.client, self.scope.to_string(), self.account, self.expires_at, self.rotates);
        Binding::new("connections", (self.key.user.as_str(), &self.key.provider), self.generation, &rest)
    }
}

impl ConnectionView {
    pub(super) fn binding(&self) -> Binding {
        Bound {
            key: &self.key,
            generation: self.generation,
            client: &self.client,
            scope: &self.scope,
            account: self.account.as_deref(),
            expires_at: self.expires_at,
            rotates: self.rotates,
        }
        .binding()
    }
}
