//! Grants for long jobs: a person says once which agents may work for them, with what, until when and how often. Every
//! token below is short; the agents obtain the next one with a fresh proof of who they are.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chain::{Agent, JobBounds, Map};
use crate::text;

/// The shortest a job may be given for.
pub const JOB_LEAST: Duration = Duration::from_hours(1);
/// The longest.
pub const JOB_MOST: Duration = Duration::from_hours(30 * 24);
/// The most calls of tools that a budget can say.
pub const BUDGET_MOST: u32 = 1_000_000;
/// The longest reason, in characters.
pub const REASON_MOST: usize = 200;

/// The terms of a job beside those every approval has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What it is for, in the person's words.
    pub reason: String,
    /// The agents that may take part, by name; the one it was given to among them.
    pub agents: BTreeSet<String>,
    /// How many calls of tools it was given; none means as many as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<u32>,
}

/// What a person wrote and ticked, about to be checked.
#[derive(Clone, Debug)]
pub struct JobWish<'a> {
    /// What it is for.
    pub reason: &'a str,
    /// Who else may take part, by name.
    pub company: BTreeSet<String>,
    /// How many calls of tools, as it was written.
    pub budget: Option<&'a str>,
    /// For how long.
    pub life: Option<Duration>,
}

/// Why a wish is no job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// No reason.
    #[error("Say in a few words what it is for.")]
    Reason,
    /// An agent that the first one does not reach.
    #[error("One of these agents is not among those it can hand work to.")]
    Company,
    /// No number, or one that is too large.
    #[error("The number of calls must be a whole number from 1 to {BUDGET_MOST}, or left empty.")]
    Budget,
    /// No time, or one out of bounds.
    #[error("Choose for how long: from one hour to thirty days.")]
    Life,
}

impl JobWish<'_> {
    /// Checks the wish for a job that is given to `root`: only those take part whom it can reach, and it ends.
    ///
    /// # Errors
    /// [`JobError`] for the first thing that is wrong.
    pub fn check(&self, map: Map<'_>, root: &Agent) -> Result<(Job, Duration), JobError> {
        let reason = text::presentable(self.reason, REASON_MOST);
        if reason.is_empty() {
            return Err(JobError::Reason);
        }
        let company: BTreeSet<&str> = map.company(root).iter().map(|agent| agent.name.as_str()).collect();
        if !self.company.iter().all(|name| company.contains(name.as_str())) {
            return Err(JobError::Company);
        }
        let budget = self.budget.map(|raw| read_budget(raw).ok_or(JobError::Budget)).transpose()?;
        let life = self.life.filter(|life| (JOB_LEAST..=JOB_MOST).contains(life)).ok_or(JobError::Life)?;
        let agents = self.company.iter().cloned().chain([root.name.as_str().to_owned()]).collect();
        Ok((Job { reason, agents, budget }, life))
    }
}

/// A number of calls, as a person writes it.
pub fn read_budget(raw: &str) -> Option<u32> {
    raw.trim().parse().ok().filter(|calls| (1..=BUDGET_MOST).contains(calls))
}

impl Job {
    /// What every token below it says of it.
    pub fn bounds(&self) -> JobBounds {
        JobBounds { agents: self.agents.clone(), counted: self.budget.is_some() }
    }
}

#[cfg(test)]
mod tests;
