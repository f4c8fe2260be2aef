//! The approval: what one person let one client do, at one server, until when.

use serde::{Deserialize, Serialize};

use super::Job;
use crate::ids::{ClientId, GrantId, TransactionId, UserId};
use crate::scope::ScopeSet;
use crate::time::Timestamp;
use crate::token::ToolsDetail;
use crate::uri::Resource;

/// One approval: the terms of the grant every token below it hangs from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The grant it makes.
    pub grant: GrantId,
    /// Who approved.
    pub user: UserId,
    /// Who may act.
    pub client: ClientId,
    /// The client's name as the person saw it.
    pub client_name: String,
    /// At which server.
    pub resource: Resource,
    /// With which scopes.
    pub scope: ScopeSet,
    /// Where tools were left out: the tools that remain (RFC 9396).
    pub details: Vec<ToolsDetail>,
    /// The chain of requests it begins.
    pub transaction: TransactionId,
    /// When it was given.
    pub created_at: Timestamp,
    /// Until when at the latest: the duration the person chose.
    pub expires_at: Timestamp,
    /// What more was said, where it is for a long job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

impl Approval {
    /// True once the chosen duration is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }
}
