//! The company of an agent: every agent it can hand authority to, over one edge or several, and how much that is.

use super::{Actor, Agent, Assurance, Chain, Edge, JobBounds, MOST_HOPS, Map, Passage, narrow};
use crate::policy::Holder;
use crate::scope::ScopeSet;

/// Authority on its way through agents to one of them.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// Whose authority it is.
    pub holder: &'a Holder,
    /// Through whom alone it may go.
    pub job: &'a JobBounds,
    /// Who vouches for agents.
    pub issuer: &'a str,
    /// To whom it goes.
    pub to: &'a Agent,
}

impl<'a> Map<'a> {
    /// An agent and every other that it can hand authority to, itself first.
    pub fn company(&self, root: &'a Agent) -> Vec<&'a Agent> {
        let mut all = vec![root];
        let mut fresh = vec![root];
        for _ in 0..MOST_HOPS {
            let mut found = Vec::new();
            for next in fresh.iter().flat_map(|agent| &agent.edges).flat_map(|edge| self.agents_at(edge)) {
                if !all.iter().any(|known| known.name == next.name) {
                    all.push(next);
                    found.push(next);
                }
            }
            fresh = found;
        }
        all
    }

    /// The agents an edge leads to: the one of that name, or the one that is the server of that name.
    fn agents_at(&self, edge: &Edge) -> impl Iterator<Item = &'a Agent> + use<'a, '_> {
        let to = edge.to.clone();
        let directory = self.directory;
        directory.agents.iter().filter(move |agent| {
            agent.name.as_str() == to || agent.behind.as_deref().is_some_and(|server| server == to)
        })
    }

    /// The most that could be handed down from `root` to the end of the way, over whatever chain. What an agent of a job
    /// obtains by itself is never more than the one the job was given to could have handed it.
    pub fn handed_down(&self, root: &'a Agent, way: &Way<'_>) -> ScopeSet {
        self.from(root, &Chain::default(), Assurance::ALL.into_iter().max().unwrap_or_default(), way)
    }

    fn from(&self, at: &'a Agent, before: &Chain, weakest: Assurance, way: &Way<'_>) -> ScopeSet {
        let actor = Actor { iss: way.issuer.to_owned(), sub: at.subject(), sub_profile: None, act: None };
        // Whoever acts twice hands on nothing more the second time.
        let Ok(chain) = before.clone().wrap(actor) else { return ScopeSet::default() };
        let weakest = weakest.min(at.assurance);
        let targets = at.edges.iter().filter_map(|edge| Some((edge, self.named(&edge.to)?)));
        let steps = targets.flat_map(|(edge, target)| self.agents_at(edge).map(move |next| (target, next)));
        let parts = steps.filter(|(_, next)| way.job.agents.contains(next.name.as_str())).map(|(target, next)| {
            if next.name != way.to.name {
                return self.from(next, &chain, weakest, way);
            }
            // An agent behind the gateway is handed what its server is shown.
            let (job, weakest) = (Some(way.job), Some(weakest));
            narrow(*self, &Passage { holder: way.holder, chain: &chain, weakest, job, target }).unwrap_or_default()
        });
        parts.fold(ScopeSet::default(), |all, part| all.join(&part))
    }
}
