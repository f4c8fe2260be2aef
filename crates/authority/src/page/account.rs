//! The page on which a person sees what can act for them.

use askama::Template;

use super::connect::{ConnectionCard, Standing};
use super::tree::{GrantsPiece, TreePiece};
use crate::moment::Moment;

/// The account page.
#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage<'a> {
    /// Who is signed in.
    pub(crate) user: &'a str,
    /// The forms' token.
    pub(crate) form_token: &'a str,
    /// True for whom the console opens.
    pub(crate) console: bool,
    /// What was just done, or could not be.
    pub(crate) notice: Option<Notice>,
    /// What can act for them.
    pub(crate) grants: GrantsPiece,
    /// What they have connected, or could.
    pub(crate) connections: Vec<ConnectionCard>,
    /// True when there is an agent that may work for them.
    pub(crate) may_give: bool,
    /// Where they are signed in.
    pub(crate) sessions: Vec<SessionCard>,
    /// True when there is a password to change.
    pub(crate) has_password: bool,
    /// The fewest characters of a password.
    pub(crate) least: usize,
}

/// A word on what was just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) says: &'static str,
    pub(crate) bad: bool,
}

/// One application that can act.
pub(crate) struct GrantCard {
    pub(crate) id: String,
    /// Whose it is, where that is not the reader.
    pub(crate) user: Option<String>,
    pub(crate) client: String,
    /// What it acts at: a server, or an agent, in a word.
    pub(crate) place: &'static str,
    pub(crate) server: String,
    pub(crate) resource: String,
    pub(crate) words: Vec<Words>,
    pub(crate) left_out: usize,
    pub(crate) since: Moment,
    pub(crate) until: Moment,
    pub(crate) used: Option<Moment>,
    /// What became of it, where agents act.
    pub(crate) tree: Option<TreePiece>,
    pub(crate) job: Option<JobLine>,
}

/// What is said of a grant for a long job beside that.
pub(crate) struct JobLine {
    pub(crate) reason: String,
    pub(crate) calls: String,
}

/// One scope in words.
pub(crate) struct Words {
    pub(crate) says: String,
    pub(crate) destructive: bool,
}

/// One signed-in browser.
pub(crate) struct SessionCard {
    pub(crate) id: String,
    pub(crate) agent: String,
    pub(crate) here: bool,
    pub(crate) since: Moment,
    pub(crate) until: Moment,
}
