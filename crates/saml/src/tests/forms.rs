//! Everything else that must not pass: forms of XML, algorithms, addresses and times.

use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;

use super::{
    ACS, IDP, ISSUER, NOW, REQUEST, US, for_login, for_token, good_answer, good_grant, grant, grant_at, login,
};
use crate::testing::{Says, answer, signed};
use crate::{IdentityProvider, SamlError, SigningKey, TrustedKeys};

fn sign(says: &Says<'_>) -> String {
    signed(says.unsigned(), &IDP.key).unwrap()
}

#[test]
fn a_comment_does_not_cut_a_name_short() {
    // Signed over "root.evil.example" by canonical XML, which drops comments; some readers stop at "root" (CVE-2017-11427).
    let honest = sign(&Says { name_id: "root.evil.example", ..for_token() });
    let cut = honest.replace("root.evil", "root<!-- -->.evil");

    assert_eq!(grant(&honest).unwrap().name_id.value, "root.evil.example");
    assert_eq!(grant(&cut), Err(SamlError::Xml("a comment")));
}

#[test]
fn no_dtd_no_entity_no_instruction_no_cdata() {
    let good = good_grant();
    let dtd = format!("<!DOCTYPE a [<!ENTITY e \"root\">]>{good}").replace("anna-7f3", "&e;");

    assert_eq!(grant(&dtd), Err(SamlError::Xml("a DTD")));
    assert_eq!(grant(&format!("<!DOCTYPE a SYSTEM \"file:///etc/passwd\">{good}")), Err(SamlError::Xml("a DTD")));
    assert_eq!(
        grant(&good.replace("anna-7f3", "<![CDATA[anna-7f3]]>")),
        Err(SamlError::Xml("a CDATA section or declaration"))
    );
    assert_eq!(grant(&good.replace("anna-7f3", "anna<?x?>-7f3")), Err(SamlError::Xml("a processing instruction")));
    let elements = sign(&Says { name_id: "root<x xmlns=\"\"/>", ..for_token() });
    assert_eq!(grant(&elements), Err(SamlError::NameId("it is more than text")));
}

#[test]
fn a_name_means_itself() {
    for name in ["", " anna", "anna\n", "an\u{9}na", "\u{a0}anna"] {
        assert!(matches!(grant(&sign(&Says { name_id: name, ..for_token() })), Err(SamlError::NameId(_))), "{name:?}");
    }
}

#[test]
fn only_listed_algorithms_are_tried() {
    let good = good_grant();
    let swap = |from: &str, to: &str| grant(&good.replacen(from, to, 1));

    for weak in ["http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#hmac-sha1", ""] {
        let refused = swap("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", weak);
        assert_eq!(refused, Err(SamlError::Algorithm("a signature algorithm")), "{weak}");
    }
    let sha1 = swap("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1");
    assert_eq!(sha1, Err(SamlError::Algorithm("a digest")));
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    let canonical = "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"";
    let refused = swap(canonical, &format!("<ds:CanonicalizationMethod Algorithm=\"{inclusive}\""));
    assert_eq!(refused, Err(SamlError::Algorithm("a canonical form")));
    let with_comments = swap("xml-exc-c14n#\"/></ds:Transforms>", "xml-exc-c14n#WithComments\"/></ds:Transforms>");
    assert_eq!(with_comments, Err(SamlError::Algorithm("a transform")));
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"/></ds:Transforms>";
    assert_eq!(swap("</ds:Transforms>", xpath), Err(SamlError::Algorithm("a transform")));
}

#[test]
fn a_reference_means_the_element_it_lies_in_and_nothing_else() {
    let swap = |to: &str| grant(&good_grant().replace("URI=\"#_assertion\"", to));

    for elsewhere in ["URI=\"\"", "URI=\"#xpointer(/)\"", "URI=\"file:///etc/passwd\"", "URI=\"#_other\""] {
        let refused = swap(elsewhere);
        assert_eq!(
            refused,
            Err(SamlError::Shape("a signature over something else than what it lies in")),
            "{elsewhere}"
        );
    }
    assert_eq!(swap("Id=\"x\""), Err(SamlError::Shape("reference")));
}

#[test]
fn a_grant_is_for_our_token_endpoint_and_nobody_else() {
    let with = |says: Says<'_>| grant(&sign(&says));

    assert_eq!(with(Says { audience: "https://other.example", ..for_token() }), Err(SamlError::Audience));
    assert_eq!(with(Says { recipient: "https://bailiwick.example/token/", ..for_token() }), Err(SamlError::Recipient));
    assert_eq!(with(Says { issuer: "https://other.example", ..for_token() }), Err(SamlError::Issuer));
    assert_eq!(with(Says { request: Some(REQUEST), ..for_token() }), Err(SamlError::WebSso));
    assert_eq!(with(for_login()), Err(SamlError::WebSso), "a sign-in is no grant");
    assert_eq!(with(Says { request: None, ..for_login() }), Err(SamlError::Recipient), "nor is one nobody asked for");
    assert_eq!(grant(&good_answer()), Err(SamlError::WebSso));
    let two =
        sign(&for_token()).replace("</a:Audience>", "</a:Audience><a:Audience>https://other.example</a:Audience>");
    assert_eq!(grant(&two), Err(SamlError::Signature), "it was changed");
}

#[test]
fn a_sign_in_answers_our_request_at_our_address() {
    let around = |assertion: &str, acs: &str, request: &str| login(&answer(assertion, (ISSUER, acs, request), false));
    let good = sign(&for_login());

    assert_eq!(around(&good, "https://bailiwick.example/login/other/acs", REQUEST), Err(SamlError::Destination));
    assert_eq!(around(&good, ACS, "_other"), Err(SamlError::InResponseTo));
    let other = sign(&Says { request: Some("_other"), ..for_login() });
    assert_eq!(around(&other, ACS, REQUEST), Err(SamlError::InResponseTo));
    let unasked = sign(&Says { request: None, ..for_login() });
    assert_eq!(around(&unasked, ACS, REQUEST), Err(SamlError::InResponseTo), "nobody asked for it");
    assert_eq!(around(&sign(&for_token()), ACS, REQUEST), Err(SamlError::InResponseTo), "a grant is no sign-in");
    let failed = good_answer().replace("status:Success", "status:Responder");
    assert_eq!(login(&failed), Err(SamlError::Status));
    let hidden = good_answer().replace("a:Assertion", "a:EncryptedAssertion");
    assert_eq!(login(&hidden), Err(SamlError::Encrypted));
    assert_eq!(login(&good), Err(SamlError::Shape("response")));
}

#[test]
fn an_assertion_has_its_time() {
    let good = good_grant();
    let at = |seconds| grant_at(&good, NOW.after(Duration::from_mins(5)).after(Duration::from_secs(seconds)));

    assert!(at(59).is_ok(), "a minute is forgiven");
    assert_eq!(at(60), Err(SamlError::Expired));
    assert_eq!(grant_at(&good, NOW.before(Duration::from_secs(61))), Err(SamlError::Early));
    let lasting = sign(&Says { until: NOW.after(Duration::from_hours(2)), ..for_token() });
    assert_eq!(grant(&lasting), Err(SamlError::TooLasting));
}

#[test]
fn length_has_an_end() {
    let long = "x".repeat(70_000);

    assert_eq!(grant(&sign(&Says { attributes: &[("a", &long)], ..for_token() })), Err(SamlError::TooLong));
    assert_eq!(login(&"x".repeat(300_000)), Err(SamlError::TooLong));
}

#[test]
fn p256_certificates_verify_too() {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap();

    assert!(TrustedKeys::from_pem(&certificate.pem()).is_ok());
    assert!(SigningKey::from_pem(&key.serialize_pem()).is_err(), "we sign with RSA");
    assert!(TrustedKeys::from_pem("").is_err() && TrustedKeys::from_der(vec![vec![1, 2, 3]]).is_err());
}

#[test]
fn metadata_gives_name_keys_and_address() {
    let pem = rcgen::generate_simple_self_signed(vec![]).unwrap().cert.pem();
    let body: String = pem.lines().filter(|line| !line.starts_with("---")).collect::<Vec<_>>().join("\n  ");
    let metadata = format!(
        "<?xml version=\"1.0\"?><EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{ISSUER}\">\
         <IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><KeyDescriptor>\
         <KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>\n {body}\n</X509Certificate>\
         </X509Data></KeyInfo></KeyDescriptor><SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.example/sso\"/>\
         </IDPSSODescriptor></EntityDescriptor>"
    );

    let provider = IdentityProvider::read(&metadata).unwrap();

    assert_eq!((provider.entity_id.as_str(), provider.sign_in.as_str()), (ISSUER, "https://idp.example/sso"));
    assert!(IdentityProvider::read(&metadata.replace("https://idp.example/sso", "http://idp.example/sso")).is_err());
    assert!(IdentityProvider::read(&metadata.replace("KeyDescriptor>", "Key>")).is_err());
    let ours = crate::ServiceProvider { entity_id: US, acs: ACS, key: None }.metadata().unwrap();
    assert!(ours.contains(ACS) && ours.contains("WantAssertionsSigned=\"true\""));
}

static GRANT: LazyLock<String> = LazyLock::new(good_grant);
static ANSWER: LazyLock<String> = LazyLock::new(good_answer);

proptest! {
    /// Whatever is done to a signed document, it either says what it said or is refused.
    #[test]
    fn one_changed_byte_changes_nothing_or_everything(at in 0usize..10_000, byte in 0x20u8..0x7f) {
        let good = &*GRANT;
        let mut bytes = good.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let changed = String::from_utf8(bytes).unwrap();

        match grant(&changed) {
            Err(_) => {}
            Ok(read) => prop_assert_eq!(read, grant(good).unwrap()),
        }
    }

    /// A piece of a document, moved elsewhere in it, forges nothing and breaks nothing.
    #[test]
    fn a_piece_moved_elsewhere_forges_nothing(from in 0usize..10_000, length in 1usize..400, to in 0usize..10_000) {
        let good = &*ANSWER;
        let from = from % good.len();
        let piece = good.get(from..(from + length).min(good.len())).unwrap();
        let mut changed = good.clone();
        changed.insert_str(to % good.len(), piece);

        match login(&changed) {
            Err(_) => {}
            Ok(read) => prop_assert_eq!(read, login(good).unwrap()),
        }
    }

    /// No text makes the reader fall over.
    #[test]
    fn no_text_is_too_odd_to_be_refused(text in "[<>/a-zA-Z:=\"'!?&;# \\[\\]-]{0,200}") {
        prop_assert!(grant(&text).is_err());
        prop_assert!(login(&text).is_err());
        prop_assert!(IdentityProvider::read(&text).is_err());
    }
}
