//! Who somebody is, as far as the rules ask: by which names an operator may mean them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What is known of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The name of the account.
    pub name: String,
    /// The e-mail address, where an administrator entered it or the login provider vouches for it.
    pub email: Option<String>,
    /// The groups, as an administrator set them or the login provider said.
    pub groups: Vec<String>,
    /// The login provider they come from; none for an account that was made here.
    pub provider: Option<String>,
}

impl Person {
    /// True when they come from a login provider.
    pub fn is_federated(&self) -> bool {
        self.provider.is_some()
    }
}

/// Whose authority a token carries.
#[derive(Clone, Debug)]
pub enum Holder {
    /// A person's.
    Person(Arc<Person>),
    /// A machine's own: the operator bounds it where its client is configured.
    Machine,
}

/// What somebody may do in administration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Admin,
    /// Look at everything.
    Auditor,
    /// Nothing but what is their own.
    #[default]
    User,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Auditor, Self::User];

    /// Its name in rows and on the terminal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Auditor => "auditor",
            Self::User => "user",
        }
    }

    /// The role of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}
