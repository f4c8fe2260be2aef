//! What the account page shows of grants and sessions.

use bailiwick_domain::grant::Approval;
use bailiwick_domain::policy::{Risk, Server};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_store::{GrantRow, StoreError};

use crate::authority::Authority;
use crate::page::account::{GrantCard, SessionCard, Words};
use crate::visit::{Person, Visit};

impl Authority {
    /// What can act for this person.
    pub(super) async fn grant_cards(&self, visit: &Visit, person: &Person) -> Result<Vec<GrantCard>, StoreError> {
        let grants = self.store.grants_of(&person.user.id, visit.now).await?;
        Ok(grants.into_iter().map(|grant| self.grant_card(grant)).collect())
    }

    fn grant_card(&self, grant: GrantRow) -> GrantCard {
        let approval = grant.approval;
        let server = self.server(Some(&approval.resource));
        GrantCard {
            id: approval.grant.to_string(),
            client: approval.client_name.clone(),
            words: words(server.as_ref(), &approval.scope),
            left_out: server.as_ref().map_or(0, |server| left_out(server, &approval)),
            server: server.map_or_else(|| "A server that is no longer here".to_owned(), |server| server.title),
            resource: approval.resource.to_string(),
            since: approval.created_at.into(),
            until: approval.expires_at.into(),
            used: grant.last_used_at.map(Into::into),
        }
    }

    /// Where this person is signed in.
    pub(super) async fn session_cards(&self, visit: &Visit, person: &Person) -> Result<Vec<SessionCard>, StoreError> {
        let sessions = self.store.sessions_of(&person.user.id, visit.now).await?;
        let card = |session: bailiwick_store::Session| SessionCard {
            here: session.id == person.session.id,
            id: session.id.to_string(),
            agent: session.agent,
            since: session.auth_time.into(),
            until: session.expires_at.into(),
        };
        Ok(sessions.into_iter().map(card).collect())
    }
}

/// The scopes in the server's words and order; where it has none any more, by their names.
fn words(server: Option<&Server>, scope: &ScopeSet) -> Vec<Words> {
    let groups = server.map_or(&[][..], |server| &server.groups);
    let known = groups.iter().filter(|group| scope.contains(&group.scope));
    let mut words: Vec<Words> =
        known.map(|group| Words { says: group.says.clone(), destructive: group.risk == Risk::Destructive }).collect();
    let gone = scope.iter().filter(|scope| !groups.iter().any(|group| group.scope == **scope));
    words.extend(gone.map(|scope| Words { says: scope.to_string(), destructive: false }));
    words
}

/// How many tools the approved scopes would open, but the person left out.
fn left_out(server: &Server, approval: &Approval) -> usize {
    let Some(detail) = approval.details.iter().find(|detail| detail.concerns(&server.resource)) else { return 0 };
    let opened = server.tools.iter().filter(|tool| tool.scopes.iter().any(|scope| approval.scope.contains(scope)));
    opened.filter(|tool| !detail.tools.contains(&tool.name)).count()
}
