//! Audit events: what happened, to whom, through what, as data. The store writes each in the transaction of the
//! change it describes.

mod checkpoint;
mod kind;

use serde::{Deserialize, Serialize};

use crate::grant::Approval;
use crate::ids::{ClientId, CorrelationId, GrantId, TokenId, TransactionId, UserId};
use crate::scope::ScopeSet;
use crate::time::Timestamp;
use crate::uri::Resource;

pub use checkpoint::{Checkpoint, CheckpointError, Head, MOST_HEADS};
pub use kind::{AuditKind, Outcome};

/// One event. It has no field that could hold a token, a code or a secret; only their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: AuditKind,
    /// With which end.
    pub outcome: Outcome,
    /// The request it belongs to, as the log and the error page call it.
    pub correlation: Option<CorrelationId>,
    /// For whom.
    pub user: Option<UserId>,
    /// Through which client.
    pub client: Option<ClientId>,
    /// Under which grant.
    pub grant: Option<GrantId>,
    /// With which access token.
    pub token: Option<TokenId>,
    /// Derived from which one.
    pub parent_token: Option<TokenId>,
    /// In which chain of requests.
    pub transaction: Option<TransactionId>,
    /// How many hops from the front door.
    pub hop: u32,
    /// Who acted, current actor first.
    pub actors: Vec<String>,
    /// At which server.
    pub resource: Option<Resource>,
    /// By which MCP method.
    pub method: Option<String>,
    /// On which tool.
    pub tool: Option<String>,
    /// With which scopes.
    pub scope: Option<String>,
    /// By which rule.
    pub rule: Option<String>,
    /// In words.
    pub says: Option<String>,
    // What came later is left out where nothing is known, so that a row keeps the text its hash was made of.
    /// Under which policy: the digest of everything in the configuration that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// How the client proved who it is, such as `private_key_jwt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<String>,
    /// Which scopes were asked for, where others were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<String>,
    /// With which arguments: their digest, never they themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
    /// With which credential at the server behind: its name, never it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// What came of it behind the gateway, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamEnd>,
}

/// How a server behind took a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamEnd {
    /// The status it answered with, where it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

impl AuditEvent {
    /// An event of `kind`, with that kind's usual outcome.
    pub fn new(kind: AuditKind, now: Timestamp) -> Self {
        Self {
            at: now,
            kind,
            outcome: kind.outcome(),
            correlation: None,
            user: None,
            client: None,
            grant: None,
            token: None,
            parent_token: None,
            transaction: None,
            hop: 0,
            actors: Vec::new(),
            resource: None,
            method: None,
            tool: None,
            scope: None,
            rule: None,
            says: None,
            policy: None,
            client_auth: None,
            requested: None,
            arguments: None,
            credential: None,
            upstream: None,
        }
    }

    /// Says how it ended.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Says in which request.
    #[must_use]
    pub fn correlation(mut self, correlation: &CorrelationId) -> Self {
        self.correlation = Some(correlation.clone());
        self
    }

    /// Says everything an approval knows: user, client, grant, transaction, server and scopes.
    #[must_use]
    pub fn approval(self, approval: &Approval) -> Self {
        self.user(&approval.user)
            .client(&approval.client)
            .grant(&approval.grant)
            .transaction(&approval.transaction)
            .resource(&approval.resource)
            .scope(&approval.scope)
    }

    /// Says for whom.
    #[must_use]
    pub fn user(mut self, user: &UserId) -> Self {
        self.user = Some(user.clone());
        self
    }

    /// Says through which client.
    #[must_use]
    pub fn client(mut self, client: &ClientId) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// Says under which grant.
    #[must_use]
    pub fn grant(mut self, grant: &GrantId) -> Self {
        self.grant = Some(grant.clone());
        self
    }

    /// Says with which access token.
    #[must_use]
    pub fn token(mut self, token: &TokenId) -> Self {
        self.token = Some(token.clone());
        self
    }

    /// Says which token it was derived from, and at which hop.
    #[must_use]
    pub fn derived_from(mut self, parent: &TokenId, hop: u32) -> Self {
        self.parent_token = Some(parent.clone());
        self.hop = hop;
        self
    }

    /// Says in which chain of requests.
    #[must_use]
    pub fn transaction(mut self, transaction: &TransactionId) -> Self {
        self.transaction = Some(transaction.clone());
        self
    }

    /// Says who acted, current actor first.
    #[must_use]
    pub fn actors(mut self, actors: impl IntoIterator<Item = String>) -> Self {
        self.actors = actors.into_iter().collect();
        self
    }

    /// Says at which server.
    #[must_use]
    pub fn resource(mut self, resource: &Resource) -> Self {
        self.resource = Some(resource.clone());
        self
    }

    /// Says by which MCP method.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Says on which tool.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<String>) -> Self {
        self.tool = Some(tool.into());
        self
    }

    /// Says with which scopes.
    #[must_use]
    pub fn scope(mut self, scope: &ScopeSet) -> Self {
        self.scope = Some(scope.to_string());
        self
    }

    /// Says by which rule.
    #[must_use]
    pub fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// Says under which policy it was decided.
    #[must_use]
    pub fn policy(mut self, epoch: &str) -> Self {
        self.policy = Some(epoch.to_owned()).filter(|epoch| !epoch.is_empty());
        self
    }

    /// Says it in words.
    #[must_use]
    pub fn says(mut self, says: impl Into<String>) -> Self {
        self.says = Some(says.into());
        self
    }

    /// Says how the client proved who it is.
    #[must_use]
    pub fn client_auth(mut self, method: impl Into<String>) -> Self {
        self.client_auth = Some(method.into());
        self
    }

    /// Says which scopes were asked for; kept where others were given.
    #[must_use]
    pub fn requested(mut self, scope: &ScopeSet) -> Self {
        let asked = scope.to_string();
        self.requested = (self.scope.as_deref() != Some(asked.as_str())).then_some(asked);
        self
    }

    /// Says with which credential at the server behind.
    #[must_use]
    pub fn credential(mut self, name: impl Into<String>) -> Self {
        self.credential = Some(name.into());
        self
    }

    /// Says with which arguments, by their digest ([`crate::canonical::digest`]).
    #[must_use]
    pub fn arguments(mut self, digest: impl Into<String>) -> Self {
        self.arguments = Some(digest.into());
        self
    }

    /// Says how the server behind took it.
    #[must_use]
    pub fn upstream(mut self, end: UpstreamEnd) -> Self {
        self.upstream = Some(end);
        self
    }
}

#[cfg(test)]
mod tests;
