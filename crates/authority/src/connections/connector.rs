//! What these pages need of whoever obtains, keeps and uses people's credentials at providers behind.

pub use bailiwick_broker::{ConnectError, Departure};
use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::time::Timestamp;
use bailiwick_store::ConnectionKey;
use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

/// A provider that people connect accounts of theirs at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connectable {
    /// As the configuration calls it.
    pub id: String,
    /// As people call it.
    pub title: String,
    /// The servers that work with it, as people call them.
    pub servers: Vec<String>,
    /// How one connects.
    pub way: Way,
}

/// How one connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By signing in there and agreeing (OAuth).
    Oauth {
        /// The host that the person will see.
        host: String,
        /// What is asked for, in the provider's own words.
        scopes: Vec<String>,
    },
    /// By leaving a key here.
    Secret(Vec<Field>),
    /// By agreeing to be named there in statements that we sign.
    Named {
        /// Whom the statements are for.
        audience: String,
        /// Which of the person's names is told.
        by: SpokenName,
    },
}

/// One thing a person is asked to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it is called in the form.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// True where nobody may read it over a shoulder.
    pub secret: bool,
}

/// What the name that a person agreed to is called, where a form has its fields.
pub const SPOKEN_NAME: &str = "name";

/// Which of a person's names is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpokenName {
    /// The one of the account here, which says nothing.
    Subject,
    /// The user name.
    Name,
    /// The e-mail address.
    Email,
}

/// The answer of a provider.
pub struct Answer<'a> {
    /// What [`Departure::sealed`] was.
    pub sealed: Zeroizing<String>,
    /// The parameters it came with, as they came, without the question mark.
    pub query: &'a str,
}

/// Connects people's accounts.
pub trait Connector: Send + Sync {
    /// Every provider there is to connect to.
    fn connectables(&self) -> Vec<Connectable>;

    /// Makes ready to send a person to the provider of that key.
    fn begin<'a>(
        &'a self,
        key: &'a ConnectionKey,
        callback: &'a str,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Departure, ConnectError>>;

    /// Takes the provider's answer, and keeps what comes of it.
    fn finish<'a>(
        &'a self,
        key: &'a ConnectionKey,
        answer: Answer<'a>,
        event: AuditEvent,
    ) -> BoxFuture<'a, Result<(), ConnectError>>;

    /// Keeps what a person left: names and values of the fields that [`Way::Secret`] names, or the name they agreed to
    /// ([`SPOKEN_NAME`]).
    fn keep<'a>(
        &'a self,
        key: &'a ConnectionKey,
        fields: Vec<(String, Zeroizing<String>)>,
        event: AuditEvent,
    ) -> BoxFuture<'a, Result<(), ConnectError>>;

    /// Whether what a person connected serves what it would be used for now.
    fn fits<'a>(&'a self, key: &'a ConnectionKey) -> BoxFuture<'a, bool>;

    /// Looks whether a connection still works.
    fn test<'a>(&'a self, key: &'a ConnectionKey, now: Timestamp) -> BoxFuture<'a, Result<(), ConnectError>>;

    /// Ends a connection, at the provider too where that is possible.
    fn end<'a>(&'a self, key: &'a ConnectionKey, event: AuditEvent) -> BoxFuture<'a, Result<(), ConnectError>>;
}
