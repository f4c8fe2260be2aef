//! Who may hold what: per server and scope, a list of those who may. The ceiling of a person is what no consent, no
//! refresh and no token can exceed.

use std::fmt;

use serde::{Deserialize, Deserializer};

use super::{Holder, Person, Server};
use crate::control::{Control, holds};
use crate::scope::{Scope, ScopeSet};

/// The longest entry, in bytes.
const MOST: usize = 256;

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// `user:alice`: the account made here under that name, in any spelling of letters' case. Whoever comes from a
    /// login provider may choose their name there, so it is not by a name that they are meant.
    Account(String),
    /// `user:alice@example.com`: whoever has that e-mail address, and the account made here that is called so.
    Email(String),
    /// `group:dev`: the members of a group, spelled exactly so.
    Group(String),
    /// `domain:example.com`: whoever has an e-mail address there; subdomains are others.
    Domain(String),
}

/// Why an entry names nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names nobody: write user:NAME, user:EMAIL, group:NAME or domain:NAME")]
pub struct NamesNobody(String);

impl Named {
    /// Reads an entry.
    ///
    /// # Errors
    /// [`NamesNobody`].
    pub fn parse(raw: &str) -> Result<Self, NamesNobody> {
        let nobody = || NamesNobody(raw.to_owned());
        let (kind, name) = raw.split_once(':').ok_or_else(nobody)?;
        let fits = !name.is_empty() && raw.len() <= MOST && name.trim() == name && !name.contains(char::is_control);
        let name = if fits { name.to_owned() } else { return Err(nobody()) };
        let host = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        match kind {
            "user" if name.contains('@') => Ok(Self::Email(name)),
            "user" => Ok(Self::Account(name)),
            "group" => Ok(Self::Group(name)),
            "domain" if host(&name) => Ok(Self::Domain(name)),
            _ => Err(nobody()),
        }
    }

    /// True when it means that person.
    pub fn means(&self, person: &Person) -> bool {
        let called = |name: &str| !person.is_federated() && person.name.to_lowercase() == name.to_lowercase();
        let email = person.email.as_deref();
        match self {
            Self::Account(name) => called(name),
            Self::Email(name) => called(name) || email.is_some_and(|email| email.eq_ignore_ascii_case(name)),
            Self::Group(name) => person.groups.contains(name),
            Self::Domain(name) => email
                .and_then(|email| email.rsplit_once('@'))
                .is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(name)),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(name) | Self::Email(name) => write!(f, "user:{name}"),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Domain(name) => write!(f, "domain:{name}"),
        }
    }
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Where a ceiling is looked at: each place is a wall of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before a person is asked, when they answer, and when their answer becomes a token.
    Consent,
    /// When a token is renewed.
    Refresh,
    /// When a token is exchanged for another.
    Exchange,
    /// At every call and listing.
    Call,
}

impl Stage {
    fn control(self) -> Control {
        match self {
            Self::Consent => Control::AllowConsent,
            Self::Refresh => Control::AllowRefresh,
            Self::Exchange => Control::AllowExchange,
            Self::Call => Control::AllowCall,
        }
    }
}

/// The scopes of `server` that `holder` may hold.
///
/// A scope with a list is for those on it. One without is for every account made here, and for nobody who comes from a
/// login provider: whom that lets in is not up to this operator. A machine is bounded by its client's own scopes.
pub fn ceiling(stage: Stage, holder: &Holder, server: &Server) -> ScopeSet {
    let may = |scope: &Scope| match (holder, server.allow.get(scope)) {
        (Holder::Machine, _) => true,
        (Holder::Person(person), Some(named)) => named.iter().any(|named| named.means(person)),
        (Holder::Person(person), None) => !person.is_federated(),
    };
    let scopes = server.groups.iter().map(|group| &group.scope);
    scopes.filter(|scope| may(scope) || !holds(stage.control())).cloned().collect()
}

/// The first entry of a scope's list that means that person; `None` where none does, or the scope has no list.
pub fn entry<'a>(person: &Person, server: &'a Server, scope: &Scope) -> Option<&'a Named> {
    server.allow.get(scope)?.iter().find(|named| named.means(person))
}

/// The rule by which a person may not hold that scope.
pub fn rule(scope: &Scope) -> String {
    format!("allow:{scope}")
}

#[cfg(test)]
mod tests;
