//! What becomes of an account: its groups, its address, its role, whether it may be used at all. Every process hears.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::policy::Role;

use crate::error::{Fault, StoreError};
use crate::feed::Change;
use crate::lane::{Done, Tx, Verdict};
use crate::rows::json;
use crate::store::Store;

/// One fact about an account.
enum Fact {
    Groups(Vec<String>),
    Email(Option<String>),
    Role(Role),
    Told { email: Option<String>, groups: Vec<String> },
}

impl Store {
    /// Sets the groups of an account; `false` when it is unknown or was in exactly these.
    pub async fn set_groups(&self, id: &UserId, groups: Vec<String>, event: AuditEvent) -> Result<bool, StoreError> {
        self.set(id, Fact::Groups(tidied(groups)), event).await
    }

    /// Sets the e-mail address of an account, for which the caller vouches; `false` when it is unknown or had this.
    pub async fn set_email(&self, id: &UserId, email: Option<String>, event: AuditEvent) -> Result<bool, StoreError> {
        self.set(id, Fact::Email(email), event).await
    }

    /// Sets what an account may do in administration; `false` when it is unknown or had this role.
    pub async fn set_role(&self, id: &UserId, role: Role, event: AuditEvent) -> Result<bool, StoreError> {
        self.set(id, Fact::Role(role), event).await
    }

    /// Keeps what a login provider says of an account now; `false` when the account is unknown or that is no news.
    pub async fn told_by_provider(
        &self,
        id: &UserId,
        email: Option<String>,
        groups: Vec<String>,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.set(id, Fact::Told { email, groups }, event).await
    }

    async fn set(&self, id: &UserId, fact: Fact, event: AuditEvent) -> Result<bool, StoreError> {
        self.write(id.as_str(), (id.clone(), fact, event), |(id, fact, event), tx| {
            Box::pin(async move {
                let changed = match fact {
                    Fact::Groups(groups) => set_groups(tx, id, groups).await?,
                    Fact::Email(email) => set_email(tx, id, email.as_deref()).await?,
                    Fact::Role(role) => set_role(tx, id, *role).await?,
                    Fact::Told { email, groups } => told(tx, id, email.as_deref(), groups.clone()).await?,
                };
                changed_and_told(tx, id, changed, event).await
            })
        })
        .await
    }
}

async fn changed_and_told(tx: &mut Tx, id: &UserId, changed: bool, event: &AuditEvent) -> Done<bool> {
    if !changed {
        return Ok(Verdict::Undo(false));
    }
    tx.tell(Change::user_changed(id), event.at).await?;
    tx.audit(event).await?;
    Ok(Verdict::Keep(true))
}

/// What a login provider says of an account now, within the sign-in that it said it at.
pub(crate) async fn told(tx: &mut Tx, id: &UserId, email: Option<&str>, groups: Vec<String>) -> Result<bool, Fault> {
    let moved = set_groups(tx, id, &tidied(groups)).await?;
    Ok(set_email(tx, id, email).await? || moved)
}

async fn set_groups(tx: &mut Tx, id: &UserId, groups: &[String]) -> Result<bool, Fault> {
    let row = sqlx::query("UPDATE users SET member_of = $1 WHERE id = $2 AND member_of <> $1 RETURNING id")
        .bind(json("users.member_of", &groups)?)
        .bind(id.as_str())
        .fetch_optional(tx.sql())
        .await?;
    Ok(row.is_some())
}

async fn set_email(tx: &mut Tx, id: &UserId, email: Option<&str>) -> Result<bool, Fault> {
    let row = sqlx::query(
        "UPDATE users SET email = $1 WHERE id = $2 AND COALESCE(email, '') <> COALESCE($1, '') RETURNING id",
    )
    .bind(email)
    .bind(id.as_str())
    .fetch_optional(tx.sql())
    .await?;
    Ok(row.is_some())
}

async fn set_role(tx: &mut Tx, id: &UserId, role: Role) -> Result<bool, Fault> {
    let row = sqlx::query("UPDATE users SET role = $1 WHERE id = $2 AND role <> $1 RETURNING id")
        .bind(role.as_str())
        .bind(id.as_str())
        .fetch_optional(tx.sql())
        .await?;
    Ok(row.is_some())
}

/// The same groups in one order, each once: so that sets compare.
fn tidied(mut groups: Vec<String>) -> Vec<String> {
    groups.sort();
    groups.dedup();
    groups
}
