//! The pages of connecting an account, and what stands of it on the account page.

use askama::Template;

use crate::connections::Field;
use crate::moment::Moment;

/// The page a link to connect by leads to.
#[derive(Template)]
#[template(path = "connect.html")]
pub(crate) struct ConnectPage<'a> {
    /// What is connected, as people call it.
    pub(crate) title: &'a str,
    /// Who is signed in.
    pub(crate) user: &'a str,
    /// Which application asks; none where the person came by themselves.
    pub(crate) client: Option<String>,
    /// For which server.
    pub(crate) server: &'a str,
    /// For which of its tools.
    pub(crate) tool: Option<&'a str>,
    /// How one connects.
    pub(crate) way: WayPiece<'a>,
    /// The link.
    pub(crate) link: &'a str,
    /// The form's token.
    pub(crate) form_token: &'a str,
    /// What was wrong the last time.
    pub(crate) problem: Option<&'static str>,
}

/// How one connects, for the page.
pub(crate) enum WayPiece<'a> {
    /// By signing in at a provider.
    Oauth { host: &'a str, scopes: &'a [String] },
    /// By leaving a key.
    Secret(&'a [Field]),
    /// By agreeing to be named; without a name there is nothing to agree to.
    Named { audience: &'a str, name: Option<&'a str> },
}

/// The page that leads to a provider.
#[derive(Template)]
#[template(path = "connect_leave.html")]
pub(crate) struct LeavePage<'a> {
    /// What is connected.
    pub(crate) title: &'a str,
    /// Whereto, in a word.
    pub(crate) host: &'a str,
    /// Whereto.
    pub(crate) url: &'a str,
}

/// The page that says that it is done.
#[derive(Template)]
#[template(path = "connect_done.html")]
pub(crate) struct DonePage<'a> {
    /// What is connected.
    pub(crate) title: &'a str,
    /// Whose.
    pub(crate) user: &'a str,
}

/// One provider on the account page.
pub(crate) struct ConnectionCard {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) servers: String,
    /// True where the configuration names it no more.
    pub(crate) gone: bool,
    /// True where a key is left.
    pub(crate) key: bool,
    /// What is connected, if anything.
    pub(crate) made: Option<Made>,
}

/// What is connected.
pub(crate) struct Made {
    pub(crate) standing: Standing,
    pub(crate) account: Option<String>,
    pub(crate) scope: String,
    pub(crate) since: Moment,
    pub(crate) renewed: Option<Moment>,
}

/// How it is with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It can be used.
    Works,
    /// The provider does not answer; it is asked again.
    Waits,
    /// The provider does not accept it: its person has to connect again.
    Lost,
    /// It was connected for another place than where it would be shown now.
    Moved,
}

impl Standing {
    /// True where only its person can mend it.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Lost | Self::Moved)
    }
}
