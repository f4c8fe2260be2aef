//! Metadata: what a provider says of itself, in a file an operator chose, and what we say of ourselves.

use url::{Host, Url};

use crate::keys::{SigningKey, TrustedKeys};
use crate::names::{DS, MD, POST, REDIRECT, SAMLP};
use crate::text::{escape, from_base64, to_base64};
use crate::xml::{Node, Tree};
use crate::{PERSISTENT, SamlError};

/// The longest metadata that is read, in bytes.
const MOST_BYTES: usize = 512 * 1024;

/// An identity provider, as its metadata describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityProvider {
    /// What it calls itself.
    pub entity_id: String,
    /// What it signs with.
    pub keys: TrustedKeys,
    /// Where people are sent to sign in.
    pub sign_in: Url,
}

impl IdentityProvider {
    /// Reads the metadata of one provider. The file is believed as it is: whoever wrote it into the configuration vouches
    /// for it.
    ///
    /// # Errors
    /// [`SamlError`] that says what is missing or unusable.
    pub fn read(metadata: &str) -> Result<Self, SamlError> {
        let tree = Tree::parse(metadata.trim_start_matches('\u{feff}').trim(), MOST_BYTES)?;
        let root = tree.root()?;
        if !tree.is(root, MD, "EntityDescriptor") {
            return Err(SamlError::Shape("metadata must be one EntityDescriptor"));
        }
        let entity_id = tree.attribute(root, "entityID").filter(|id| !id.is_empty() && id.len() <= 1024);
        let entity_id = entity_id.ok_or(SamlError::Shape("metadata without an entityID"))?.to_owned();
        let speaks = |node: &Node| {
            let protocols = tree.attribute(*node, "protocolSupportEnumeration").unwrap_or("");
            protocols.split_ascii_whitespace().any(|protocol| protocol == SAMLP)
        };
        let roles: Vec<Node> = tree.named(root, MD, "IDPSSODescriptor").into_iter().filter(speaks).collect();
        let [role] = roles.as_slice() else {
            return Err(SamlError::Shape("metadata must describe one SAML 2.0 identity provider"));
        };
        Ok(Self { entity_id, keys: keys(&tree, *role)?, sign_in: sign_in(&tree, *role)? })
    }
}

fn keys(tree: &Tree<'_>, role: Node) -> Result<TrustedKeys, SamlError> {
    let mut certificates = Vec::new();
    for descriptor in tree.named(role, MD, "KeyDescriptor") {
        if !matches!(tree.attribute(descriptor, "use"), None | Some("signing")) {
            continue;
        }
        let info = tree.one(descriptor, (DS, "KeyInfo"))?;
        for data in tree.named(info, DS, "X509Data") {
            for certificate in tree.named(data, DS, "X509Certificate") {
                let der = from_base64(&tree.text(certificate)?)?;
                if !certificates.contains(&der) {
                    certificates.push(der);
                }
            }
        }
    }
    TrustedKeys::from_der(certificates)
}

fn sign_in(tree: &Tree<'_>, role: Node) -> Result<Url, SamlError> {
    let services = tree.named(role, MD, "SingleSignOnService");
    let redirect = services.into_iter().find(|node| tree.attribute(*node, "Binding") == Some(REDIRECT));
    let place = redirect.and_then(|node| tree.attribute(node, "Location"));
    let url = place.and_then(|place| Url::parse(place).ok());
    let url = url.ok_or(SamlError::Shape("metadata without a redirect address to sign in at"))?;
    if reachable(&url) { Ok(url) } else { Err(SamlError::Shape("the address to sign in at must be https")) }
}

/// True for `https`, and for plain `http` on this machine.
fn reachable(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

/// What we are to an identity provider.
pub struct ServiceProvider<'a> {
    /// What we call ourselves.
    pub entity_id: &'a str,
    /// Where answers go.
    pub acs: &'a str,
    /// What requests are signed with, if they are.
    pub key: Option<&'a SigningKey>,
}

impl ServiceProvider<'_> {
    /// Our metadata.
    ///
    /// # Errors
    /// [`SamlError::Unwritable`] for text that XML cannot carry.
    pub fn metadata(&self) -> Result<String, SamlError> {
        let (entity_id, acs) = (escape(self.entity_id, "our name")?, escape(self.acs, "our address")?);
        let signs = self.key.is_some();
        let key = self.key.and_then(SigningKey::certificate).map(to_base64).map_or_else(String::new, |body| {
            format!(
                "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"{DS}\"><ds:X509Data><ds:X509Certificate>{body}\
                 </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            )
        });
        Ok(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<md:EntityDescriptor xmlns:md=\"{MD}\" entityID=\"{entity_id}\">\
             <md:SPSSODescriptor AuthnRequestsSigned=\"{signs}\" WantAssertionsSigned=\"true\" \
             protocolSupportEnumeration=\"{SAMLP}\">{key}<md:NameIDFormat>{PERSISTENT}</md:NameIDFormat>\
             <md:AssertionConsumerService Binding=\"{POST}\" Location=\"{acs}\" index=\"0\" isDefault=\"true\"/>\
             </md:SPSSODescriptor></md:EntityDescriptor>\n"
        ))
    }
}
