//! What is asked of the broker, what it answers, and why it cannot.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bailiwick_domain::ids::UserId;
use bailiwick_domain::policy::{Holder, Person};
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::AccessClaims;
use bailiwick_net::Http;
use bailiwick_store::ConnectionKey;
use http::HeaderMap;
use zeroize::Zeroizing;

/// For whom a credential is wanted. Without any, the gateway asks for itself, as when it looks which tools there are.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What the caller's verified token says.
    pub claims: &'a AccessClaims,
    /// Whose authority that is.
    pub holder: &'a Holder,
    /// Under which policy it was decided: what was obtained under another is not used any more.
    pub epoch: &'a str,
    /// Where it will be shown: an origin, or what a server's children are called.
    pub destination: &'a str,
}

impl Wanted<'_> {
    /// The person it is for.
    ///
    /// # Errors
    /// [`BrokerError::Nobody`] for a machine on its own account.
    pub(crate) fn person(&self) -> Result<(UserId, &Person), BrokerError> {
        match self.holder {
            Holder::Person(person) => Ok((UserId::from_stored(&self.claims.sub), person)),
            Holder::Machine => Err(BrokerError::Nobody),
        }
    }
}

impl Wanted<'_> {
    /// What the person connected under that name.
    ///
    /// # Errors
    /// [`BrokerError::Nobody`] for a machine on its own account.
    pub(crate) fn connection(&self, provider: &str) -> Result<ConnectionKey, BrokerError> {
        // INVARIANT: the key is the person of the verified token; nobody else's connection is ever looked at.
        let (user, _) = self.person()?;
        Ok(ConnectionKey { user, provider: provider.to_owned() })
    }
}

/// One credential for one call.
#[derive(Clone, Default)]
pub struct Obtained {
    /// Headers to send.
    pub headers: HeaderMap,
    /// Pairs to add to the query.
    pub query: Vec<(String, Zeroizing<String>)>,
    /// Names and values of cookies.
    pub cookies: Vec<(String, Zeroizing<String>)>,
    /// The client to send it with, where the credential lies in the connection.
    pub http: Option<Http>,
    /// What must never come back to whoever called.
    pub secrets: Vec<Zeroizing<String>>,
    /// How long it is in use, where it is kept for more than one call.
    pub(crate) wear: Option<Arc<Wear>>,
}

/// How long something is in use, and whether it still serves.
pub(crate) struct Wear {
    since: Timestamp,
    out: AtomicBool,
}

/// How long a credential is in use before the word of a server behind is enough to get another in its place.
const YOUNG: Duration = Duration::from_mins(1);

impl Obtained {
    /// The same, in use from now on.
    pub(crate) fn kept_since(mut self, now: Timestamp) -> Self {
        self.wear = Some(Arc::new(Wear { since: now, out: AtomicBool::new(false) }));
        self
    }

    /// A server behind did not accept it. True when it is in use for so long that another may be had: a server that
    /// refuses everybody does not have us ask for tokens all the time.
    pub(crate) fn wears_out(&self, now: Timestamp) -> bool {
        self.wear.as_ref().is_some_and(|wear| {
            if now.since(wear.since) >= YOUNG {
                wear.out.store(true, Ordering::Relaxed);
            }
            wear.out.load(Ordering::Relaxed)
        })
    }

    /// True once it was not accepted any more.
    pub(crate) fn is_worn(&self) -> bool {
        self.wear.as_ref().is_some_and(|wear| wear.out.load(Ordering::Relaxed))
    }

    /// Adds what another credential says.
    pub(crate) fn join(&mut self, other: &Self) {
        self.headers.extend(other.headers.clone());
        self.query.extend(other.query.iter().cloned());
        self.cookies.extend(other.cookies.iter().cloned());
        self.secrets.extend(other.secrets.iter().cloned());
        if other.http.is_some() {
            self.http.clone_from(&other.http);
        }
    }
}

impl std::fmt::Debug for Obtained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Obtained").field("headers", &self.headers.len()).finish_non_exhaustive()
    }
}

/// Why there is no credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// The person has not connected their account yet.
    #[error("no account is connected")]
    Unconnected {
        /// To what.
        provider: String,
    },
    /// The person's connection ended: only they can renew it.
    #[error("the connected account must be connected again")]
    Lost {
        /// To what.
        provider: String,
    },
    /// A machine on its own account has no account at a tool.
    #[error("this credential is a person's, and the token is a machine's own")]
    Nobody,
    /// There is none for this account.
    #[error("{0}")]
    Nothing(String),
    /// It may be different in a moment.
    #[error("{0}")]
    Later(String),
    /// The authorization server gave more, or another thing, than was asked.
    #[error("{0}")]
    Overgrant(String),
    /// The authorization server refuses.
    #[error("{0}")]
    Refused(String),
    /// The configuration cannot work.
    #[error("{0}")]
    Unfit(String),
}

impl BrokerError {
    /// What whoever called is told: enough to know whose fault it is, nothing of how things stand inside.
    pub fn told(&self) -> &str {
        match self {
            Self::Unconnected { .. } => "no account is connected for this tool yet",
            Self::Lost { .. } => "the account for this tool must be connected again",
            Self::Nobody => "this tool works with a person's own account, and the access token is a machine's own",
            Self::Nothing(says) => says,
            Self::Later(_) => "the credential for this tool cannot be had right now; try again in a moment",
            Self::Overgrant(_) => {
                "the authorization server of this tool gave something else than was asked for; nothing was sent"
            }
            Self::Refused(_) => "the authorization server of this tool refuses; its operator must look at the log",
            Self::Unfit(_) => {
                "the credential for this tool is not configured as it should be; its operator must mend it"
            }
        }
    }

    /// The rule that the record names.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Unconnected { .. } => "credential:unconnected",
            Self::Lost { .. } => "credential:lost",
            Self::Nobody | Self::Nothing(_) => "credential:none",
            Self::Later(_) => "credential:later",
            Self::Overgrant(_) => "credential:overgrant",
            Self::Refused(_) => "credential:refused",
            Self::Unfit(_) => "credential:unfit",
        }
    }
}
