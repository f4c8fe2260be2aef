//! The client: what it needs from outside, and what it is told to do.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Clock;
use bailiwick_net::Http;

use crate::challenge::Challenge;
use crate::keep::Keep;
use crate::register::Given;

/// An OAuth and MCP client with its memory.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: Http,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keep: Keep,
    pub(crate) tell: Arc<dyn Fn(&Progress<'_>) + Send + Sync>,
}

/// What a client is made of.
pub struct Parts {
    /// Requests leave through this.
    pub http: Http,
    /// Verifiers and states come from here.
    pub entropy: Arc<dyn Entropy>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where logins are kept.
    pub keep: Keep,
    /// Who is told how a login goes on.
    pub tell: Arc<dyn Fn(&Progress<'_>) + Send + Sync>,
}

/// How a long step goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A login begins.
    LoggingIn {
        /// The server to be used.
        server: &'a str,
        /// Who grants.
        issuer: &'a str,
    },
    /// A person has to go to this address; `opened` is false when no browser could be started.
    Visit {
        /// The address.
        url: &'a str,
        /// True when a browser shows it already.
        opened: bool,
    },
    /// Still waiting for the person.
    Waiting {
        /// For how much longer.
        left: Duration,
    },
    /// Still waiting for the server's answer.
    Thinking {
        /// For how long already.
        since: Duration,
    },
    /// More scopes are asked for.
    SteppingUp {
        /// The missing ones.
        scope: &'a ScopeSet,
    },
}

/// How a person is reached.
#[derive(Clone, Copy, Debug)]
pub enum Approach {
    /// Through a browser; the function opens an address and says whether it could.
    Browser(fn(&str) -> bool),
    /// Not at all: redirects are followed, pages end the login.
    Headless,
}

/// Which scopes a login asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// What the challenge names, else what the server's metadata lists, else nothing in particular.
    #[default]
    Suggested,
    /// These, and every one asked for before.
    Besides(ScopeSet),
}

/// One login to be done.
#[derive(Debug)]
pub struct LoginAsk {
    /// How the person is reached.
    pub approach: Approach,
    /// What is asked for.
    pub wanted: Wanted,
    /// A client id from a person, in place of a registration.
    pub given: Option<Given>,
    /// The challenge that led here, if one did.
    pub challenge: Option<Challenge>,
}

impl Client {
    /// Puts a client together.
    pub fn new(parts: Parts) -> Self {
        let Parts { http, entropy, clock, keep, tell } = parts;
        Self { http, entropy, clock, keep, tell }
    }

    /// Where its logins are kept.
    pub fn keep(&self) -> &Keep {
        &self.keep
    }

    pub(crate) fn say(&self, progress: &Progress<'_>) {
        (self.tell)(progress);
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("keep", &self.keep).finish_non_exhaustive()
    }
}
