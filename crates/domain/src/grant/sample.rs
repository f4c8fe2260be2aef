//! An approval to test with.

use super::Approval;
use crate::ids::{ClientId, GrantId, TransactionId, UserId};
use crate::scope::ScopeSet;
use crate::time::Timestamp;
use crate::uri::Resource;

/// Alice lets `app` read at one server, from second 900 to second 2000.
pub(crate) fn sample_approval() -> Approval {
    Approval {
        grant: GrantId::from_stored("gr_1"),
        user: UserId::from_stored("us_alice"),
        client: ClientId::parse("app").unwrap(),
        client_name: "App".to_owned(),
        resource: Resource::parse("https://mcp.example.com/mcp").unwrap(),
        scope: ScopeSet::parse("mcp:read").unwrap(),
        details: Vec::new(),
        transaction: TransactionId::from_stored("tx_1"),
        created_at: Timestamp::from_seconds(900),
        expires_at: Timestamp::from_seconds(2000),
        job: None,
    }
}
