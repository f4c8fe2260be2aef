//! Where a person stands: groups, which `allow` names, and the role in administration.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::policy::{Named, Role};
use bailiwick_store::User;
use serde_json::{Value, json};

use super::{Administration, Refused, now};

impl Administration {
    /// Sets the groups of an account; without any said, shows them.
    pub(super) async fn groups(&self, name: &str, groups: Option<Vec<String>>) -> Result<Value, Refused> {
        let user = self.user(name).await?;
        let Some(groups) = groups else {
            return Ok(json!({ "user": user.name, "groups": user.groups, "says": in_words(&user.groups) }));
        };
        // A group that no `allow` could name is a slip of the hand.
        if let Some(wrong) = groups.iter().find(|group| Named::parse(&format!("group:{group}")).is_err()) {
            return Err(Refused(format!("{wrong:?} is not the name of a group")));
        }
        let event = changed(&user).says(format!("groups: {}", groups.join(", ")));
        self.store.set_groups(&user.id, groups, event).await?;
        let user = self.user(name).await?;
        let anew = user.provider.as_ref().map(|name| format!("; at the next sign-in, {name} says it anew"));
        let says = format!("{}, from the next call on{}", in_words(&user.groups), anew.unwrap_or_default());
        Ok(json!({ "user": user.name, "groups": user.groups, "says": says }))
    }

    /// Sets what an account may do in administration.
    pub(super) async fn set_role(&self, name: &str, role: &str) -> Result<Value, Refused> {
        let user = self.user(name).await?;
        let role = Role::named(role).ok_or_else(|| {
            let roles = Role::ALL.map(Role::as_str).join(", ");
            Refused(format!("{role:?} is not a role; there are {roles}"))
        })?;
        let event = changed(&user).says(format!("role: {}", role.as_str()));
        let news = self.store.set_role(&user.id, role, event).await?;
        let says = format!("{} {}", if news { "is now" } else { "was already" }, role.as_str());
        Ok(json!({ "user": user.name, "role": role.as_str(), "says": says }))
    }
}

fn changed(user: &User) -> AuditEvent {
    AuditEvent::new(AuditKind::UserChanged, now()).user(&user.id).rule("administration")
}

fn in_words(groups: &[String]) -> String {
    if groups.is_empty() { "is in no group".to_owned() } else { format!("is in {}", groups.join(", ")) }
}
