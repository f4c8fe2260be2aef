//! An assertion: found once, proven signed, and only then read.

use std::time::Duration;

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::time::{SKEW, Timestamp};

use crate::SamlError;
use crate::instant;
use crate::keys::TrustedKeys;
use crate::names::{BEARER, DS, SAML};
use crate::signature;
use crate::xml::{Node, Tree};

/// The longest name and attribute value that is read.
const MOST_TEXT: usize = 1024;
/// How many attribute values are read.
const MOST_VALUES: usize = 1000;

/// What an issuer said of somebody, in a document that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Its identifier, never used twice by its issuer.
    pub id: String,
    /// Who said it.
    pub issuer: String,
    /// Of whom.
    pub name_id: NameId,
    /// When it ends: the earliest end it names.
    pub not_on_or_after: Timestamp,
    /// The issuer's session it comes from.
    pub session_index: Option<String>,
    /// What else is said: name and values, in order.
    pub attributes: Vec<(String, Vec<String>)>,
}

impl Assertion {
    /// The values of the attribute of that name.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.attributes.iter().filter(move |(known, _)| known == name);
        named.flat_map(|(_, values)| values.iter().map(String::as_str))
    }
}

/// The name of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameId {
    /// What kind of name it is.
    pub format: String,
    /// The name.
    pub value: String,
    /// At whom it is one, when said.
    pub qualifier: Option<String>,
    /// For whom it is one, when said.
    pub for_whom: Option<String>,
}

/// What an assertion must say to be ours.
pub(crate) struct Wanted<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) keys: &'a TrustedKeys,
    pub(crate) audience: &'a str,
    pub(crate) recipient: &'a str,
    /// The request it answers: one, none at all, or whatever it is.
    pub(crate) answers: Answers<'a>,
    pub(crate) now: Timestamp,
    pub(crate) longest: Duration,
}

/// Which request an assertion may answer.
pub(crate) enum Answers<'a> {
    /// This one.
    This(&'a str),
    /// None: it was not made for a browser.
    Nothing,
}

/// Reads the one assertion of a document, once it is known to be what was signed.
pub(crate) fn read(tree: &Tree<'_>, wanted: &Wanted<'_>) -> Result<Assertion, SamlError> {
    let found = the_one(tree)?;
    let signed = signature::signed(tree, wanted.keys)?;
    if !signed.contains(&found) && holds(Control::XswOneElement) {
        return Err(SamlError::Unsigned);
    }
    let parts = ["Issuer", "Subject", "Conditions", "AuthnStatement", "AttributeStatement"].map(|name| (SAML, name));
    let parts: Vec<(&str, &str)> = parts.into_iter().chain([(DS, "Signature")]).collect();
    tree.only(found, &parts, "assertion")?;
    if tree.attribute(found, "Version") != Some("2.0") {
        return Err(SamlError::Shape("version"));
    }
    let issuer = tree.text(tree.one(found, (SAML, "Issuer"))?)?;
    if issuer != wanted.issuer {
        return Err(SamlError::Issuer);
    }
    let id = tree.attribute(found, "ID").unwrap_or_default().to_owned();
    let subject = tree.one(found, (SAML, "Subject"))?;
    tree.only(subject, &[(SAML, "NameID"), (SAML, "SubjectConfirmation")], "subject")?;
    let name_id = name_id(tree, tree.one(subject, (SAML, "NameID"))?)?;
    let confirmed = confirmation(tree, tree.one(subject, (SAML, "SubjectConfirmation"))?, wanted)?;
    let conditions = conditions(tree, tree.one(found, (SAML, "Conditions"))?, wanted)?;
    let until = conditions.map_or(confirmed, |conditions| conditions.min(confirmed));
    if until > wanted.now.after(wanted.longest).after(SKEW) && holds(Control::SamlTime) {
        return Err(SamlError::TooLasting);
    }
    let session = tree.named(found, SAML, "AuthnStatement").first().copied();
    let session = session.and_then(|statement| tree.attribute(statement, "SessionIndex"));
    let session_index = session.map(str::to_owned);
    Ok(Assertion { id, issuer, name_id, not_on_or_after: until, session_index, attributes: attributes(tree, found)? })
}

/// The only assertion there is, anywhere in the document and by any name that ends so.
fn the_one(tree: &Tree<'_>) -> Result<Node, SamlError> {
    if tree.elements().any(|node| tree.local_name(node) == "EncryptedAssertion") {
        return Err(SamlError::Encrypted);
    }
    let found: Vec<Node> = tree.elements().filter(|node| tree.local_name(*node) == "Assertion").collect();
    let one = match found.as_slice() {
        [one] => *one,
        [first, ..] if !holds(Control::XswOneElement) => *first,
        [..] => return Err(SamlError::NotOneAssertion),
    };
    if tree.is(one, SAML, "Assertion") { Ok(one) } else { Err(SamlError::Shape("assertion")) }
}

/// A name is text that means itself: nothing around it, nothing unprintable in it.
fn name_id(tree: &Tree<'_>, node: Node) -> Result<NameId, SamlError> {
    let value = tree.text(node).map_err(|_| SamlError::NameId("it is more than text"))?;
    if value.is_empty() || value.len() > 256 {
        return Err(SamlError::NameId("its length"));
    }
    if value.trim() != value || value.chars().any(char::is_control) {
        return Err(SamlError::NameId("white space or control characters"));
    }
    let of = |name| tree.attribute(node, name).map(str::to_owned);
    let (format, qualifier, for_whom) = (of("Format"), of("NameQualifier"), of("SPNameQualifier"));
    Ok(NameId { format: format.unwrap_or_else(|| crate::UNSPECIFIED.to_owned()), value, qualifier, for_whom })
}

/// How the bearer is confirmed (SAML profiles §3.3, RFC 7522 §3 item 5); returns its end.
fn confirmation(tree: &Tree<'_>, node: Node, wanted: &Wanted<'_>) -> Result<Timestamp, SamlError> {
    if tree.attribute(node, "Method") != Some(BEARER) {
        return Err(SamlError::Shape("confirmation method"));
    }
    tree.only(node, &[(SAML, "SubjectConfirmationData")], "confirmation")?;
    let data = tree.one(node, (SAML, "SubjectConfirmationData"))?;
    match (tree.attribute(data, "InResponseTo"), &wanted.answers) {
        (Some(_), Answers::Nothing) if holds(Control::SsoAsGrant) => return Err(SamlError::WebSso),
        (said, Answers::This(request)) if said != Some(request) && holds(Control::SamlRequest) => {
            return Err(SamlError::InResponseTo);
        }
        (Some(_) | None, Answers::Nothing | Answers::This(_)) => {}
    }
    if tree.attribute(data, "Recipient") != Some(wanted.recipient) && holds(Control::SamlRecipient) {
        return Err(SamlError::Recipient);
    }
    not_before(tree, data, wanted.now)?;
    not_on_or_after(tree, data, wanted.now)?.ok_or(SamlError::Shape("a confirmation without an end"))
}

/// Under which conditions it holds (SAML core §2.5.1): one that is not known is not met.
fn conditions(tree: &Tree<'_>, node: Node, wanted: &Wanted<'_>) -> Result<Option<Timestamp>, SamlError> {
    let known = [(SAML, "AudienceRestriction"), (SAML, "OneTimeUse"), (SAML, "ProxyRestriction")];
    tree.only(node, &known, "conditions")?;
    not_before(tree, node, wanted.now)?;
    let until = not_on_or_after(tree, node, wanted.now)?;
    let restrictions = tree.named(node, SAML, "AudienceRestriction");
    if restrictions.is_empty() && holds(Control::SamlAudience) {
        return Err(SamlError::Audience);
    }
    for restriction in restrictions {
        let audiences = tree.named(restriction, SAML, "Audience");
        let names = audiences.iter().map(|node| tree.text(*node)).collect::<Result<Vec<_>, _>>()?;
        // For us alone: what is for others too, others could have shown here.
        if names.as_slice() != [wanted.audience] && holds(Control::SamlAudience) {
            return Err(SamlError::Audience);
        }
    }
    Ok(until)
}

fn not_before(tree: &Tree<'_>, node: Node, now: Timestamp) -> Result<(), SamlError> {
    match moment(tree, node, "NotBefore")? {
        Some(from) if from > now.after(SKEW) && holds(Control::SamlTime) => Err(SamlError::Early),
        Some(_) | None => Ok(()),
    }
}

fn not_on_or_after(tree: &Tree<'_>, node: Node, now: Timestamp) -> Result<Option<Timestamp>, SamlError> {
    match moment(tree, node, "NotOnOrAfter")? {
        Some(until) if until.after(SKEW) <= now && holds(Control::SamlTime) => Err(SamlError::Expired),
        until => Ok(until),
    }
}

fn moment(tree: &Tree<'_>, node: Node, name: &'static str) -> Result<Option<Timestamp>, SamlError> {
    tree.attribute(node, name).map(|raw| instant::read(raw).ok_or(SamlError::Shape("a moment"))).transpose()
}

fn attributes(tree: &Tree<'_>, assertion: Node) -> Result<Vec<(String, Vec<String>)>, SamlError> {
    let mut found = Vec::new();
    let mut count = 0;
    for statement in tree.named(assertion, SAML, "AttributeStatement") {
        tree.only(statement, &[(SAML, "Attribute")], "attributes")?;
        for attribute in tree.named(statement, SAML, "Attribute") {
            let name = tree.attribute(attribute, "Name").ok_or(SamlError::Shape("an attribute without a name"))?;
            let mut values = Vec::new();
            for value in tree.named(attribute, SAML, "AttributeValue") {
                count += 1;
                // A value that is more than text is nothing anybody here reads.
                let Ok(text) = tree.text(value) else { continue };
                if text.len() <= MOST_TEXT {
                    values.push(text);
                }
            }
            found.push((name.to_owned(), values));
        }
    }
    if count > MOST_VALUES { Err(SamlError::Shape("too many attributes")) } else { Ok(found) }
}
