//! Accounts.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::time::Timestamp;
use sqlx::any::AnyRow;

use crate::error::{Fault, StoreError};
use crate::lane::{Done, Tx, Verdict};
use crate::rows::Columns as _;
use crate::store::Store;

/// An account about to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Its id.
    pub id: UserId,
    /// The name to sign in with; one spelling of letters' case is taken for all.
    pub name: String,
    /// The password's hash, in PHC form.
    pub password_phc: String,
    /// When.
    pub at: Timestamp,
}

/// An account.
#[derive(Clone)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// The name to sign in with.
    pub name: String,
    /// The password's hash, in PHC form.
    pub password: String,
    /// True when it may not be used.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Store {
    /// True when there is an account.
    pub async fn any_user(&self) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT id FROM users LIMIT 1").fetch_optional(self.readers()).await;
        Ok(row.map_err(Fault::from)?.is_some())
    }

    /// Makes the first account.
    ///
    /// INVARIANT: of all calls, in all processes, at most one is answered `true`.
    pub async fn create_first_user(&self, user: NewUser, event: AuditEvent) -> Result<bool, StoreError> {
        self.write("users", (user, event), |(user, event), tx| {
            Box::pin(async move {
                if !claim_first(tx, user).await? {
                    return Ok(Verdict::Undo(false));
                }
                create(tx, user, event).await
            })
        })
        .await
    }

    /// Makes an account; `false` when the name is taken.
    pub async fn create_user(&self, user: NewUser, event: AuditEvent) -> Result<bool, StoreError> {
        self.write("users", (user, event), |(user, event), tx| {
            Box::pin(async move {
                claim_first(tx, user).await?;
                create(tx, user, event).await
            })
        })
        .await
    }

    /// The account of that name.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<User>, StoreError> {
        let row = sqlx::query("SELECT id, name, password, created_at, disabled_at FROM users WHERE name_key = $1")
            .bind(key(name))
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    /// The account of that id.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let row = sqlx::query("SELECT id, name, password, created_at, disabled_at FROM users WHERE id = $1")
            .bind(id.as_str().to_owned())
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    /// Disables an account; everything that acts for it stops at once. `false` when it is unknown or was disabled.
    pub async fn disable_user(&self, id: &UserId, event: AuditEvent) -> Result<bool, StoreError> {
        Ok(self.stop_user(id, event).await?.is_some())
    }
}

/// Takes the place of the first account, if it is free. Counting accounts would not do: two transactions can both
/// see none.
async fn claim_first(tx: &mut Tx, user: &NewUser) -> Result<bool, Fault> {
    let row = sqlx::query(
        "INSERT INTO settings (name, value) VALUES ('first_user', $1) ON CONFLICT (name) DO NOTHING RETURNING name",
    )
    .bind(user.id.as_str())
    .fetch_optional(tx.sql())
    .await?;
    Ok(row.is_some())
}

async fn create(tx: &mut Tx, user: &NewUser, event: &AuditEvent) -> Done<bool> {
    if !insert(tx, user).await? {
        return Ok(Verdict::Undo(false));
    }
    tx.audit(event).await?;
    Ok(Verdict::Keep(true))
}

/// Writes the row of an account; `false` when the name is taken.
pub(crate) async fn insert(tx: &mut Tx, user: &NewUser) -> Result<bool, Fault> {
    let row = sqlx::query(
        "INSERT INTO users (id, name, name_key, password, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name_key) DO NOTHING RETURNING id",
    )
    .bind(user.id.as_str())
    .bind(user.name.as_str())
    .bind(key(&user.name))
    .bind(user.password_phc.as_str())
    .bind(user.at.millis())
    .fetch_optional(tx.sql())
    .await?;
    Ok(row.is_some())
}

fn key(name: &str) -> String {
    name.to_lowercase()
}

fn read(row: &AnyRow) -> Result<User, Fault> {
    Ok(User {
        id: UserId::from_stored(row.text("id")?),
        name: row.text("name")?,
        password: row.text("password")?,
        disabled: row.maybe_moment("disabled_at")?.is_some(),
        created_at: row.moment("created_at")?,
    })
}
