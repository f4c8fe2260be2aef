//! Accounts: how they are made and found.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::policy::{Person, Role};
use bailiwick_domain::time::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::error::{Fault, StoreError};
use crate::lane::{Done, Tx, Verdict};
use crate::rows::{Columns as _, json};
use crate::store::Store;

/// In place of a password's hash: no password fits it.
pub const NO_PASSWORD: &str = "!";

/// What is read of an account.
const COLUMNS: &str = "id, name, password, email, member_of, provider, role, created_at, disabled_at";

/// An account about to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Its id.
    pub id: UserId,
    /// The name to sign in with; one spelling of letters' case is taken for all.
    pub name: String,
    /// The password's hash, in PHC form, or [`NO_PASSWORD`].
    pub password_phc: String,
    /// The e-mail address, where somebody vouches for it.
    pub email: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// The login provider the person comes from.
    pub provider: Option<String>,
    /// What they may do in administration; the first account may do everything, whatever stands here.
    pub role: Role,
    /// When.
    pub at: Timestamp,
}

impl NewUser {
    /// An account of which nothing is known but how to sign in.
    pub fn new(id: UserId, name: String, password_phc: String, at: Timestamp) -> Self {
        Self { id, name, password_phc, email: None, groups: Vec::new(), provider: None, role: Role::User, at }
    }

    /// True when somebody can come to be this account: by its password, or over its provider.
    fn opens(&self) -> bool {
        self.password_phc != NO_PASSWORD || self.provider.is_some()
    }
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
    /// The e-mail address, where somebody vouches for it.
    pub email: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// The login provider the person comes from.
    pub provider: Option<String>,
    /// What they may do in administration.
    pub role: Role,
    /// True when it may not be used.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl User {
    /// The person, as the rules ask about them.
    pub fn person(&self) -> Person {
        Person {
            name: self.name.clone(),
            email: self.email.clone(),
            groups: self.groups.clone(),
            provider: self.provider.clone(),
        }
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Store {
    /// True when there is an account that somebody can sign in to, disabled or not.
    pub async fn any_user(&self) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT id FROM users WHERE password <> $1 OR provider IS NOT NULL LIMIT 1")
            .bind(NO_PASSWORD)
            .fetch_optional(self.readers())
            .await;
        Ok(row.map_err(Fault::from)?.is_some())
    }

    /// Makes the first account, an administrator's.
    ///
    /// INVARIANT: of all calls, in all processes, at most one is answered `true`.
    pub async fn create_first_user(&self, user: NewUser, event: AuditEvent) -> Result<bool, StoreError> {
        self.write("users", (user, event), |(user, event), tx| {
            Box::pin(async move {
                if !claim_first(tx, user).await? {
                    return Ok(Verdict::Undo(false));
                }
                create(tx, &NewUser { role: Role::Admin, ..user.clone() }, event).await
            })
        })
        .await
    }

    /// Makes an account; `false` when the name is taken. After one that somebody can sign in to there is no first
    /// account to be made any more.
    pub async fn create_user(&self, user: NewUser, event: AuditEvent) -> Result<bool, StoreError> {
        self.write("users", (user, event), |(user, event), tx| {
            Box::pin(async move {
                if user.opens() {
                    claim_first(tx, user).await?;
                }
                create(tx, user, event).await
            })
        })
        .await
    }

    /// The account of that name.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<User>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!("SELECT {COLUMNS} FROM users WHERE name_key = $1")))
            .bind(key(name))
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    /// The account of that id.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!("SELECT {COLUMNS} FROM users WHERE id = $1")))
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

    /// Every account, by name.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!("SELECT {COLUMNS} FROM users ORDER BY name_key")))
            .fetch_all(self.readers())
            .await
            .map_err(Fault::from)?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
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
        "INSERT INTO users (id, name, name_key, password, email, member_of, provider, role, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name_key) DO NOTHING RETURNING id",
    )
    .bind(user.id.as_str())
    .bind(user.name.as_str())
    .bind(key(&user.name))
    .bind(user.password_phc.as_str())
    .bind(user.email.as_deref())
    .bind(json("users.member_of", &user.groups)?)
    .bind(user.provider.as_deref())
    .bind(user.role.as_str())
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
        email: row.maybe_text("email")?,
        groups: row.value("member_of")?,
        provider: row.maybe_text("provider")?,
        role: Role::named(&row.text("role")?).ok_or(Fault::Unreadable("users.role"))?,
        disabled: row.maybe_moment("disabled_at")?.is_some(),
        created_at: row.moment("created_at")?,
    })
}
