//! What may flow along a chain: every actor in it must have leave to act toward the next, for this person, this deep.
//! The same answer serves the token endpoint and every call at the gateway.

use super::{
    Actor, Agent, Assurance, Chain, Edge, JobBounds, MOST_HOPS, Map, Target, agent_name, door_client, server_name,
};
use crate::control::{Control, holds};
use crate::error::ErrorCode;
use crate::policy::{Holder, Person};
use crate::scope::ScopeSet;

/// A chain on its way to a target.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// Whose authority it is.
    pub holder: &'a Holder,
    /// Who acts, current actor outermost.
    pub chain: &'a Chain,
    /// The weakest proof of identity of anybody in it.
    pub weakest: Option<Assurance>,
    /// The bounds of the job it is part of, if it is part of one.
    pub job: Option<&'a JobBounds>,
    /// Where it goes.
    pub target: Target<'a>,
}

/// Why nothing flows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainRefusal {
    /// An actor that is not, or no longer, in the configuration.
    #[error("{0} is no agent here")]
    Unknown(String),
    /// No leave to act toward the next party.
    #[error("{from} may not act toward {to} here, or not for this user")]
    NoEdge {
        /// Who would act.
        from: String,
        /// Toward whom.
        to: String,
    },
    /// More actors than allowed.
    #[error("the chain of actors is deeper than allowed")]
    TooDeep,
    /// The same actor twice.
    #[error("{0} stands in the chain already")]
    Loop(String),
    /// Somebody in it proves too weakly who they are.
    #[error("{to} accepts {floor} or stronger of everybody in the chain; somebody in it authenticated by {found} only")]
    Floor {
        /// What was called.
        to: String,
        /// What it demands.
        floor: Assurance,
        /// What was found.
        found: Assurance,
    },
    /// Somebody whom the person who gave the job did not name.
    #[error("{0} may not take part in this job: the person who gave it did not name it")]
    NotInJob(String),
    /// What an agent holds on its own account is not handed on.
    #[error("an agent's own authority is not handed on: act for a user, or ask for a token of your own")]
    OwnAccount,
}

impl ChainRefusal {
    /// The rule that says so.
    pub fn rule(&self) -> String {
        match self {
            Self::Unknown(actor) => format!("agent:{}", agent_name(actor).unwrap_or(actor)),
            Self::NoEdge { from, to } => format!("edge:{from}->{to}"),
            Self::TooDeep => "chain:depth".to_owned(),
            Self::Loop(_) => "chain:loop".to_owned(),
            Self::Floor { to, .. } => format!("floor:{to}"),
            Self::NotInJob(_) => "job:agent".to_owned(),
            Self::OwnAccount => "chain:own-account".to_owned(),
        }
    }

    /// The code on the wire.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::TooDeep | Self::Loop(_) => ErrorCode::InvalidRequest,
            Self::Unknown(_) | Self::NoEdge { .. } | Self::Floor { .. } | Self::NotInJob(_) | Self::OwnAccount => {
                ErrorCode::ActorUnauthorized
            }
        }
    }
}

/// The most that may flow to the target: everything it takes where nobody acts in between, and else what every actor
/// and every edge on the way lets pass.
///
/// # Errors
/// [`ChainRefusal`] when somebody on the way has no leave.
pub fn narrow(map: Map<'_>, passage: &Passage<'_>) -> Result<ScopeSet, ChainRefusal> {
    let all = map.reach(passage.target);
    let mut actors: Vec<&Actor> = passage.chain.actors().collect();
    if actors.is_empty() {
        return Ok(all);
    }
    actors.reverse();
    let Holder::Person(person) = passage.holder else { return Err(ChainRefusal::OwnAccount) };
    if let Some(job) = passage.job {
        job.admits(passage.chain, passage.target)?;
    }
    floor(map, passage)?;
    let mut most = all;
    for (place, actor) in actors.iter().enumerate() {
        let before = actors.get(..place).unwrap_or_default();
        let next = match actors.get(place + 1) {
            Some(next) => Next::Actor(next),
            None => Next::Target(passage.target),
        };
        most = most.meet(&step(map, person, &Step { actor, before, next }, &most)?);
    }
    Ok(most)
}

/// One step of a chain.
struct Step<'a> {
    actor: &'a Actor,
    /// Who acted before, first actor first.
    before: &'a [&'a Actor],
    next: Next<'a>,
}

enum Next<'a> {
    Actor(&'a Actor),
    Target(Target<'a>),
}

/// What one step lets pass of `most`.
fn step(map: Map<'_>, person: &Person, step: &Step<'_>, most: &ScopeSet) -> Result<ScopeSet, ChainRefusal> {
    let from = short(&step.actor.sub);
    let names = names(map, &step.next);
    let no_edge = || ChainRefusal::NoEdge { from: from.to_owned(), to: names.first().cloned().unwrap_or_default() };
    if let Some(client) = door_client(&step.actor.sub) {
        let opens = map.directory.doors.get(&client).is_some_and(|to| names.iter().any(|name| to.contains(name)));
        return if opens || !holds(Control::Edge) { Ok(most.clone()) } else { Err(no_edge()) };
    }
    let agent = agent_name(&step.actor.sub).and_then(|name| map.directory.agent(name));
    let agent = agent.ok_or_else(|| ChainRefusal::Unknown(step.actor.sub.clone()))?;
    let depth = step.before.len() + 1;
    if depth > agent.max_depth.min(MOST_HOPS) && holds(Control::ChainDepth) {
        return Err(ChainRefusal::TooDeep);
    }
    let fits = |edge: &&Edge| agent.acts_for(person) && edge.acts_for(person) && follows(edge, step.before);
    let edges: Vec<&Edge> = agent.edges.iter().filter(|edge| names.contains(&edge.to)).filter(fits).collect();
    if edges.is_empty() && holds(Control::Edge) {
        return Err(no_edge());
    }
    let deep: Vec<&Edge> = edges.iter().copied().filter(|edge| depth <= edge.max_depth).collect();
    if deep.is_empty() && !edges.is_empty() && holds(Control::ChainDepth) {
        return Err(ChainRefusal::TooDeep);
    }
    let open = reentry(map, agent, step, deep)?;
    let bounded = agent.scopes.as_ref().map_or_else(|| most.clone(), |scopes| scopes.meet(most));
    if !holds(Control::Edge) {
        return Ok(bounded);
    }
    let passes = |edge: &&Edge| edge.scopes.as_ref().map_or_else(|| bounded.clone(), |scopes| scopes.meet(&bounded));
    Ok(open.iter().map(passes).fold(ScopeSet::default(), |all, part| all.join(&part)))
}

/// The same party twice in one chain needs an edge that says so, and only such edges count then; a server that is an agent
/// itself is that party.
fn reentry<'e>(
    map: Map<'_>,
    agent: &Agent,
    step: &Step<'_>,
    mut edges: Vec<&'e Edge>,
) -> Result<Vec<&'e Edge>, ChainRefusal> {
    let stands = |sub: &str| agent.subject() == sub || step.before.iter().any(|before| before.sub == sub);
    let again = match step.next {
        Next::Actor(next) => Some(next.sub.clone()),
        Next::Target(Target::Agent(next)) => Some(next.subject()),
        Next::Target(Target::Server(server)) => {
            let name = Some(server_name(server));
            let inside = map.directory.agents.iter().filter(|agent| agent.behind.as_deref() == name);
            inside.map(Agent::subject).find(|sub| stands(sub))
        }
        Next::Target(Target::Api(_)) => None,
    };
    let Some(sub) = again.filter(|sub| stands(sub) && holds(Control::ChainLoop)) else { return Ok(edges) };
    edges.retain(|edge| edge.reentrant);
    if edges.is_empty() { Err(ChainRefusal::Loop(short(&sub).to_owned())) } else { Ok(edges) }
}

/// The names an edge may call the next party by: its own, and for one who acted, that of the server behind the gateway
/// that it is. A token for such a server is for its place at the gateway, where its tools are decided over: an edge to it
/// is no leave to go past the gateway to what lies behind.
fn names(map: Map<'_>, next: &Next<'_>) -> Vec<String> {
    let agent = match next {
        Next::Actor(actor) => match agent_name(&actor.sub).and_then(|name| map.directory.agent(name)) {
            Some(agent) => Some(agent),
            // It is gone: nobody can have leave to act toward it.
            None => return vec![short(&actor.sub).to_owned()],
        },
        Next::Target(target) => return vec![target.name().to_owned()],
    };
    let behind = agent.and_then(|agent| agent.behind.clone());
    agent.map(|agent| agent.name.as_str().to_owned()).into_iter().chain(behind).collect()
}

fn follows(edge: &Edge, before: &[&Actor]) -> bool {
    let Some(after) = &edge.after else { return true };
    before.iter().any(|actor| after.iter().any(|name| *name == short(&actor.sub)))
}

fn floor(map: Map<'_>, passage: &Passage<'_>) -> Result<(), ChainRefusal> {
    let to = passage.target.name();
    let floor = match passage.target {
        Target::Agent(agent) => agent.floor,
        Target::Server(_) | Target::Api(_) => map.directory.floors.get(to).copied().unwrap_or_default(),
    };
    let found = passage.weakest.unwrap_or_default();
    if found < floor && holds(Control::Floor) {
        return Err(ChainRefusal::Floor { to: to.to_owned(), floor, found });
    }
    Ok(())
}

/// The name in a `sub`.
fn short(subject: &str) -> &str {
    subject.split_once(':').map_or(subject, |(_, name)| name)
}
