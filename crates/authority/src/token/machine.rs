//! `client_credentials` (RFC 6749 §4.4): a machine acts for itself, within what the operator allows, without refresh.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::client::Client;
use bailiwick_domain::grant::MachineRequest;
use bailiwick_domain::scope::ScopeSet;

use super::answer::{self, Answer};
use super::code::resource;
use super::error::TokenError;
use crate::authority::Authority;
use crate::form::Form;
use crate::visit::Visit;

impl Authority {
    /// Issues a machine's own token, under a grant of its own.
    pub(super) async fn machine(&self, visit: &Visit, client: &Client, form: &Form) -> Result<Answer, TokenError> {
        let resource = resource(form)?;
        let server = self.server(resource.as_ref()).ok_or(TokenError::Target)?;
        let asked = form.one("scope").map(|raw| ScopeSet::parse(raw).ok_or(TokenError::Scope)).transpose()?;
        let known = server.all_scopes();
        // A ceiling may span several servers; without a wish, what of it this one has.
        let ceiling = client.scope.as_ref().map_or_else(ScopeSet::default, |ceiling| ceiling.meet(&known));
        let scope = asked.filter(|asked| !asked.is_empty()).unwrap_or(ceiling);
        if scope.is_empty() || !scope.within(&known) {
            return Err(TokenError::Scope);
        }
        let request = MachineRequest { resource: server.resource, scope: scope.clone() };
        let approval = request.approve(client, self.entropy.as_ref(), visit.now)?;
        let minted = self.front_token(&approval, &scope, visit.now)?;
        let row = answer::row(&minted, visit.now);
        let audit = AuditEvent::new(AuditKind::TokenIssued, visit.now)
            .correlation(&visit.correlation)
            .approval(&approval)
            .client_auth(client.auth.as_str())
            .token(&row.jti);
        if !self.store.machine_token(approval, row, audit).await? {
            return Err(TokenError::Stopped);
        }
        Ok(Answer::new(minted, None, visit.now))
    }
}
