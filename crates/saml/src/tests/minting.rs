//! What we mint, we would take; and it is what RFC 7522 asks for.

use std::time::Duration;

use bailiwick_domain::testing::Seeded;

use super::{IDP, ISSUER, NOW, TOKEN, US, grant};
use crate::{Addressed, IdentityProvider, Minting, Presented, SamlError, SigningKey, TrustedKeys, UNSPECIFIED, mint};

fn minting<'a>(name_id: &'a str, attributes: &'a [(&'a str, Vec<String>)]) -> Minting<'a> {
    Minting {
        issuer: ISSUER,
        name_id,
        format: UNSPECIFIED,
        audience: US,
        recipient: TOKEN,
        attributes,
        signed_in_at: Some(NOW),
        lifetime: Duration::from_hours(1),
        key: &IDP.key,
    }
}

#[test]
fn what_is_minted_verifies_and_lives_five_minutes_at_most() {
    let chain = [("actor", vec!["agent:planner".to_owned(), "agent:<writer> & \"co\"".to_owned()])];

    let minted = mint(&minting("anna@example.com", &chain), &Seeded::default(), NOW).unwrap();

    let read = grant(minted.xml()).unwrap();
    assert_eq!((read.id.as_str(), read.name_id.value.as_str()), (minted.id.as_str(), "anna@example.com"));
    assert_eq!(read.values("actor").collect::<Vec<_>>(), ["agent:planner", "agent:<writer> & \"co\""]);
    assert_eq!(read.not_on_or_after, NOW.after(Duration::from_mins(5)));
    assert_eq!(minted.not_on_or_after, read.not_on_or_after);
    assert!(!minted.parameter().contains('='), "base64url without padding");
}

#[test]
fn what_xml_cannot_carry_is_not_written() {
    for name in ["an\nna", "an\0na", "anna\u{fffe}"] {
        let minted = mint(&minting(name, &[]), &Seeded::default(), NOW);
        assert_eq!(minted.err(), Some(SamlError::Unwritable("the subject's name")), "{name:?}");
    }
}

#[test]
fn a_certificate_goes_along_if_it_is_of_the_key() {
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let pem = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&pair).unwrap().pem();
    let other = rcgen::generate_simple_self_signed(vec![]).unwrap().cert.pem();
    let key = || SigningKey::from_pem(&pair.serialize_pem()).unwrap();

    assert!(key().certified(&other).is_err() && key().certified("none").is_err());
    let key = key().certified(&pem).unwrap();
    let minted = mint(&Minting { key: &key, ..minting("anna", &[]) }, &Seeded::default(), NOW).unwrap();

    assert!(minted.xml().contains("</ds:SignatureValue><ds:KeyInfo><ds:X509Data>"), "{}", minted.xml());
    assert_eq!(grant(minted.xml()), Err(SamlError::Signature), "what comes along proves nothing to us");
    let provider = IdentityProvider { keys: TrustedKeys::from_pem(&pem).unwrap(), ..IDP.provider.clone() };
    let addressed =
        Addressed { provider: &provider, audience: US, recipient: TOKEN, longest: Duration::from_hours(1), now: NOW };
    assert_eq!(Presented::parse(&minted.parameter()).unwrap().verify(&addressed).unwrap().id, minted.id);
}

#[test]
fn no_name_writes_elements() {
    let name = "x</saml:NameID><saml:NameID>root";

    let minted = mint(&minting(name, &[]), &Seeded::default(), NOW).unwrap();

    assert_eq!(grant(minted.xml()).unwrap().name_id.value, name);
}
