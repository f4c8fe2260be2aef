//! The user of `--dev-approve`: there without a password, for tests and demos on one machine.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::UserId;
use bailiwick_store::{NO_PASSWORD, NewUser, User};

use crate::authority::Authority;
use crate::fault::Fault;
use crate::visit::Visit;

impl Authority {
    /// The account of that name, made if it is not there yet.
    pub(crate) async fn dev_user(&self, visit: &Visit, name: &str) -> Result<User, Fault> {
        if let Some(user) = self.store.user_by_name(name).await? {
            return usable(user);
        }
        let id = UserId::draw(self.entropy.as_ref());
        let event = AuditEvent::new(AuditKind::UserCreated, visit.now)
            .correlation(&visit.correlation)
            .user(&id)
            .rule("dev-approve");
        let user = NewUser::new(id, name.to_owned(), NO_PASSWORD.to_owned(), visit.now);
        // Whoever made it, it is there afterwards.
        self.store.create_user(user, event).await?;
        self.store.user_by_name(name).await?.ok_or(Fault::DevAccount).and_then(usable)
    }
}

fn usable(user: User) -> Result<User, Fault> {
    if user.disabled { Err(Fault::DevAccount) } else { Ok(user) }
}
