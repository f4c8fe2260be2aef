//! What a page shows of grants and sessions.

use bailiwick_domain::chain::Map;
use bailiwick_domain::grant::Approval;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::policy::{Risk, Server, Tool};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{Budget, GrantRow, Looked, StoreError};

use crate::authority::Authority;
use crate::page::account::{GrantCard, JobLine, SessionCard, Words};
use crate::page::tree::{Around, GrantsPiece, TreePiece};
use crate::tree::grow;
use crate::visit::{Person, Visit};

/// The most grants on one page.
pub(crate) const MOST_GRANTS: u32 = 50;

/// Who looks at which grants.
#[derive(Clone, Debug)]
pub(crate) enum Looking {
    /// A person at their own.
    Own {
        /// Who.
        user: UserId,
        /// By name.
        name: String,
    },
    /// The console at everybody's.
    All {
        /// How many come before.
        skip: u32,
        /// True for whoever may stop them.
        stops: bool,
    },
}

impl Looking {
    /// What the store is asked.
    pub(crate) fn looked(&self) -> Looked {
        match self {
            Self::Own { user, .. } => Looked { user: Some(user.clone()), limit: MOST_GRANTS, skip: 0 },
            Self::All { skip, .. } => Looked { user: None, limit: MOST_GRANTS, skip: *skip },
        }
    }

    const fn stop_at(&self) -> Option<&'static str> {
        match self {
            Self::Own { .. } => Some("/account/stop"),
            Self::All { stops: true, .. } => Some("/console/stop"),
            Self::All { stops: false, .. } => None,
        }
    }

    const fn nothing(&self) -> &'static str {
        match self {
            Self::Own { .. } => r#"Nothing at the moment. <a href="/">Connect a client</a>"#,
            Self::All { skip: 0, .. } => "Nobody lets anything act at the moment.",
            Self::All { .. } => "There are no more.",
        }
    }
}

impl Authority {
    /// The cards of everything that can act, and when the first token on them is over.
    pub(crate) async fn grants_piece(
        &self,
        looking: &Looking,
        form_token: &str,
        now: Timestamp,
    ) -> Result<(GrantsPiece, Option<Timestamp>), StoreError> {
        let (mut grants, mut next_end) = (Vec::new(), None);
        for stir in self.store.stir(&looking.looked(), now).await? {
            let Some(tree) = self.store.tree(&stir.grant, now).await? else { continue };
            let (directory, catalogue) = (self.directory.load(), self.catalogue.load());
            let app = grow(Map { directory: &directory, catalogue: &catalogue }, &tree);
            let user = &tree.grant.approval.user;
            let name = match looking {
                Looking::Own { name, .. } => name.clone(),
                Looking::All { .. } => self.store.user(user).await?.map_or_else(|| user.to_string(), |user| user.name),
            };
            let around = Around { now, form_token, stop_at: looking.stop_at(), person: &name };
            let job = self.job_line(&tree.grant.approval).await?;
            let mut card = self.grant_card(tree.grant.clone(), job);
            card.tree = app.is_chain().then(|| TreePiece::of(&tree, &app, around));
            card.user = matches!(looking, Looking::All { .. }).then_some(name);
            next_end = app.next_end(now).into_iter().chain(next_end).min();
            grants.push(card);
        }
        let (stop_at, nothing) = (looking.stop_at(), looking.nothing());
        Ok((GrantsPiece { form_token: form_token.to_owned(), stop_at, grants, nothing }, next_end))
    }

    async fn job_line(&self, approval: &Approval) -> Result<Option<JobLine>, StoreError> {
        let Some(job) = &approval.job else { return Ok(None) };
        let budget = if job.budget.is_some() { self.store.budget(&approval.grant).await? } else { None };
        Ok(Some(JobLine { reason: job.reason.clone(), calls: calls(budget) }))
    }

    fn grant_card(&self, grant: GrantRow, job: Option<JobLine>) -> GrantCard {
        let approval = grant.approval;
        let server = self.server(Some(&approval.resource));
        GrantCard {
            id: approval.grant.to_string(),
            user: None,
            client: approval.client_name.clone(),
            place: if self.agent_at(&approval.resource).is_some() { "Agent" } else { "Server" },
            words: words(server.as_ref(), &approval.scope),
            left_out: server.as_ref().map_or(0, |server| self.left_out(server, &approval)),
            server: server.map_or_else(|| "A server that is no longer here".to_owned(), |server| server.title),
            resource: approval.resource.to_string(),
            since: approval.created_at.into(),
            until: approval.expires_at.into(),
            // A job is in force before anybody used it.
            used: grant.last_used_at.filter(|at| job.is_none() || *at > approval.created_at).map(Into::into),
            job,
            tree: None,
        }
    }

    /// How many tools the approved scopes would open at that place, but the person left out. At an agent a tool stands
    /// under the name of its server.
    pub(super) fn left_out(&self, place: &Server, approval: &Approval) -> usize {
        let (catalogue, directory) = (self.catalogue.load(), self.directory.load());
        let map = Map { directory: &directory, catalogue: &catalogue };
        let agent = directory.agent_at(&approval.resource).is_some();
        let is_out = |tool: &&Tool| {
            let beyond = if agent { map.tool(&tool.name) } else { None };
            let (at, name) =
                beyond.map_or((&place.resource, tool.name.as_str()), |(server, name)| (&server.resource, name));
            let detail = approval.details.iter().find(|detail| detail.concerns(at));
            detail.is_some_and(|detail| !detail.tools.iter().any(|kept| kept == name))
        };
        let opened = place.tools.iter().filter(|tool| tool.scopes.iter().any(|scope| approval.scope.contains(scope)));
        opened.filter(is_out).count()
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

/// A budget in words.
pub(super) fn calls(budget: Option<Budget>) -> String {
    budget
        .map_or_else(|| "as many as it takes".to_owned(), |Budget { calls, spent }| format!("{spent} of {calls} made"))
}

/// The scopes in the server's words and order; where it has none any more, by their names.
pub(super) fn words(server: Option<&Server>, scope: &ScopeSet) -> Vec<Words> {
    let groups = server.map_or(&[][..], |server| &server.groups);
    let known = groups.iter().filter(|group| scope.contains(&group.scope));
    let mut words: Vec<Words> =
        known.map(|group| Words { says: group.says.clone(), destructive: group.risk == Risk::Destructive }).collect();
    let gone = scope.iter().filter(|scope| !groups.iter().any(|group| group.scope == **scope));
    words.extend(gone.map(|scope| Words { says: scope.to_string(), destructive: false }));
    words
}
