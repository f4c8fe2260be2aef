//! Where a person lands who comes from elsewhere, whatever the protocol that says who they are.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::UserId;
use bailiwick_store::{Arrival, Identity, NewUser, StoreError};
use serde::{Deserialize, Serialize};

use super::NO_PASSWORD;
use crate::authority::Authority;
use crate::visit::Visit;

/// Who somebody is elsewhere, as it was proven.
#[derive(Serialize, Deserialize)]
pub(crate) struct Known {
    /// Who says so.
    pub(crate) issuer: String,
    /// Their account there.
    pub(crate) subject: String,
    /// The section of the configuration by which that is believed.
    pub(crate) provider: String,
    /// Their address, as far as it is theirs for certain.
    pub(crate) email: Option<String>,
    /// Their groups.
    pub(crate) groups: Vec<String>,
    /// The name of an account to be made.
    pub(crate) name: String,
}

impl Authority {
    /// The account of that person, made if there was none; `None` when it is disabled.
    pub(crate) async fn land(&self, visit: &Visit, known: Known) -> Result<Option<UserId>, StoreError> {
        let event = |kind| {
            AuditEvent::new(kind, visit.now).correlation(&visit.correlation).rule(format!("login.{}", known.provider))
        };
        let (created, changed) = (event(AuditKind::UserCreated), event(AuditKind::IdentityChanged));
        let id = UserId::draw(self.entropy.as_ref());
        let account = NewUser {
            email: known.email.clone(),
            groups: known.groups.clone(),
            provider: Some(known.provider.clone()),
            ..NewUser::new(id, known.name, NO_PASSWORD.to_owned(), visit.now)
        };
        let identity = Identity {
            issuer: known.issuer,
            subject: known.subject,
            provider: known.provider,
            email: known.email,
            groups: known.groups,
        };
        let landed = self.store.land(Arrival { identity, account, created, changed }).await?;
        Ok((!landed.disabled).then_some(landed.user))
    }
}
