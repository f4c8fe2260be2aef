//! Whom a SAML issuer speaks of, in our words.

use std::sync::Arc;

use bailiwick_domain::text;
use bailiwick_saml::{Assertion, IdentityProvider, PERSISTENT, SamlError, SigningKey};

use crate::login::arrival::Known;

/// The most groups of one person, and the longest name of one.
const MOST_GROUPS: usize = 512;
const MOST_GROUP: usize = 256;
/// The longest name taken from a provider, in characters.
const MOST_NAME: usize = 64;
/// The longest e-mail address (RFC 5321 §4.5.3.1.3).
const MOST_EMAIL: usize = 254;

/// A login provider that speaks SAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamlSettings {
    /// Who it is.
    pub party: SamlParty,
    /// What people call it.
    pub title: String,
    /// What requests to it are signed with, if they are.
    pub key: Option<Arc<SigningKey>>,
}

/// An issuer of assertions, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamlParty {
    /// The name of its section.
    pub name: String,
    /// What its metadata says.
    pub provider: IdentityProvider,
    /// What is read from its assertions.
    pub attributes: Attributes,
}

/// Which attributes say what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The account there; by default the persistent `NameID`.
    pub subject: Option<String>,
    /// The groups.
    pub groups: String,
    /// The e-mail address, at a provider that vouches for it.
    pub email: Option<String>,
    /// A name to show.
    pub name: Option<String>,
}

impl SamlParty {
    /// Whose names these are. An OpenID Connect issuer may be called the same, and a name in an attribute may be spelled like
    /// a `NameID`: neither leads to the other's account.
    pub(crate) fn authority(&self) -> String {
        let entity = &self.provider.entity_id;
        match &self.attributes.subject {
            None => format!("saml:{entity}"),
            Some(attribute) => format!("saml:{entity} by {attribute}"),
        }
    }

    /// Who an assertion is about.
    ///
    /// # Errors
    /// [`SamlError::NameId`] where nothing in it names an account for good.
    pub(crate) fn known(&self, assertion: &Assertion, us: &str) -> Result<Known, SamlError> {
        let subject = match &self.attributes.subject {
            None => self.persistent(assertion, us)?,
            Some(attribute) => {
                let mut values = assertion.values(attribute).filter(|value| !value.is_empty());
                match (values.next(), values.next()) {
                    (Some(only), None) => only.to_owned(),
                    (None | Some(_), _) => return Err(SamlError::NameId("not one value of the attribute")),
                }
            }
        };
        Ok(Known {
            issuer: self.authority(),
            provider: self.name.clone(),
            email: self.attributes.email.as_ref().and_then(|name| assertion.values(name).find_map(email)),
            groups: groups(assertion.values(&self.attributes.groups)),
            name: self.name_of(assertion, &subject),
            subject,
        })
    }

    /// A name that is the same tomorrow, and nobody else's (SAML core §8.3.7).
    fn persistent(&self, assertion: &Assertion, us: &str) -> Result<String, SamlError> {
        let name = &assertion.name_id;
        if name.format != PERSISTENT {
            return Err(SamlError::NameId("it is not persistent"));
        }
        let at_them = name.qualifier.as_ref().is_none_or(|at| *at == self.provider.entity_id);
        let for_us = name.for_whom.as_ref().is_none_or(|whom| whom == us);
        if at_them && for_us { Ok(name.value.clone()) } else { Err(SamlError::NameId("it is one for somebody else")) }
    }

    /// As [`crate::login::oidc`] has it: no local account has a slash in its name.
    fn name_of(&self, assertion: &Assertion, subject: &str) -> String {
        let said = self.attributes.name.as_ref().and_then(|name| assertion.values(name).next()).unwrap_or(subject);
        let fits = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@');
        let kept: String = said.chars().filter(fits).take(MOST_NAME).collect();
        format!("{}/{}", self.name, if kept.is_empty() { "somebody" } else { &kept })
    }
}

fn groups<'a>(values: impl Iterator<Item = &'a str>) -> Vec<String> {
    let usable = |group: &&str| {
        !group.is_empty() && group.len() <= MOST_GROUP && text::presentable(group, MOST_GROUP) == **group
    };
    let mut groups: Vec<String> = values.filter(usable).take(MOST_GROUPS).map(str::to_owned).collect();
    groups.sort();
    groups.dedup();
    groups
}

fn email(address: &str) -> Option<String> {
    let plain = address.len() <= MOST_EMAIL && !address.chars().any(|c| c.is_whitespace() || c.is_control());
    let (local, domain) = address.rsplit_once('@')?;
    (plain && !local.is_empty() && !domain.is_empty()).then(|| address.to_owned())
}
