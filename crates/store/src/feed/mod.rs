//! The feed: every revocation, and every change of what is known of a person, is a row written with the change itself,
//! and a view in memory that every process keeps true. A reader reads each writer's rows in that writer's own order, which is its commit order, so nothing can slip
//! past a cursor; a notification wakes it (and says at once what ended), and each second it looks anyway. Silence is not consent: a view that
//! could not be refreshed for longer than `staleness` says so.

mod coordinates;
mod herald;
mod reader;
mod switches;
mod view;

use bailiwick_domain::ids::{ClientId, GrantId, TokenId, UserId};
use bailiwick_domain::time::Timestamp;
use sqlx::AnyConnection;

pub use bailiwick_domain::token::Standing;
pub use coordinates::Coordinates;
pub(crate) use herald::{listen, told};
pub(crate) use reader::Reader;
pub use view::Revocations;

use crate::error::Fault;
use crate::lane::Ledger;

/// What kind of thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// A grant, with every token below it.
    Grant,
    /// One access token.
    Token,
    /// A user, with everything that acts for them.
    User,
    /// A client, with everything it holds.
    Client,
    /// A user who was disabled may be served again.
    UserBack,
    /// A client that was stopped may be served again.
    ClientBack,
    /// What is known of a user is no longer what it was.
    UserChanged,
    /// An agent, with every token that names it.
    Agent,
    /// An agent may act again, with new tokens.
    AgentBack,
    /// A step from one party to the next, with every token that came along it.
    Edge,
    /// A step may be taken again, by new tokens.
    EdgeBack,
    /// A tool, for everybody.
    Tool,
    /// A tool may be called again.
    ToolBack,
    /// A party under one grant, for good: `{grant} {party}`.
    Party,
    /// A person's connection to a provider is not what it was: `{user} {provider}`. Whoever holds a credential from
    /// it lets go of it.
    Connection,
}

impl ChangeKind {
    /// Every kind.
    const ALL: [Self; 15] = [
        Self::Grant,
        Self::Token,
        Self::User,
        Self::Client,
        Self::UserBack,
        Self::ClientBack,
        Self::UserChanged,
        Self::Agent,
        Self::AgentBack,
        Self::Edge,
        Self::EdgeBack,
        Self::Tool,
        Self::ToolBack,
        Self::Party,
        Self::Connection,
    ];

    /// Its name in the feed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Token => "token",
            Self::User => "user",
            Self::Client => "client",
            Self::UserBack => "user_back",
            Self::ClientBack => "client_back",
            Self::UserChanged => "user_changed",
            Self::Agent => "agent",
            Self::AgentBack => "agent_back",
            Self::Edge => "edge",
            Self::EdgeBack => "edge_back",
            Self::Tool => "tool",
            Self::ToolBack => "tool_back",
            Self::Party => "party",
            Self::Connection => "connection",
        }
    }

    /// True for what only takes away.
    const fn ends(self) -> bool {
        match self {
            Self::Grant
            | Self::Token
            | Self::User
            | Self::Client
            | Self::Agent
            | Self::Edge
            | Self::Tool
            | Self::Party
            | Self::Connection => true,
            Self::UserBack
            | Self::ClientBack
            | Self::UserChanged
            | Self::AgentBack
            | Self::EdgeBack
            | Self::ToolBack => false,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Something that was ended, so that whoever serves it stops; that may begin again; or a person to be looked at anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    /// What kind of thing.
    pub kind: ChangeKind,
    /// Its id.
    pub subject: String,
}

impl Change {
    pub(crate) fn grant(id: &GrantId) -> Self {
        Self { kind: ChangeKind::Grant, subject: id.as_str().to_owned() }
    }

    pub(crate) fn party(grant: &GrantId, party: &str) -> Self {
        Self { kind: ChangeKind::Party, subject: format!("{grant} {party}") }
    }

    pub(crate) fn token(id: &TokenId) -> Self {
        Self { kind: ChangeKind::Token, subject: id.as_str().to_owned() }
    }

    pub(crate) fn user(id: &UserId) -> Self {
        Self { kind: ChangeKind::User, subject: id.as_str().to_owned() }
    }

    pub(crate) fn user_back(id: &UserId) -> Self {
        Self { kind: ChangeKind::UserBack, subject: id.as_str().to_owned() }
    }

    pub(crate) fn user_changed(id: &UserId) -> Self {
        Self { kind: ChangeKind::UserChanged, subject: id.as_str().to_owned() }
    }

    pub(crate) fn connection(user: &UserId, provider: &str) -> Self {
        Self { kind: ChangeKind::Connection, subject: format!("{user} {provider}") }
    }

    pub(crate) fn client(id: &ClientId) -> Self {
        Self { kind: ChangeKind::Client, subject: id.as_str().to_owned() }
    }

    pub(crate) fn client_back(id: &ClientId) -> Self {
        Self { kind: ChangeKind::ClientBack, subject: id.as_str().to_owned() }
    }
}

/// Writes a feed row under this writer's next number.
pub(crate) async fn append(
    connection: &mut AnyConnection,
    ledger: &mut Ledger,
    change: Change,
    at: Timestamp,
) -> Result<(), Fault> {
    let seq = ledger.feed_seq.saturating_add(1);
    sqlx::query("INSERT INTO feed (writer, seq, at, kind, subject) VALUES ($1, $2, $3, $4, $5)")
        .bind(ledger.writer.as_str())
        .bind(seq)
        .bind(at.millis())
        .bind(change.kind.as_str())
        .bind(change.subject.as_str())
        .execute(connection)
        .await?;
    ledger.feed_seq = seq;
    ledger.changes.push((change, at));
    Ok(())
}
