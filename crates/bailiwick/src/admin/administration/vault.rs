//! The vault's keys.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use serde_json::{Value, json};

use super::{Administration, Refused, now};

/// How many records are read at once.
const BATCH: u32 = 200;

impl Administration {
    pub(super) async fn rotate_vault(&self) -> Result<Value, Refused> {
        let event = AuditEvent::new(AuditKind::VaultRotated, now()).rule("administration");
        let done = self.store.rewrap(BATCH, event).await?;
        let says = if done.stuck > 0 {
            format!(
                "{} stay, because the key they are under is not configured or they were changed by hand",
                done.stuck
            )
        } else if done.needed.is_empty() {
            "No other key is needed any more: `vault.former` may be emptied".to_owned()
        } else {
            format!("Another process still writes under {}: run this again", done.needed.join(", "))
        };
        Ok(json!({ "moved": done.moved, "stuck": done.stuck, "needed": done.needed, "says": says }))
    }
}
