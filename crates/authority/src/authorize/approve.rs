//! Approval: what was decided becomes a grant and a code, in one conditional write.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::chain::{Map, Target};
use bailiwick_domain::client::Client;
use bailiwick_domain::grant::{Approval, CodeGrant};
use bailiwick_domain::ids::{GrantId, TransactionId, UserId};
use bailiwick_domain::opaque::{Code, Digest, Opaque, RequestHandle};
use bailiwick_domain::policy::{Server, Stage};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::{CODE_LIFE, REFRESH_LIFE};
use bailiwick_domain::token::ToolsDetail;
use bailiwick_domain::uri::Resource;
use bailiwick_store::NewApproval;

use super::held::Held;
use super::{answer, beyond};
use crate::authority::Authority;
use crate::fault::Fault;
use crate::page::consent::usual_life;
use crate::page::{found, with_cookies};
use crate::visit::Visit;

/// What a person decided.
pub(crate) struct Terms {
    /// Who.
    pub(crate) user: UserId,
    /// What remains of the scopes.
    pub(crate) scope: ScopeSet,
    /// What remains of the tools, when some were left out.
    pub(crate) only: Option<Vec<String>>,
    /// For how long.
    pub(crate) life: Duration,
}

/// A request about to be approved.
pub(crate) struct Pending<'a> {
    /// Who asked.
    pub(crate) client: &'a Client,
    /// For what.
    pub(crate) held: &'a Held,
    /// Under which handle; answering consumes it.
    pub(crate) request: &'a Digest<RequestHandle>,
}

impl Pending<'_> {
    /// Approves on these terms; the URL brings the code to the client.
    pub(crate) async fn approve(&self, authority: &Authority, visit: &Visit, terms: Terms) -> Result<String, Fault> {
        let approval = self.approval(authority, visit, terms);
        let code = Opaque::<Code>::mint(authority.entropy.as_ref());
        let audit =
            AuditEvent::new(AuditKind::ConsentGiven, visit.now).correlation(&visit.correlation).approval(&approval);
        let new = NewApproval {
            code_grant: CodeGrant {
                approval: approval.clone(),
                redirect_uri: self.held.ask.redirect_uri.clone(),
                challenge: self.held.ask.challenge.clone(),
                expires_at: visit.now.after(CODE_LIFE),
            },
            approval,
            client: self.client.clone(),
            code: code.digest(),
            request: self.request.clone(),
        };
        if !authority.store.approve(new, audit).await? {
            return Err(Fault::Answered);
        }
        let ask = &self.held.ask;
        Ok(answer::code(&ask.redirect_uri, code.expose().as_str(), ask.state.as_deref(), &authority.issuer))
    }

    fn approval(&self, authority: &Authority, visit: &Visit, terms: Terms) -> Approval {
        let entropy = authority.entropy.as_ref();
        let resource = self.held.resource.clone();
        Approval {
            grant: GrantId::draw(entropy),
            user: terms.user,
            client: self.client.id.clone(),
            client_name: self.client.name.clone(),
            details: terms.only.map(|tools| authority.bound_to(&resource, tools)).unwrap_or_default(),
            resource,
            scope: terms.scope,
            transaction: TransactionId::draw(entropy),
            created_at: visit.now,
            expires_at: visit.now.after(terms.life.min(REFRESH_LIFE)),
            job: None,
        }
    }
}

impl Authority {
    /// The details that leave only `tools` at that place. At an agent a tool stands under the name of its server, and
    /// it is at that server that the others are left out.
    pub(crate) fn bound_to(&self, resource: &Resource, tools: Vec<String>) -> Vec<ToolsDetail> {
        let (catalogue, directory) = (self.catalogue.load(), self.directory.load());
        let map = Map { directory: &directory, catalogue: &catalogue };
        let Some(target @ Target::Agent(_)) = map.at(resource) else {
            return vec![ToolsDetail::only(resource.clone(), tools)];
        };
        let at = |server: &&Server| {
            let here = tools.iter().filter_map(|shown| map.tool(shown));
            here.filter(|(known, _)| known.resource == server.resource).map(|(_, tool)| tool.to_owned()).collect()
        };
        let served = map.served(target).into_iter().filter(|server| !server.tools.is_empty());
        served.map(|server| ToolsDetail::only(server.resource.clone(), at(&server))).collect()
    }
}

/// Approves everything without a page, for the user of `--dev-approve`.
pub(crate) async fn at_once(
    authority: &Arc<Authority>,
    visit: &Visit,
    client: &Client,
    held: &Held,
    name: &str,
) -> Result<Response, Fault> {
    let user = authority.dev_user(visit, name).await?;
    let scope = authority.within(Stage::Consent, &user, &held.resource, &held.scope);
    if scope.is_empty() {
        return Ok(beyond::redirect(authority, visit, held, &user));
    }
    let (browser, cookie) = visit.browser_or_new(authority);
    let request = held.keep(authority, visit, &browser).await?.digest();
    let terms = Terms { user: user.id, scope, only: None, life: usual_life() };
    let url = Pending { client, held, request: &request }.approve(authority, visit, terms).await?;
    Ok(with_cookies(found(&url), [cookie]))
}
