//! The pages on which a person lets agents work for them.

use std::time::Duration;

use askama::Template;

use super::account::{Notice, Words};
use super::consent::{Choice, Group};
use crate::moment::Moment;

/// The choice of an agent.
#[derive(Template)]
#[template(path = "job_choose.html")]
pub(crate) struct ChoosePage<'a> {
    /// Who is signed in.
    pub(crate) user: &'a str,
    /// The agents that may work for them.
    pub(crate) agents: Vec<Choosable>,
}

/// An agent to choose.
pub(crate) struct Choosable {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) words: Vec<Words>,
}

/// The terms of a job.
#[derive(Template)]
#[template(path = "job_terms.html")]
pub(crate) struct TermsPage<'a> {
    /// Who is signed in.
    pub(crate) user: &'a str,
    /// The form's token.
    pub(crate) form_token: &'a str,
    /// The agent's name.
    pub(crate) agent: &'a str,
    /// What people call it.
    pub(crate) title: &'a str,
    /// True when every server it reaches answers.
    pub(crate) reachable: bool,
    /// What it may do.
    pub(crate) groups: Vec<Group>,
    /// Whom it may hand work to.
    pub(crate) company: Vec<Mate>,
    /// How long it may last.
    pub(crate) durations: Vec<Choice>,
    /// How many calls.
    pub(crate) budget: &'a str,
    /// What it is for.
    pub(crate) reason: &'a str,
    /// What was wrong the last time.
    pub(crate) problem: Option<String>,
}

/// Another agent of a job.
pub(crate) struct Mate {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) ticked: bool,
}

/// A job that was given.
#[derive(Template)]
#[template(path = "job.html")]
pub(crate) struct JobPage<'a> {
    /// Who is signed in.
    pub(crate) user: &'a str,
    /// The forms' token.
    pub(crate) form_token: &'a str,
    /// What was just done, or could not be.
    pub(crate) notice: Option<Notice>,
    /// The grant's id.
    pub(crate) grant: &'a str,
    /// What people call the agent it was given to.
    pub(crate) title: &'a str,
    /// What it is for.
    pub(crate) reason: &'a str,
    /// Who may take part.
    pub(crate) agents: Vec<&'a str>,
    /// What it may do.
    pub(crate) words: Vec<Words>,
    /// How many tools were left out.
    pub(crate) left_out: usize,
    /// How many calls were made.
    pub(crate) calls: String,
    /// How many it was given, where they are counted.
    pub(crate) budget: Option<u32>,
    /// When it was given.
    pub(crate) since: Moment,
    /// When it ends.
    pub(crate) until: Moment,
    /// True while it may go on.
    pub(crate) live: bool,
    /// How an agent obtains a token for it.
    pub(crate) example: String,
}

const HOUR: u64 = 3600;
const DURATIONS: [(&str, &str, u64); 5] = [
    ("1h", "1 hour", HOUR),
    ("8h", "8 hours", 8 * HOUR),
    ("1d", "1 day", 24 * HOUR),
    ("7d", "7 days", 7 * 24 * HOUR),
    ("30d", "30 days", 30 * 24 * HOUR),
];
const USUAL: &str = "1d";
/// How many calls stand in the form at first.
pub(crate) const USUAL_BUDGET: &str = "100";

/// The durations, with the one chosen, or else the usual one, marked.
pub(crate) fn durations(chosen: Option<&str>) -> Vec<Choice> {
    let chosen = chosen.filter(|value| life(value).is_some()).unwrap_or(USUAL);
    DURATIONS.iter().map(|&(value, words, _)| Choice { value, words, chosen: value == chosen }).collect()
}

/// How long the choice of that value lasts.
pub(crate) fn life(value: &str) -> Option<Duration> {
    DURATIONS.iter().find(|(known, _, _)| *known == value).map(|&(_, _, seconds)| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_domain::grant::{JOB_LEAST, JOB_MOST};

    #[test]
    fn every_duration_on_the_page_may_be_chosen() {
        for choice in durations(None) {
            let life = life(choice.value).unwrap();
            assert!((JOB_LEAST..=JOB_MOST).contains(&life), "{}", choice.words);
        }
        assert_eq!(durations(Some("2d")).iter().filter(|choice| choice.chosen).count(), 1);
    }
}
