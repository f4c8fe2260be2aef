//! Signed-in browsers, known by the digest of their cookie.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::ids::{SessionId, UserId};
use bailiwick_domain::opaque::{Digest, SessionCookie};
use bailiwick_domain::time::Timestamp;
use sqlx::any::AnyRow;

use crate::error::{Fault, StoreError};
use crate::lane::Verdict;
use crate::rows::Columns as _;
use crate::store::Store;

/// At which provider somebody signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its issuer.
    pub issuer: String,
    /// Its own session (`sid`), where it names one.
    pub session: Option<String>,
}

/// A session about to begin.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// The digest of its cookie.
    pub digest: Digest<SessionCookie>,
    /// Whose it is.
    pub user: UserId,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// How long it may lie unused.
    pub idle_until: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// What the browser calls itself.
    pub agent: String,
    /// Where the person signed in, if that was not here.
    pub origin: Option<Origin>,
}

/// A live session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// How long it may lie unused.
    pub idle_until: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// What the browser calls itself.
    pub agent: String,
}

impl Store {
    /// Begins a session.
    pub async fn open_session(&self, session: NewSession, event: AuditEvent) -> Result<(), StoreError> {
        self.write(session.user.clone().as_str(), (session, event), |(session, event), tx| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO sessions (id, digest, user_id, auth_time, idle_until, expires_at, agent,
                         login_issuer, login_session)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                )
                .bind(session.id.as_str())
                .bind(session.digest.as_str())
                .bind(session.user.as_str())
                .bind(session.auth_time.millis())
                .bind(session.idle_until.millis())
                .bind(session.expires_at.millis())
                .bind(session.agent.as_str())
                .bind(session.origin.as_ref().map(|origin| origin.issuer.as_str()))
                .bind(session.origin.as_ref().and_then(|origin| origin.session.as_deref()))
                .execute(tx.sql())
                .await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(()))
            })
        })
        .await
    }

    /// The session of that cookie, while it lives and its user is not disabled.
    pub async fn session(&self, digest: &Digest<SessionCookie>, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query(
            "SELECT s.id, s.user_id, s.auth_time, s.idle_until, s.expires_at, s.agent
             FROM sessions s JOIN users u ON u.id = s.user_id
             WHERE s.digest = $1 AND s.idle_until > $2 AND s.expires_at > $2 AND u.disabled_at IS NULL",
        )
        .bind(digest.as_str().to_owned())
        .bind(now.millis())
        .fetch_optional(self.readers())
        .await
        .map_err(Fault::from)?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    /// Every live session of a user, newest first.
    pub async fn sessions_of(&self, user: &UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, user_id, auth_time, idle_until, expires_at, agent FROM sessions
             WHERE user_id = $1 AND idle_until > $2 AND expires_at > $2 ORDER BY auth_time DESC, id",
        )
        .bind(user.as_str().to_owned())
        .bind(now.millis())
        .fetch_all(self.readers())
        .await
        .map_err(Fault::from)?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Lets a session lie unused until `idle_until`, never past its end.
    pub async fn touch_session(&self, id: &SessionId, idle_until: Timestamp) -> Result<(), StoreError> {
        self.write(id.as_str(), (id.clone(), idle_until), |(id, idle_until), tx| {
            Box::pin(async move {
                sqlx::query("UPDATE sessions SET idle_until = $1 WHERE id = $2 AND idle_until < $1")
                    .bind(idle_until.millis())
                    .bind(id.as_str())
                    .execute(tx.sql())
                    .await?;
                Ok(Verdict::Keep(()))
            })
        })
        .await
    }

    /// Ends a session of this user; `false` when there is none.
    pub async fn close_session(&self, id: &SessionId, user: &UserId, event: AuditEvent) -> Result<bool, StoreError> {
        self.write(user.as_str(), (id.clone(), user.clone(), event), |(id, user, event), tx| {
            Box::pin(async move {
                let row = sqlx::query("DELETE FROM sessions WHERE id = $1 AND user_id = $2 RETURNING id")
                    .bind(id.as_str())
                    .bind(user.as_str())
                    .fetch_optional(tx.sql())
                    .await?;
                if row.is_none() {
                    return Ok(Verdict::Undo(false));
                }
                tx.audit(event).await?;
                Ok(Verdict::Keep(true))
            })
        })
        .await
    }
}

fn read(row: &AnyRow) -> Result<Session, Fault> {
    Ok(Session {
        id: SessionId::from_stored(row.text("id")?),
        user: UserId::from_stored(row.text("user_id")?),
        auth_time: row.moment("auth_time")?,
        idle_until: row.moment("idle_until")?,
        expires_at: row.moment("expires_at")?,
        agent: row.text("agent")?,
    })
}
