//! Making an assertion: we are the issuer, for a token endpoint that trades it in (RFC 7522 §3).

use std::fmt::Write as _;
use std::time::Duration;

use bailiwick_domain::entropy::{Entropy, draw};
use bailiwick_domain::text::encode;
use bailiwick_domain::time::Timestamp;
use bergshamra_dsig::sign::sign_owned;
use zeroize::Zeroizing;

use crate::keys::SigningKey;
use crate::names::{BEARER, DS, ENVELOPED, EXCLUSIVE, RSA_SHA256, SAML, SHA256};
use crate::text::{escape, to_base64};
use crate::{SamlError, instant};

/// A name that stays the same, made for one reader.
pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
/// A name of which nothing is said.
pub const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
/// No assertion of ours lives longer.
pub const MOST_LIFETIME: Duration = Duration::from_mins(5);

/// What an assertion is to say.
pub struct Minting<'a> {
    /// Who we are to the reader.
    pub issuer: &'a str,
    /// Whom it is about.
    pub name_id: &'a str,
    /// What kind of name that is, such as [`UNSPECIFIED`].
    pub format: &'a str,
    /// Whom it is for.
    pub audience: &'a str,
    /// The token endpoint it is presented at.
    pub recipient: &'a str,
    /// What else it says: name and values. The chain of actors goes here.
    pub attributes: &'a [(&'a str, Vec<String>)],
    /// When the person signed in, for a reader that asks for it.
    pub signed_in_at: Option<Timestamp>,
    /// For how long; at most [`MOST_LIFETIME`].
    pub lifetime: Duration,
    /// Our key at this reader.
    pub key: &'a SigningKey,
}

/// A signed assertion.
pub struct Minted {
    /// Its identifier, for the audit.
    pub id: String,
    /// When it ends.
    pub not_on_or_after: Timestamp,
    xml: Zeroizing<String>,
}

impl Minted {
    /// The `assertion` parameter (RFC 7522 §2.1): base64url without padding.
    pub fn parameter(&self) -> Zeroizing<String> {
        Zeroizing::new(encode(self.xml.as_bytes()))
    }

    /// The document itself.
    pub fn xml(&self) -> &str {
        &self.xml
    }
}

/// Makes and signs an assertion: RSA with SHA-256 over exclusive canonical XML.
///
/// # Errors
/// [`SamlError::Unwritable`] for text that XML cannot carry, [`SamlError::Key`] when the key cannot sign.
pub fn mint(minting: &Minting<'_>, entropy: &dyn Entropy, now: Timestamp) -> Result<Minted, SamlError> {
    let id = format!("_{}", encode(&draw::<20>(entropy)));
    let until = now.after(minting.lifetime.min(MOST_LIFETIME));
    let unsigned = document(minting, &id, now, until)?;
    let signed = sign_owned(&minting.key.context(), unsigned).map_err(|_| SamlError::Key("it cannot sign"))?;
    Ok(Minted { id, not_on_or_after: until, xml: Zeroizing::new(signed) })
}

fn document(minting: &Minting<'_>, id: &str, now: Timestamp, until: Timestamp) -> Result<String, SamlError> {
    let (begin, end) = (instant::write(now), instant::write(until));
    let issuer = escape(minting.issuer, "the issuer")?;
    let name_id = escape(minting.name_id, "the subject's name")?;
    let format = escape(minting.format, "the name's format")?;
    let (audience, recipient) =
        (escape(minting.audience, "the audience")?, escape(minting.recipient, "the recipient")?);
    let mut xml = format!(
        "<saml:Assertion xmlns:saml=\"{SAML}\" ID=\"{id}\" IssueInstant=\"{begin}\" Version=\"2.0\">\
         <saml:Issuer>{issuer}</saml:Issuer>{}\
         <saml:Subject><saml:NameID Format=\"{format}\">{name_id}</saml:NameID>\
         <saml:SubjectConfirmation Method=\"{BEARER}\">\
         <saml:SubjectConfirmationData NotOnOrAfter=\"{end}\" Recipient=\"{recipient}\"/>\
         </saml:SubjectConfirmation></saml:Subject>\
         <saml:Conditions NotBefore=\"{begin}\" NotOnOrAfter=\"{end}\"><saml:AudienceRestriction>\
         <saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>",
        unsigned(id, minting.key.certificate()),
    );
    if let Some(signed_in) = minting.signed_in_at {
        // Writing to text does not fail.
        let _ = write!(
            xml,
            "<saml:AuthnStatement AuthnInstant=\"{}\"><saml:AuthnContext><saml:AuthnContextClassRef>\
             urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext>\
             </saml:AuthnStatement>",
            instant::write(signed_in)
        );
    }
    if !minting.attributes.is_empty() {
        xml.push_str("<saml:AttributeStatement>");
        for (name, values) in minting.attributes {
            let _ = write!(xml, "<saml:Attribute Name=\"{}\">", escape(name, "an attribute's name")?);
            for value in values {
                let value = escape(value, "an attribute")?;
                let _ = write!(xml, "<saml:AttributeValue>{value}</saml:AttributeValue>");
            }
            xml.push_str("</saml:Attribute>");
        }
        xml.push_str("</saml:AttributeStatement>");
    }
    xml.push_str("</saml:Assertion>");
    Ok(xml)
}

/// A signature still to be filled in, over the element with that identifier.
pub(crate) fn unsigned(id: &str, certificate: Option<&[u8]>) -> String {
    let key_info = certificate.map_or_else(String::new, |der| {
        let body = to_base64(der);
        format!("<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>")
    });
    format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
         <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"/><ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{ENVELOPED}\"/><ds:Transform Algorithm=\"{EXCLUSIVE}\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"/><ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue></ds:SignatureValue>{key_info}</ds:Signature>"
    )
}
