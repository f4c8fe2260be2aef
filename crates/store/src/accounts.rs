//! What becomes of an account: its groups, its address, its role, whether it may be used at all. Every process hears.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::policy::Role;

use crate::error::{Fault, StoreError};
use crate::feed::Change;
use crate::grants;
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
        self.set(id, Fact::Told { email, groups: tidied(groups) }, event).await
    }

    async fn set(&self, id: &UserId, fact: Fact, event: AuditEvent) -> Result<bool, StoreError> {
        self.write(id.as_str(), (id.clone(), fact, event), |(id, fact, event), tx| {
            Box::pin(async move {
                let changed = match fact {
                    Fact::Groups(groups) => set_groups(tx, id, groups).await?,
                    Fact::Email(email) => set_email(tx, id, email.as_deref()).await?,
                    Fact::Role(role) => set_role(tx, id, *role).await?,
                    Fact::Told { email, groups } => {
                        let moved = set_groups(tx, id, groups).await?;
                        set_email(tx, id, email.as_deref()).await? || moved
                    }
                };
                changed_and_told(tx, id, changed, event).await
            })
        })
        .await
    }

    /// Disables an account. Everything that acts for it ends at once, and for good: its sessions, its grants, and what
    /// hangs from them. `false` when it is unknown or was disabled.
    pub async fn disable_user(&self, id: &UserId, event: AuditEvent) -> Result<bool, StoreError> {
        self.write(id.as_str(), (id.clone(), event), |(id, event), tx| Box::pin(disable(tx, id, event))).await
    }

    /// Enables an account again: it may sign in, and has to approve anew what shall act for it. `false` when it is
    /// unknown or was not disabled.
    pub async fn enable_user(&self, id: &UserId, event: AuditEvent) -> Result<bool, StoreError> {
        self.write(id.as_str(), (id.clone(), event), |(id, event), tx| {
            Box::pin(async move {
                let row = sqlx::query(
                    "UPDATE users SET disabled_at = NULL WHERE id = $1 AND disabled_at IS NOT NULL RETURNING id",
                )
                .bind(id.as_str())
                .fetch_optional(tx.sql())
                .await?;
                if row.is_none() {
                    return Ok(Verdict::Undo(false));
                }
                tx.tell(Change::user_back(id), event.at).await?;
                tx.audit(event).await?;
                Ok(Verdict::Keep(true))
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

async fn disable(tx: &mut Tx, id: &UserId, event: &AuditEvent) -> Done<bool> {
    let row = sqlx::query("UPDATE users SET disabled_at = $1 WHERE id = $2 AND disabled_at IS NULL RETURNING id")
        .bind(event.at.millis())
        .bind(id.as_str())
        .fetch_optional(tx.sql())
        .await?;
    if row.is_none() {
        return Ok(Verdict::Undo(false));
    }
    sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(id.as_str()).execute(tx.sql()).await?;
    for grant in grants::end_all_of(tx, id, "user disabled", event.at).await? {
        tx.tell(Change::grant(&grant), event.at).await?;
    }
    tx.tell(Change::user(id), event.at).await?;
    tx.audit(event).await?;
    Ok(Verdict::Keep(true))
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
