//! The pages of signing in and of making the first account.

use askama::Template;

use crate::login::Purpose;
use crate::password::LEAST;

/// The page that asks for name and password.
#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage<'a> {
    /// What the person came for, if anything.
    pub(crate) purpose: Option<&'a Purpose>,
    /// What was wrong the last time.
    pub(crate) problem: Option<String>,
    /// The form's token.
    pub(crate) form_token: &'a str,
    /// The authorization request to go on with.
    pub(crate) request: Option<&'a str>,
    /// The name typed before.
    pub(crate) username: &'a str,
    /// Name and title of whoever else can tell who they are.
    pub(crate) providers: Vec<(&'a str, &'a str)>,
}

/// The page that makes the first account.
#[derive(Template)]
#[template(path = "setup.html")]
pub(crate) struct SetupPage<'a> {
    /// What was wrong the last time.
    pub(crate) problem: Option<String>,
    /// The form's token.
    pub(crate) form_token: &'a str,
    /// The authorization request to go on with.
    pub(crate) request: Option<&'a str>,
    /// Whether the link is known, asked for, or not needed.
    pub(crate) link: LinkField<'a>,
    /// The name typed before.
    pub(crate) username: &'a str,
    /// The fewest characters of a password.
    pub(crate) least: usize,
}

/// How the set-up page treats the one-time link.
#[derive(Clone, Copy)]
pub(crate) enum LinkField<'a> {
    /// It came with the request and is right.
    Known(&'a str),
    /// The person must paste it.
    Asked,
    /// The visitor sits at this machine.
    NotNeeded,
}

impl SetupPage<'_> {
    /// The fewest characters of a password.
    pub(crate) const LEAST: usize = LEAST;
}
