//! What a grant for a long job says at every call of a chain below it: who may act, and whether calls are counted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Chain, ChainRefusal, Target, agent_name};
use crate::control::{Control, holds};

/// The bounds of a job, in every token below its grant (`dlg.job`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobBounds {
    /// The agents that may take part, by name.
    pub agents: BTreeSet<String>,
    /// True when calls of tools are counted against a budget.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counted: bool,
}

impl JobBounds {
    /// True when that party may take part: an agent the person named, and nobody else.
    pub fn names(&self, subject: &str) -> bool {
        agent_name(subject).is_some_and(|name| self.agents.contains(name))
    }

    /// Looks whether only agents of the job act, and whether the next one is among them.
    ///
    /// # Errors
    /// [`ChainRefusal::NotInJob`] names the first who is not.
    pub fn admits(&self, chain: &Chain, target: Target<'_>) -> Result<(), ChainRefusal> {
        let next = match target {
            Target::Agent(agent) => Some(agent.subject()),
            Target::Server(_) | Target::Api(_) => None,
        };
        let mut everybody = chain.actors().map(|actor| actor.sub.clone()).chain(next);
        match everybody.find(|subject| !self.names(subject)) {
            Some(stranger) if holds(Control::JobAgents) => Err(ChainRefusal::NotInJob(stranger)),
            Some(_) | None => Ok(()),
        }
    }
}
