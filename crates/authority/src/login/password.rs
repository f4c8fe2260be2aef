//! Checking a password: slowed down by account and by address, and as slow for a name nobody has.

use std::time::Duration;

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::text;
use bailiwick_store::{Attempt, StoreError, User};

use crate::authority::Authority;
use crate::limit::network;
use crate::visit::Visit;

/// A name to sign in with: 1 to 128 letters, digits and `. _ - + @`.
pub struct UserName(String);

impl UserName {
    /// Reads a name.
    pub fn parse(raw: &str) -> Option<Self> {
        let name = raw.trim();
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@');
        (!name.is_empty() && name.len() <= 128 && name.chars().all(fits)).then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why nobody is signed in. It does not say which half was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LoginError {
    /// Name or password.
    #[error("The user name or the password is wrong.")]
    Wrong,
    /// Too many wrong ones.
    #[error("Too many attempts. Wait {} before the next one.", words(*.0))]
    Wait(Duration),
}

impl Authority {
    /// The account behind name and password.
    pub(crate) async fn check_password(
        &self,
        visit: &Visit,
        name: &str,
        password: &str,
    ) -> Result<Result<User, LoginError>, StoreError> {
        let name = UserName::parse(name);
        let keys = throttled(visit, name.as_ref());
        for key in &keys {
            if let Attempt::Wait(wait) = self.store.attempt(key, visit.now).await? {
                return Ok(Err(LoginError::Wait(wait)));
            }
        }
        let user = match &name {
            Some(name) => self.store.user_by_name(name.as_str()).await?,
            None => None,
        };
        let fits = self.passwords.verify(password, user.as_ref().map(|user| user.password.clone())).await;
        let Some(user) = user.filter(|user| fits && !user.disabled) else {
            self.failed(visit, &keys, name.as_ref()).await?;
            return Ok(Err(LoginError::Wrong));
        };
        for key in &keys {
            self.store.succeeded(key).await?;
        }
        Ok(Ok(user))
    }

    async fn failed(&self, visit: &Visit, keys: &[String], name: Option<&UserName>) -> Result<(), StoreError> {
        for key in keys {
            self.store.failed(key, visit.now).await?;
        }
        tracing::info!(correlation = %visit.correlation, "a login failed");
        let mut event = AuditEvent::new(AuditKind::LoginFailed, visit.now).correlation(&visit.correlation);
        // People type passwords into the field for the name: only names that exist are written down.
        if let Some(name) = name
            && let Some(user) = self.store.user_by_name(name.as_str()).await?
        {
            event = event.user(&user.id);
        }
        self.store.record(event).await
    }
}

/// What attempts are counted under: the account, existing or not, and the address.
fn throttled(visit: &Visit, name: Option<&UserName>) -> Vec<String> {
    let account = name.map(|name| {
        let digest = text::sha256(name.as_str().to_lowercase().as_bytes());
        format!("login:name:{}", text::encode(&digest))
    });
    let address = visit.peer.map(|peer| format!("login:address:{}", network(peer)));
    account.into_iter().chain(address).collect()
}

fn words(wait: Duration) -> String {
    let seconds = wait.as_secs().max(1);
    match seconds {
        1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}
