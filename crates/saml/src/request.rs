//! Asking a provider to sign somebody in (SAML core §3.4.1), by a redirect (SAML bindings §3.4).

use bailiwick_domain::time::Timestamp;
use url::{Url, form_urlencoded};

use crate::keys::SigningKey;
use crate::metadata::IdentityProvider;
use crate::names::{POST, RSA_SHA256, SAML, SAMLP};
use crate::text::{escape, to_base64};
use crate::{PERSISTENT, SamlError, instant};

/// A request to sign somebody in.
pub struct AuthnRequest<'a> {
    /// Its identifier, which the answer repeats: an XML name, so it begins with a letter or `_`.
    pub id: &'a str,
    /// Who is asked.
    pub provider: &'a IdentityProvider,
    /// Who asks.
    pub entity_id: &'a str,
    /// Where the answer goes.
    pub acs: &'a str,
    /// What it is signed with, if it is.
    pub key: Option<&'a SigningKey>,
}

impl AuthnRequest<'_> {
    /// Where the browser is sent, with `relay` to be brought back. What is signed is the query as it stands there
    /// (§3.4.4.1).
    ///
    /// # Errors
    /// [`SamlError::Unwritable`] for text that XML cannot carry, [`SamlError::Key`] when the key cannot sign.
    pub fn redirect(&self, relay: &str, now: Timestamp) -> Result<Url, SamlError> {
        let xml = self.xml(now)?;
        let mut fields = form_urlencoded::Serializer::new(String::new());
        fields.append_pair("SAMLRequest", &to_base64(&stored(xml.as_bytes()))).append_pair("RelayState", relay);
        if self.key.is_some() {
            fields.append_pair("SigAlg", RSA_SHA256);
        }
        let mut query = fields.finish();
        if let Some(key) = self.key {
            let signature = to_base64(&key.sign(query.as_bytes())?);
            query.push_str("&Signature=");
            query.extend(form_urlencoded::byte_serialize(signature.as_bytes()));
        }
        let mut url = self.provider.sign_in.clone();
        let own = url.query().filter(|own| !own.is_empty()).map(|own| format!("{own}&{query}"));
        url.set_query(Some(own.as_deref().unwrap_or(&query)));
        Ok(url)
    }

    fn xml(&self, now: Timestamp) -> Result<String, SamlError> {
        let destination = escape(self.provider.sign_in.as_str(), "the destination")?;
        let (acs, id) = (escape(self.acs, "our address")?, escape(self.id, "the identifier")?);
        let entity_id = escape(self.entity_id, "our name")?;
        let issued = instant::write(now);
        Ok(format!(
            "<samlp:AuthnRequest xmlns:samlp=\"{SAMLP}\" xmlns:saml=\"{SAML}\" ID=\"{id}\" Version=\"2.0\" \
             IssueInstant=\"{issued}\" Destination=\"{destination}\" AssertionConsumerServiceURL=\"{acs}\" \
             ProtocolBinding=\"{POST}\"><saml:Issuer>{entity_id}</saml:Issuer>\
             <samlp:NameIDPolicy Format=\"{PERSISTENT}\" AllowCreate=\"true\"/></samlp:AuthnRequest>"
        ))
    }
}

/// DEFLATE (RFC 1951) that only stores (§3.2.4): the binding asks for the format, and a request is shorter than what
/// compressing it would save in code.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let chunks: Vec<&[u8]> = bytes.chunks(usize::from(u16::MAX)).collect();
    let mut out = Vec::with_capacity(bytes.len() + 5 * chunks.len());
    for (at, chunk) in chunks.iter().enumerate() {
        let length = u16::try_from(chunk.len()).unwrap_or(u16::MAX);
        out.push(u8::from(at + 1 == chunks.len()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend_from_slice(chunk);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_block_has_its_length_twice() {
        assert_eq!(stored(b"abc"), [1, 3, 0, 0xfc, 0xff, b'a', b'b', b'c']);
        let long = stored(&vec![7; 65_536]);
        assert_eq!((long.len(), long[0], long[65_540]), (65_546, 0, 1));
    }
}
