//! The answer to a sign-in we asked for (SAML profiles §4.1.4), as it comes through the browser.

use std::time::Duration;

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::time::Timestamp;

use crate::assertion::{self, Answers, Assertion, Wanted};
use crate::metadata::IdentityProvider;
use crate::names::{DS, SAML, SAMLP, SUCCESS};
use crate::xml::{Node, Tree};
use crate::{SamlError, text};

/// The longest answer that is read, in bytes.
const MOST_BYTES: usize = 256 * 1024;
/// How long an answer may claim to hold; providers mostly say five minutes, some an hour.
const LONGEST: Duration = Duration::from_hours(24);

/// What an answer must be the answer to.
pub struct Answered<'a> {
    /// Who was asked.
    pub provider: &'a IdentityProvider,
    /// Who asked.
    pub entity_id: &'a str,
    /// Where the answer arrived.
    pub acs: &'a str,
    /// The identifier of the request.
    pub request: &'a str,
    /// Now.
    pub now: Timestamp,
}

/// Verifies the `SAMLResponse` of a form.
///
/// # Errors
/// [`SamlError`] with the first rule that was broken.
pub fn verify_response(form_field: &str, answered: &Answered<'_>) -> Result<Assertion, SamlError> {
    if form_field.len() > MOST_BYTES / 3 * 4 + 4 {
        return Err(SamlError::TooLong);
    }
    let raw = text::utf8(text::from_base64(form_field)?)?;
    let tree = Tree::parse(&raw, MOST_BYTES)?;
    let root = tree.root()?;
    if !tree.is(root, SAMLP, "Response") {
        return Err(SamlError::Shape("response"));
    }
    envelope(&tree, root, answered)?;
    let wanted = Wanted {
        issuer: &answered.provider.entity_id,
        keys: &answered.provider.keys,
        audience: answered.entity_id,
        recipient: answered.acs,
        answers: Answers::This(answered.request),
        now: answered.now,
        longest: LONGEST,
    };
    assertion::read(&tree, &wanted)
}

/// What stands around the assertion. Nothing of it is believed; all of it must fit.
fn envelope(tree: &Tree<'_>, root: Node, answered: &Answered<'_>) -> Result<(), SamlError> {
    if tree.attribute(root, "Version") != Some("2.0") {
        return Err(SamlError::Shape("version"));
    }
    if tree.attribute(root, "Destination") != Some(answered.acs) && holds(Control::SamlDestination) {
        return Err(SamlError::Destination);
    }
    if tree.attribute(root, "InResponseTo") != Some(answered.request) && holds(Control::SamlRequest) {
        return Err(SamlError::InResponseTo);
    }
    if let Some(issuer) = tree.at_most_one(root, (SAML, "Issuer"))?
        && tree.text(issuer)? != answered.provider.entity_id
    {
        return Err(SamlError::Issuer);
    }
    let status = tree.one(root, (SAMLP, "Status"))?;
    let code = tree.one(status, (SAMLP, "StatusCode"))?;
    if tree.attribute(code, "Value") != Some(SUCCESS) {
        return Err(SamlError::Status);
    }
    let parts =
        [(SAML, "Issuer"), (DS, "Signature"), (SAMLP, "Status"), (SAML, "Assertion"), (SAML, "EncryptedAssertion")];
    // How many assertions there are, and where, is told by itself.
    match tree.only(root, &parts, "response") {
        Err(_) if tree.elements().filter(|node| tree.local_name(*node) == "Assertion").count() != 1 => {
            Err(SamlError::NotOneAssertion)
        }
        told => told,
    }
}
