//! A foreign issuer, for tests: what it says is given as XML, so that a test can also have it say what nobody should.

use bailiwick_domain::time::Timestamp;
use bergshamra_dsig::sign::sign_owned;

use crate::keys::SigningKey;
use crate::mint::unsigned;
use crate::names::{BEARER, SAML, SAMLP, SUCCESS};
use crate::{PERSISTENT, instant};

/// What an issuer says of somebody.
#[derive(Clone)]
pub struct Says<'a> {
    /// The assertion's identifier.
    pub id: &'a str,
    /// Who says it.
    pub issuer: &'a str,
    /// Of whom, as XML.
    pub name_id: &'a str,
    /// For whom.
    pub audience: &'a str,
    /// Where it is delivered.
    pub recipient: &'a str,
    /// The request it answers.
    pub request: Option<&'a str>,
    /// What else: name and value, as XML.
    pub attributes: &'a [(&'a str, &'a str)],
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

impl Says<'_> {
    /// The assertion, its signature still empty.
    pub fn unsigned(&self) -> String {
        let (from, until) = (instant::write(self.from), instant::write(self.until));
        let Self { id, issuer, name_id, audience, recipient, .. } = self;
        let answers = self.request.map(|request| format!(" InResponseTo=\"{request}\"")).unwrap_or_default();
        let value = |(name, value): &(&str, &str)| {
            format!("<a:Attribute Name=\"{name}\"><a:AttributeValue>{value}</a:AttributeValue></a:Attribute>")
        };
        let attributes: String = self.attributes.iter().map(value).collect();
        let signature = unsigned(id, None);
        format!(
            "<a:Assertion xmlns:a=\"{SAML}\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{from}\"><a:Issuer>{issuer}</a:Issuer>\
             {signature}<a:Subject><a:NameID Format=\"{PERSISTENT}\">{name_id}</a:NameID>\
             <a:SubjectConfirmation Method=\"{BEARER}\"><a:SubjectConfirmationData NotOnOrAfter=\"{until}\" \
             Recipient=\"{recipient}\"{answers}/></a:SubjectConfirmation></a:Subject>\
             <a:Conditions NotBefore=\"{from}\" NotOnOrAfter=\"{until}\"><a:AudienceRestriction><a:Audience>{audience}\
             </a:Audience></a:AudienceRestriction></a:Conditions><a:AttributeStatement>{attributes}</a:AttributeStatement>\
             </a:Assertion>"
        )
    }

    /// The assertion without any place for a signature.
    pub fn bare(&self) -> String {
        without_signature(&self.unsigned())
    }
}

/// Fills in the first signature.
pub fn signed(xml: String, key: &SigningKey) -> Option<String> {
    sign_owned(&key.context(), xml).ok()
}

/// An answer around `assertion`; with a place for a signature of its own if asked.
pub fn answer(assertion: &str, (issuer, acs, request): (&str, &str, &str), own_signature: bool) -> String {
    let signature = if own_signature { unsigned("_answer", None) } else { String::new() };
    format!(
        "<p:Response xmlns:p=\"{SAMLP}\" ID=\"_answer\" Version=\"2.0\" Destination=\"{acs}\" InResponseTo=\"{request}\">\
         <a:Issuer xmlns:a=\"{SAML}\">{issuer}</a:Issuer>{signature}<p:Status><p:StatusCode Value=\"{SUCCESS}\"/></p:Status>\
         {assertion}</p:Response>"
    )
}

/// The signature in a document, as it stands there.
pub fn signature_of(xml: &str) -> &str {
    let from = xml.find("<ds:Signature ").unwrap_or(0);
    let rest = xml.get(from..).unwrap_or("");
    let end = "</ds:Signature>";
    rest.find(end).and_then(|at| rest.get(..at + end.len())).unwrap_or("")
}

/// A document without its first signature.
pub fn without_signature(xml: &str) -> String {
    xml.replacen(signature_of(xml), "", 1)
}
