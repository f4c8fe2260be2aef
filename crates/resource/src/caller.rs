//! The caller: proof that a request's token was verified, for this server, and that its grant lives.

use std::sync::Arc;

use bailiwick_domain::chain::Chain;
use bailiwick_domain::ids::{ClientId, GrantId, TokenId, TransactionId};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::{AccessToken, ToolsDetail};

/// Who calls, with whose authority, through whom. Only [`crate::Verifier::admit`] makes one.
///
/// ```compile_fail
/// # use bailiwick_domain::token::AccessToken;
/// # use bailiwick_resource::Caller;
/// fn forge(token: AccessToken) -> Caller { Caller { token: token.into() } }
/// ```
/// ```compile_fail
/// # use bailiwick_domain::token::AccessToken;
/// # use bailiwick_resource::Caller;
/// fn forge(token: AccessToken) -> Caller { Caller::new(token.into()) }
/// ```
#[derive(Clone, Debug)]
pub struct Caller {
    token: Arc<AccessToken>,
}

impl Caller {
    pub(crate) fn new(token: Arc<AccessToken>) -> Self {
        Self { token }
    }

    /// The verified token.
    pub fn token(&self) -> &AccessToken {
        &self.token
    }

    /// Whose authority this is: a user, or a machine acting for itself.
    pub fn subject(&self) -> &str {
        &self.token.claims().sub
    }

    /// The client the token was issued to.
    pub fn client(&self) -> &ClientId {
        &self.token.claims().client_id
    }

    /// The grant the token hangs from.
    pub fn grant(&self) -> &GrantId {
        &self.token.claims().dlg.grant
    }

    /// What the token opens.
    pub fn scope(&self) -> &ScopeSet {
        &self.token.claims().scope
    }

    /// The tools chosen one by one, where any were left out.
    pub fn details(&self) -> &[ToolsDetail] {
        &self.token.claims().authorization_details
    }

    /// Who acts for the subject.
    pub fn chain(&self) -> &Chain {
        self.token.chain()
    }

    /// The token's identifier.
    pub fn jti(&self) -> &TokenId {
        &self.token.claims().jti
    }

    /// The transaction the call belongs to.
    pub fn transaction(&self) -> &TransactionId {
        &self.token.claims().txn
    }

    /// When the token expires.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.token.claims().exp)
    }
}
