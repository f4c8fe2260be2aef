//! What a login provider tells us unasked: that a session there is over, or that somebody is to be signed out of
//! everything. Each signal counts once: what it does and the note that it was heard are one write.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::text;
use bailiwick_domain::time::Timestamp;

use crate::error::{Fault, StoreError};
use crate::lane::{Tx, Verdict};
use crate::rows::Columns as _;
use crate::standing::end_grants;
use crate::store::Store;

/// A signal that was believed.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Whose.
    pub issuer: String,
    /// Its own name there (`jti`).
    pub jti: String,
    /// Until when it could come again and be believed.
    pub expires_at: Timestamp,
    /// What it ends.
    pub ends: SignalEnd,
}

/// What a signal ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalEnd {
    /// Browsers that were signed in at the issuer: those of an account there, of one session there, or both.
    Browsers {
        /// The account (`sub`).
        subject: Option<String>,
        /// The session (`sid`).
        session: Option<String>,
    },
    /// Every browser and every grant of an account there.
    Everything {
        /// The account (`sub`).
        subject: String,
    },
}

/// What came of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silenced {
    /// It was heard before.
    Repeated,
    /// It was taken in.
    Done {
        /// Browsers that were signed out.
        sessions: u64,
        /// Grants that ended.
        grants: u64,
    },
}

impl Store {
    /// Takes in a signal. An account or a session that is not known here has nothing to end.
    pub async fn hear(&self, signal: Signal, event: AuditEvent) -> Result<Silenced, StoreError> {
        let user = match &signal.ends {
            SignalEnd::Browsers { subject: None, .. } => None,
            SignalEnd::Browsers { subject: Some(subject), .. } | SignalEnd::Everything { subject } => {
                self.user_from(&signal.issuer, subject).await?
            }
        };
        let digest = text::encode(&text::sha256(format!("{}\n{}", signal.issuer, signal.jti).as_bytes()));
        let key = user.as_ref().map_or_else(|| digest.clone(), |user| user.as_str().to_owned());
        self.write(&key, (digest, signal, user, event), |(digest, signal, user, event), tx| {
            Box::pin(async move {
                if !is_new(tx, digest, signal.expires_at).await? {
                    return Ok(Verdict::Undo(Silenced::Repeated));
                }
                let (sessions, grants) = end(tx, signal, user.as_ref(), event.at).await?;
                let event = user.iter().fold(event.clone(), AuditEvent::user);
                tx.audit(&event).await?;
                Ok(Verdict::Keep(Silenced::Done { sessions, grants }))
            })
        })
        .await
    }

    /// The account that somebody from elsewhere has here.
    async fn user_from(&self, issuer: &str, subject: &str) -> Result<Option<UserId>, StoreError> {
        let row = sqlx::query("SELECT user_id FROM upstream_identities WHERE issuer = $1 AND subject = $2")
            .bind(issuer.to_owned())
            .bind(subject.to_owned())
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.map(|row| row.text("user_id").map(UserId::from_stored)).transpose()?)
    }
}

async fn is_new(tx: &mut Tx, digest: &str, expires_at: Timestamp) -> Result<bool, Fault> {
    let row = sqlx::query(
        "INSERT INTO signals (digest, expires_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING RETURNING digest",
    )
    .bind(digest)
    .bind(expires_at.millis())
    .fetch_optional(tx.sql())
    .await?;
    Ok(row.is_some())
}

async fn end(tx: &mut Tx, signal: &Signal, user: Option<&UserId>, now: Timestamp) -> Result<(u64, u64), Fault> {
    match (&signal.ends, user) {
        (SignalEnd::Browsers { subject: Some(_), .. } | SignalEnd::Everything { .. }, None) => Ok((0, 0)),
        (SignalEnd::Browsers { session, .. }, user) => {
            let sessions = sqlx::query(
                "DELETE FROM sessions WHERE login_issuer = $1 AND ($2 IS NULL OR user_id = $2)
                     AND ($3 IS NULL OR login_session = $3)",
            )
            .bind(signal.issuer.as_str())
            .bind(user.map(UserId::as_str))
            .bind(session.as_deref())
            .execute(tx.sql())
            .await?;
            Ok((sessions.rows_affected(), 0))
        }
        (SignalEnd::Everything { .. }, Some(user)) => {
            let grants = end_grants(tx, user, "the login provider ended it", now).await?;
            let sessions = sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(user.as_str());
            Ok((sessions.execute(tx.sql()).await?.rows_affected(), grants))
        }
    }
}
