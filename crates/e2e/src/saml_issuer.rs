//! A SAML identity provider that signs whatever it is told, for one house.

use std::time::Duration;

use bailiwick_domain::text;
use bailiwick_domain::time::Clock as _;
use bailiwick_saml::SigningKey;
use bailiwick_saml::testing::{Says, answer, signed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use crate::forge::Now;
use crate::{App, Setup, Visitor, World};

/// What it calls itself.
pub const ENTITY: &str = "https://idp.example/metadata";
/// The grant type.
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";

/// The provider, and the file with its metadata.
pub struct SamlIssuer {
    key: SigningKey,
    directory: TempDir,
}

/// A browser that was sent to the provider.
pub struct Sent {
    pub request: String,
    pub relay: String,
    pub acs: String,
}

impl SamlIssuer {
    pub fn new() -> Self {
        let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        let certificate = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&pair).unwrap();
        let (key, directory) = (SigningKey::from_pem(&pair.serialize_pem()).unwrap(), TempDir::new().unwrap());
        let it = Self { key, directory };
        let metadata = format!(
            "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{ENTITY}\"><IDPSSODescriptor \
             protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><KeyDescriptor use=\"signing\"><KeyInfo \
             xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>{}</X509Certificate></X509Data>\
             </KeyInfo></KeyDescriptor><SingleSignOnService Location=\"https://idp.example/sso\" \
             Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\"/></IDPSSODescriptor></EntityDescriptor>",
            STANDARD.encode(certificate.der())
        );
        std::fs::write(it.file(), metadata).unwrap();
        it
    }

    /// Another key, in the same file.
    #[must_use]
    pub fn rotated(&self) -> Self {
        let new = Self::new();
        std::fs::copy(new.file(), self.file()).unwrap();
        new
    }

    fn file(&self) -> std::path::PathBuf {
        self.directory.path().join("idp.xml")
    }

    /// The section that lets people sign in there.
    pub fn section(&self) -> String {
        format!(
            "[login.corp]\nkind = \"saml\"\nmetadata = \"{}\"\ntitle = \"Example Corp\"\nemail_attribute = \"mail\"\n",
            self.file().display()
        )
    }

    /// A house where people sign in there, a machine trades in what it says, and one server lets `dev` read.
    pub async fn house(&self, off: &[bailiwick_domain::control::Control]) -> World {
        let config = format!(
            "{}[issuer.erp]\nkind = \"saml\"\nlogin = \"corp\"\nclients = [\"erp\"]\n\
             [client.erp]\ngrant_types = []\nclient_secret = {{ command = [\"echo\", \"{SECRET}\"] }}\n\
             token_endpoint_auth_method = \"client_secret_post\"\n\
             [client.other]\ngrant_types = [\"client_credentials\"]\nscope = \"notes:read\"\n\
             client_secret = {{ command = [\"echo\", \"{SECRET}\"] }}\n\
             token_endpoint_auth_method = \"client_secret_post\"\n\
             [server.notes]\ncommand = [\"{}\", \"demo-server\"]\nallow = {{ \"notes:read\" = [\"group:dev\"] }}\n",
            self.section(),
            crate::world::binary().display(),
        );
        let world = Setup::config(config).without(off).start();
        Visitor::new(&world.base).set_up(&world.setup_link(), "admin", "correct horse battery").await;
        world
    }

    pub fn sign(&self, xml: String) -> String {
        signed(xml, &self.key).unwrap()
    }

    /// Signs what it says.
    pub fn says(&self, says: &Says<'_>) -> String {
        self.sign(says.unsigned())
    }

    /// Sends a browser away to sign in.
    pub async fn sends(&self, world: &World, visitor: &mut Visitor) -> Sent {
        let away = visitor.once(Method::GET, &world.url("/login/corp"), None).await.location.unwrap();
        assert!(away.starts_with("https://idp.example/sso?"), "{away}");
        let url = Url::parse(&away).unwrap();
        let field = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        // One stored block of DEFLATE.
        let xml = String::from_utf8(STANDARD.decode(field("SAMLRequest")).unwrap().split_off(5)).unwrap();
        let attribute =
            |name: &str| xml.split_once(&format!(" {name}=\"")).unwrap().1.split('"').next().unwrap().to_owned();
        Sent { request: attribute("ID"), relay: field("RelayState"), acs: attribute("AssertionConsumerServiceURL") }
    }
}

impl Default for SamlIssuer {
    fn default() -> Self {
        Self::new()
    }
}

/// The secret of the machine that trades in.
pub const SECRET: &str = "saml-machine-secret";

/// What it would say of `name_id` to our token endpoint.
pub fn for_token<'a>(world: &'a World, recipient: &'a str, id: &'a str, name_id: &'a str) -> Says<'a> {
    Says {
        id,
        issuer: ENTITY,
        name_id,
        audience: &world.base,
        recipient,
        request: None,
        attributes: &[("groups", "dev"), ("mail", "ada@corp.example")],
        from: Now.now(),
        until: Now.now().after(Duration::from_mins(5)),
    }
}

/// The same, as an answer to a sign-in.
pub fn for_login<'a>(world: &'a World, sent: &'a Sent, id: &'a str, name_id: &'a str) -> Says<'a> {
    Says { recipient: &sent.acs, request: Some(&sent.request), ..for_token(world, "", id, name_id) }
}

/// An answer around a signed assertion.
pub fn around(assertion: &str, sent: &Sent) -> String {
    answer(assertion, (ENTITY, &sent.acs, &sent.request), false)
}

/// Posts an answer as the provider's page does, from another site: without a cookie; then goes where it leads.
pub async fn post(visitor: &mut Visitor, sent: &Sent, xml: &str) -> crate::visitor::Seen {
    let fields = vec![("SAMLResponse".to_owned(), STANDARD.encode(xml)), ("RelayState".to_owned(), sent.relay.clone())];
    let seen = Visitor::new("https://idp.example").once(Method::POST, &sent.acs, Some(fields)).await;
    match seen.location.clone() {
        Some(next) if seen.status == StatusCode::SEE_OTHER => {
            let next = Url::parse(&sent.acs).unwrap().join(&next).unwrap();
            visitor.once(Method::GET, next.as_str(), None).await
        }
        _ => seen,
    }
}

/// Trades in an assertion as that client.
pub async fn trade_as(world: &World, client: &str, xml: &str) -> (StatusCode, Value) {
    let (assertion, resource) = (text::encode(xml.as_bytes()), world.url("/mcp/notes"));
    let fields = [
        ("grant_type", GRANT),
        ("assertion", &assertion),
        ("resource", &resource),
        ("scope", "notes:read notes:write"),
        ("client_id", client),
        ("client_secret", SECRET),
    ];
    App::at(&world.base).post("/token", &fields).await
}

/// Trades in an assertion.
pub async fn trade(world: &World, xml: &str) -> (StatusCode, Value) {
    trade_as(world, "erp", xml).await
}
