//! The company of an agent: every agent it can hand authority to, over one edge or several, and how much that is.

use super::{Actor, Agent, Assurance, Chain, Edge, JobBounds, MOST_HOPS, Map, Passage, agent_subject, edge_id, narrow};
use crate::policy::Holder;
use crate::scope::ScopeSet;
use crate::uri::Resource;

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

    /// Every way in which tokens name the step from an agent to a target: past an agent, and on the way to whatever it
    /// is. An agent that is a server behind the gateway is called by the server's name as well. Whoever cuts an edge cuts
    /// all of them.
    pub fn steps(&self, from: &str, to: &str) -> Vec<String> {
        let agents = self.directory.agents.iter().map(|agent| (agent.name.as_str(), agent.behind.as_deref()));
        steps((from, to), agents, |name| self.named(name).map(|target| target.resource()))
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

/// What [`Map::steps`] answers, over agents by name, each with the server behind the gateway that it is, and over the
/// audience of each name: for whoever knows no more of them than that.
pub fn steps<'a>(
    (from, to): (&str, &str),
    agents: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    at: impl Fn(&str) -> Option<&'a Resource>,
) -> Vec<String> {
    let from = agent_subject(from);
    let (mut past, mut server) = (Vec::new(), None);
    for (name, behind) in agents {
        if name == to || behind == Some(to) {
            past.push(edge_id(&from, &agent_subject(name)));
        }
        server = server.or(behind.filter(|_| name == to));
    }
    let called = [Some(to), server].into_iter().flatten().filter_map(at);
    past.into_iter().chain(called.map(|resource| edge_id(&from, resource.as_str()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_a_step_is_told() {
        let agents = [("a", None), ("b", Some("notes"))];
        let resources = ["https://a", "https://b", "https://x/mcp/notes"].map(Resource::from_stored);
        let at =
            |name: &str| ["a", "b", "notes"].iter().position(|known| *known == name).and_then(|n| resources.get(n));
        let told = |from: &str, to: &str| steps((from, to), agents.into_iter(), at);

        assert_eq!(told("b", "a"), ["agent:b->agent:a", "agent:b->https://a"]);
        assert_eq!(told("a", "b"), ["agent:a->agent:b", "agent:a->https://b", "agent:a->https://x/mcp/notes"]);
        assert_eq!(told("a", "notes"), ["agent:a->agent:b", "agent:a->https://x/mcp/notes"]);
        assert!(told("a", "nothing").is_empty());
    }
}
