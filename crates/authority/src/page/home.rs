//! The page that says what runs here and how to connect.

use askama::Template;

use crate::connect::Line;

/// The front page.
#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    /// True when nobody can sign in yet.
    pub(crate) newcomer: bool,
    /// The servers.
    pub(crate) servers: Vec<Place>,
}

/// One server and its lines.
pub(crate) struct Place {
    pub(crate) title: String,
    pub(crate) resource: String,
    pub(crate) lines: Vec<Line>,
}
