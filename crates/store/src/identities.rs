//! Who a federated account is elsewhere: linked by issuer and subject together. A name or an e-mail address links
//! nothing, because whoever runs the provider, or a form at it, may choose them.

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::time::Timestamp;
use sqlx::any::AnyRow;

use crate::accounts;
use crate::error::{Fault, StoreError};
use crate::feed::Change;
use crate::lane::{Done, Tx, Verdict};
use crate::rows::{Columns as _, json};
use crate::store::Store;
use crate::users::{NewUser, insert};

/// What a provider says of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider's issuer, as configured.
    pub issuer: String,
    /// The account there (`sub`).
    pub subject: String,
    /// The name of the provider's section in the configuration.
    pub provider: String,
    /// The e-mail address, if the provider has verified it.
    pub email: Option<String>,
    /// The groups, as of the last sign-in.
    pub groups: Vec<String>,
}

/// A person who comes back from a provider.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Who they are there.
    pub identity: Identity,
    /// The account to make for somebody who was never here; its `name` is made longer until it is free.
    pub account: NewUser,
    /// Written when the account is made.
    pub created: AuditEvent,
    /// Written when what the provider says changed.
    pub changed: AuditEvent,
}

/// Whose account somebody landed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// The account.
    pub user: UserId,
    /// True when it may not be used.
    pub disabled: bool,
}

/// How many spellings of a name are tried before the account's own id makes it unique.
const SPELLINGS: u32 = 20;

impl Store {
    /// Finds or makes the account of a federated person, and keeps what the provider says of them now.
    ///
    /// INVARIANT: one issuer and subject lead to one account, in all processes, and to no account that was made
    /// otherwise.
    pub async fn land(&self, arrival: Arrival) -> Result<Landed, StoreError> {
        loop {
            let landed = self.write("users", arrival.clone(), |arrival, tx| Box::pin(land(tx, arrival))).await?;
            // Somebody else made it in the same moment: it is there now.
            if let Some(landed) = landed {
                return Ok(landed);
            }
        }
    }

    /// Who the account is elsewhere; `None` for a local one.
    pub async fn identity_of(&self, user: &UserId) -> Result<Option<Identity>, StoreError> {
        let row = sqlx::query(
            "SELECT issuer, subject, provider, email, member_of FROM upstream_identities WHERE user_id = $1",
        )
        .bind(user.as_str().to_owned())
        .fetch_optional(self.readers())
        .await
        .map_err(Fault::from)?;
        Ok(row.as_ref().map(read).transpose()?)
    }
}

async fn land(tx: &mut Tx, arrival: &Arrival) -> Done<Option<Landed>> {
    let identity = &arrival.identity;
    let row = sqlx::query(
        "SELECT i.user_id, i.issuer, i.subject, i.provider, i.email, i.member_of, u.disabled_at
         FROM upstream_identities i JOIN users u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2",
    )
    .bind(identity.issuer.as_str())
    .bind(identity.subject.as_str())
    .fetch_optional(tx.sql())
    .await?;
    let Some(row) = row else { return make(tx, arrival).await };
    let user = UserId::from_stored(row.text("user_id")?);
    if row.maybe_moment("disabled_at")?.is_some() {
        return Ok(Verdict::Undo(Some(Landed { user, disabled: true })));
    }
    let now = arrival.account.at;
    sqlx::query(
        "UPDATE upstream_identities SET provider = $1, email = $2, member_of = $3, seen_at = $4
         WHERE issuer = $5 AND subject = $6",
    )
    .bind(identity.provider.as_str())
    .bind(identity.email.as_deref())
    .bind(json("upstream_identities.member_of", &identity.groups)?)
    .bind(now.millis())
    .bind(identity.issuer.as_str())
    .bind(identity.subject.as_str())
    .execute(tx.sql())
    .await?;
    if accounts::told(tx, &user, identity.email.as_deref(), identity.groups.clone()).await? {
        tx.tell(Change::user_changed(&user), now).await?;
    }
    if read(&row)? != *identity {
        tx.audit(&arrival.changed.clone().user(&user)).await?;
    }
    Ok(Verdict::Keep(Some(Landed { user, disabled: false })))
}

async fn make(tx: &mut Tx, arrival: &Arrival) -> Done<Option<Landed>> {
    let mut account = arrival.account.clone();
    let mut spelling = 1;
    while !insert(tx, &account).await? {
        spelling += 1;
        let tail = if spelling <= SPELLINGS { spelling.to_string() } else { arrival.account.id.to_string() };
        account.name = format!("{}-{tail}", arrival.account.name);
    }
    if !link(tx, &arrival.identity, &account.id, account.at).await? {
        return Ok(Verdict::Undo(None));
    }
    tx.audit(&arrival.created.clone().user(&account.id)).await?;
    Ok(Verdict::Keep(Some(Landed { user: account.id, disabled: false })))
}

/// Ties an account to who it is elsewhere; `false` when that somebody has an account.
async fn link(tx: &mut Tx, identity: &Identity, user: &UserId, now: Timestamp) -> Result<bool, Fault> {
    let row = sqlx::query(
        "INSERT INTO upstream_identities (issuer, subject, user_id, provider, email, member_of, created_at, seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (issuer, subject) DO NOTHING RETURNING user_id",
    )
    .bind(identity.issuer.as_str())
    .bind(identity.subject.as_str())
    .bind(user.as_str())
    .bind(identity.provider.as_str())
    .bind(identity.email.as_deref())
    .bind(json("upstream_identities.member_of", &identity.groups)?)
    .bind(now.millis())
    .fetch_optional(tx.sql())
    .await?;
    Ok(row.is_some())
}

fn read(row: &AnyRow) -> Result<Identity, Fault> {
    Ok(Identity {
        issuer: row.text("issuer")?,
        subject: row.text("subject")?,
        provider: row.text("provider")?,
        email: row.maybe_text("email")?,
        groups: row.value("member_of")?,
    })
}
