//! Accounts.

use bailiwick_authority::UserName;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::UserId;
use bailiwick_store::{Ended, NewUser, User};
use serde_json::{Value, json};

use super::{Administration, Refused, now};
use crate::admin::moment::written;
use crate::wire::SystemEntropy;

impl Administration {
    pub(super) async fn users(&self) -> Result<Value, Refused> {
        let accounts = self.store.accounts(now()).await?;
        let row = |account: &bailiwick_store::Account| {
            json!({
                "user": account.name,
                "state": if account.disabled_at.is_some() { "disabled" } else { "enabled" },
                "role": account.role.as_str(),
                "groups": account.groups,
                "grants": account.grants,
                "sessions": account.sessions,
                "created_at": written(account.created_at),
                "disabled_at": account.disabled_at.map(written),
                "id": account.id,
            })
        };
        Ok(accounts.iter().map(row).collect())
    }

    pub(super) async fn add_user(&self, name: &str, password: &str) -> Result<Value, Refused> {
        let name = UserName::parse(name).ok_or_else(|| {
            Refused(format!("{name:?} is not a user name: use letters, digits and . _ - + @, at most 128"))
        })?;
        let password_phc = self.hash(password).await?;
        let id = UserId::draw(&SystemEntropy);
        let event = AuditEvent::new(AuditKind::UserCreated, now()).user(&id).rule("administration");
        let user = NewUser::new(id.clone(), name.as_str().to_owned(), password_phc, now());
        if !self.store.create_user(user, event).await? {
            return Err(Refused(format!("there is a user {:?} already", name.as_str())));
        }
        Ok(json!({ "user": name.as_str(), "id": id }))
    }

    pub(super) async fn disable_user(&self, name: &str) -> Result<Value, Refused> {
        let user = self.user(name).await?;
        let event = AuditEvent::new(AuditKind::UserDisabled, now()).user(&user.id).rule("administration");
        let Some(ended) = self.store.stop_user(&user.id, event).await? else {
            return Err(Refused(format!(
                "{} is disabled already; `bailiwick users enable {name}` undoes it",
                user.name
            )));
        };
        Ok(json!({
            "user": user.name,
            "died": {
                "grants": ended.grants,
                "sessions": ended.sessions,
                "says": format!(
                    "{}, with every code, refresh token and access token below; {}. Here they are refused from now on, in every process on this database",
                    count(ended.grants, "grant"), count(ended.sessions, "signed-in browser")
                ),
            },
            "lives": lives(&ended),
        }))
    }

    pub(super) async fn enable_user(&self, name: &str) -> Result<Value, Refused> {
        let user = self.user(name).await?;
        let event = AuditEvent::new(AuditKind::UserEnabled, now()).user(&user.id).rule("administration");
        if !self.store.enable_user(&user.id, event).await? {
            return Err(Refused(format!("{} is not disabled", user.name)));
        }
        Ok(
            json!({ "user": user.name, "says": "may sign in again; what was ended stays ended, so apps ask for consent anew" }),
        )
    }

    pub(super) async fn set_password(&self, name: &str, password: &str) -> Result<Value, Refused> {
        let user = self.user(name).await?;
        let phc = self.hash(password).await?;
        let event = AuditEvent::new(AuditKind::PasswordReset, now()).user(&user.id).rule("administration");
        let sessions = self.store.reset_password(&user.id, phc, event).await?.unwrap_or(0);
        Ok(json!({ "user": user.name, "sessions_ended": sessions }))
    }

    /// The account of that name.
    pub(super) async fn user(&self, name: &str) -> Result<User, Refused> {
        let user = self.store.user_by_name(name).await?;
        user.ok_or_else(|| Refused(format!("there is no user {name:?}; `bailiwick users list` shows them all")))
    }

    async fn hash(&self, password: &str) -> Result<String, Refused> {
        self.passwords.hash(password, &SystemEntropy).await.map_err(|error| Refused(error.to_string()))
    }
}

/// What cannot be called back, and until when.
pub(super) fn lives(ended: &Ended) -> Value {
    let says = match ended.last_token {
        Some(until) => format!(
            "a server elsewhere that checks only signatures, and does not ask /introspect, takes the last access token until {}",
            written(until)
        ),
        None => "nothing".to_owned(),
    };
    json!({ "until": ended.last_token.map(written), "says": says })
}

/// `1 grant`, `2 grants`.
pub(super) fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
