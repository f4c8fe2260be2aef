//! Client credentials (RFC 6749 §4.4): a machine's own authority, bounded by the operator, without refresh.

use super::Approval;
use crate::chain::{agent_name, agent_subject};
use crate::client::{AuthMethod, Client, ClientSource, GrantType};
use crate::entropy::Entropy;
use crate::error::ErrorCode;
use crate::ids::{ClientId, GrantId, TransactionId, UserId};
use crate::scope::ScopeSet;
use crate::time::{ACCESS_LIFE, Timestamp};
use crate::uri::Resource;

/// What the `sub` of every machine begins with.
const MACHINE: &str = "mc_";

/// What a machine asks for.
#[derive(Clone, Debug)]
pub struct MachineRequest {
    /// At which server.
    pub resource: Resource,
    /// With which scopes; none means its whole ceiling.
    pub scope: ScopeSet,
}

/// Why a machine gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MachineError {
    /// The client is not one of the operator's machines.
    #[error("this client may not use client_credentials")]
    NotAllowed,
    /// More than the operator allows it.
    #[error("the scope is beyond what the operator allows this client")]
    Scope,
}

impl MachineError {
    /// The code on the wire (RFC 6749 §5.2).
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::NotAllowed => ErrorCode::UnauthorizedClient,
            Self::Scope => ErrorCode::InvalidScope,
        }
    }
}

impl MachineRequest {
    /// Checks the request of an authenticated client: a grant of its own, as long as one access token.
    ///
    /// # Errors
    /// [`MachineError`] when the client may not, or not that much.
    pub fn approve(self, client: &Client, entropy: &dyn Entropy, now: Timestamp) -> Result<Approval, MachineError> {
        let confidential = client.auth != AuthMethod::None;
        let ceiling = client.scope.as_ref().filter(|_| confidential && client.may_use(GrantType::ClientCredentials));
        let ceiling = ceiling.ok_or(MachineError::NotAllowed)?;
        let scope = if self.scope.is_empty() { ceiling.clone() } else { self.scope };
        if scope.is_empty() || !scope.within(ceiling) {
            return Err(MachineError::Scope);
        }
        Ok(Approval {
            grant: GrantId::draw(entropy),
            user: own_subject(client),
            client: client.id.clone(),
            client_name: client.name.clone(),
            resource: self.resource,
            scope,
            details: Vec::new(),
            transaction: TransactionId::draw(entropy),
            created_at: now,
            expires_at: now.after(ACCESS_LIFE),
            job: None,
        })
    }
}

/// The `sub` of a machine: a name that no person can have (RFC 9700 §4.15).
pub fn machine_subject(client: &ClientId) -> UserId {
    UserId::from_stored(format!("{MACHINE}{}", client.digest()))
}

/// The `sub` of a client that acts on its own account; an agent's is the one it acts for others by.
fn own_subject(client: &Client) -> UserId {
    match client.source {
        ClientSource::Agent => UserId::from_stored(agent_subject(client.id.as_str())),
        ClientSource::Static | ClientSource::Registered | ClientSource::Document => machine_subject(&client.id),
    }
}

/// True for the `sub` of a machine or of an agent on its own account.
pub fn is_machine(subject: &str) -> bool {
    subject.starts_with(MACHINE) || agent_name(subject).is_some()
}

#[cfg(test)]
mod tests;
