//! Links by which a person connects: unguessable, short-lived, used once. A link grants nothing by itself: whoever
//! follows it must be the person it names.

use std::time::Duration;

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::ids::{ClientId, UserId};
use bailiwick_domain::opaque::{ConnectTicket, Digest, Opaque};
use bailiwick_domain::time::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;
use zeroize::Zeroizing;

use crate::error::{Fault, StoreError};
use crate::lane::Verdict;
use crate::rows::Columns as _;
use crate::store::Store;

/// How much time a link must have left to be given out again.
const LEFT: Duration = Duration::from_mins(5);

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Who is to connect.
    pub user: UserId,
    /// To which provider.
    pub provider: String,
    /// Which client's call asked for it.
    pub client: ClientId,
    /// At which server.
    pub server: String,
    /// For which tool, where it was one.
    pub tool: Option<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a link turns out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketLook {
    /// It waits for its person.
    Open(Ticket),
    /// It was used, or its time is over.
    Used,
    /// Nobody was ever given it, or long ago.
    Unknown,
}

impl Store {
    /// Gives a link out: the one that already waits for the same person, provider and client, or else `new`. Asking
    /// again and again leaves one row.
    pub async fn open_ticket(
        &self,
        new: Opaque<ConnectTicket>,
        ticket: Ticket,
        now: Timestamp,
    ) -> Result<Zeroizing<String>, StoreError> {
        if let Some(link) = self.waiting_ticket(&ticket, now).await? {
            return Ok(link);
        }
        let (digest, link) = (new.digest(), new.expose());
        let sealed = self.core.sealer.seal(&*self.core.entropy, &context(digest.as_str()), link.as_bytes());
        let lock = format!("{} {}", ticket.user, ticket.provider);
        self.write(&lock, (digest, sealed, ticket), |(digest, sealed, ticket), tx| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO connect_tickets (digest, sealed, user_id, provider, client, server, tool, expires_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                )
                .bind(digest.as_str())
                .bind(sealed.as_str())
                .bind(ticket.user.as_str())
                .bind(ticket.provider.as_str())
                .bind(ticket.client.as_str())
                .bind(ticket.server.as_str())
                .bind(ticket.tool.as_deref())
                .bind(ticket.expires_at.millis())
                .execute(tx.sql())
                .await?;
                Ok(Verdict::Keep(()))
            })
        })
        .await?;
        Ok(link)
    }

    /// What that link is.
    pub async fn ticket(&self, digest: &Digest<ConnectTicket>, now: Timestamp) -> Result<TicketLook, StoreError> {
        let row = sqlx::query(
            "SELECT user_id, provider, client, server, tool, expires_at, used_at FROM connect_tickets
             WHERE digest = $1",
        )
        .bind(digest.as_str().to_owned())
        .fetch_optional(self.readers())
        .await
        .map_err(Fault::from)?;
        let Some(row) = row else { return Ok(TicketLook::Unknown) };
        let ticket = read(&row)?;
        let used = row.maybe_moment("used_at")?.is_some() && holds(Control::TicketOnce);
        let over = used || ticket.expires_at <= now;
        Ok(if over { TicketLook::Used } else { TicketLook::Open(ticket) })
    }

    /// Uses a link.
    ///
    /// INVARIANT: of all who use one link, in all processes, at most one is answered `true`.
    pub async fn use_ticket(&self, digest: &Digest<ConnectTicket>, now: Timestamp) -> Result<bool, StoreError> {
        self.write(digest.as_str(), (digest.clone(), now), |(digest, now), tx| {
            Box::pin(async move {
                let unused = if holds(Control::TicketOnce) { "used_at IS NULL" } else { "expires_at > 0" };
                let text = format!(
                    "UPDATE connect_tickets SET used_at = $1 WHERE digest = $2 AND {unused} AND expires_at > $1
                     RETURNING digest"
                );
                let row = sqlx::query(AssertSqlSafe(text))
                    .bind(now.millis())
                    .bind(digest.as_str())
                    .fetch_optional(tx.sql())
                    .await?;
                Ok(Verdict::Keep(row.is_some()))
            })
        })
        .await
    }

    async fn waiting_ticket(&self, ticket: &Ticket, now: Timestamp) -> Result<Option<Zeroizing<String>>, StoreError> {
        let row = sqlx::query(
            "SELECT digest, sealed FROM connect_tickets WHERE user_id = $1 AND provider = $2 AND client = $3
               AND server = $4 AND used_at IS NULL AND expires_at > $5 ORDER BY expires_at DESC LIMIT 1",
        )
        .bind(ticket.user.as_str().to_owned())
        .bind(ticket.provider.clone())
        .bind(ticket.client.as_str().to_owned())
        .bind(ticket.server.clone())
        .bind(now.after(LEFT).millis())
        .fetch_optional(self.readers())
        .await
        .map_err(Fault::from)?;
        let Some(row) = row else { return Ok(None) };
        let plain = self.core.sealer.open(&context(&row.text("digest")?), &row.text("sealed")?);
        // One that does not open is nobody's: another is given out.
        Ok(plain.and_then(|plain| std::str::from_utf8(&plain).ok().map(|text| Zeroizing::new(text.to_owned()))))
    }
}

fn read(row: &AnyRow) -> Result<Ticket, Fault> {
    Ok(Ticket {
        user: UserId::from_stored(row.text("user_id")?),
        provider: row.text("provider")?,
        client: ClientId::parse(&row.text("client")?).ok_or(Fault::Unreadable("connect_tickets.client"))?,
        server: row.text("server")?,
        tool: row.maybe_text("tool")?,
        expires_at: row.moment("expires_at")?,
    })
}

fn context(digest: &str) -> String {
    format!("connect_tickets|{digest}|sealed")
}
