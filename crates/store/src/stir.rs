//! Whether anything happened below the grants somebody looks at: one cheap reading, so that a page can follow them.

use bailiwick_domain::ids::{GrantId, UserId};
use bailiwick_domain::time::Timestamp;
use sqlx::any::AnyRow;

use crate::error::{Fault, StoreError};
use crate::rows::Columns as _;
use crate::store::Store;

/// Which grants are looked at: those that people gave and that live, newest first.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// Only this user's.
    pub user: Option<UserId>,
    /// How many at most.
    pub limit: u32,
    /// How many to skip.
    pub skip: u32,
}

/// How a grant stood at one reading. Two readings that differ mean that something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stir {
    /// The grant.
    pub grant: GrantId,
    /// When a token was last issued.
    pub used_at: Option<Timestamp>,
    /// When something was last put on record.
    pub heard_at: Option<Timestamp>,
    /// How many parties are stopped.
    pub stops: u64,
}

impl Store {
    /// Reads how these grants stand.
    pub async fn stir(&self, looked: &Looked, now: Timestamp) -> Result<Vec<Stir>, StoreError> {
        let rows = sqlx::query(
            "SELECT g.id, g.last_used_at,
                 (SELECT MAX(a.at) FROM audit a WHERE a.grant_id = g.id) AS heard_at,
                 (SELECT COUNT(*) FROM grant_stops s WHERE s.grant_id = g.id) AS stops
             FROM grants g WHERE ($1 IS NULL OR g.user_id = $1) AND g.user_id LIKE 'us!_%' ESCAPE '!'
                 AND g.activated_at IS NOT NULL AND g.revoked_at IS NULL AND g.expires_at > $2
             ORDER BY g.created_at DESC, g.id LIMIT $3 OFFSET $4",
        )
        .bind(looked.user.as_ref().map(|id| id.as_str().to_owned()))
        .bind(now.millis())
        .bind(i64::from(looked.limit))
        .bind(i64::from(looked.skip))
        .fetch_all(self.readers())
        .await
        .map_err(Fault::from)?;
        let stir = |row: &AnyRow| {
            Ok(Stir {
                grant: GrantId::from_stored(row.text("id")?),
                used_at: row.maybe_moment("last_used_at")?,
                heard_at: row.maybe_moment("heard_at")?,
                stops: u64::try_from(row.number("stops")?).unwrap_or(0),
            })
        };
        Ok(rows.iter().map(stir).collect::<Result<_, Fault>>()?)
    }
}
