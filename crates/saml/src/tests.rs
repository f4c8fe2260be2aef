//! The corpus: what was signed is accepted, and nothing that was made of it is, each for its own reason.

mod forms;
mod minting;
mod wrapping;

use std::sync::LazyLock;
use std::time::Duration;

use bailiwick_domain::time::Timestamp;

use crate::testing::{Says, answer, signed};
use crate::{Addressed, Answered, Assertion, IdentityProvider, Presented, SamlError, SigningKey, TrustedKeys};
use crate::{text, verify_response};

pub(super) const ISSUER: &str = "https://idp.example/metadata";
pub(super) const US: &str = "https://bailiwick.example";
pub(super) const ACS: &str = "https://bailiwick.example/login/corp/acs";
pub(super) const TOKEN: &str = "https://bailiwick.example/token";
pub(super) const REQUEST: &str = "_request";
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_795_431_845);

/// A key and its certificate.
pub(super) struct Pair {
    pub(super) key: SigningKey,
    pub(super) provider: IdentityProvider,
}

pub(super) fn pair() -> Pair {
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["idp.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    Pair {
        key: SigningKey::from_pem(&key.serialize_pem()).unwrap(),
        provider: IdentityProvider {
            entity_id: ISSUER.to_owned(),
            keys: TrustedKeys::from_pem(&certificate.pem()).unwrap(),
            sign_in: url::Url::parse("https://idp.example/sso").unwrap(),
        },
    }
}

pub(super) static IDP: LazyLock<Pair> = LazyLock::new(pair);
pub(super) static STRANGER: LazyLock<Pair> = LazyLock::new(pair);

pub(super) fn for_login() -> Says<'static> {
    Says {
        id: "_assertion",
        issuer: ISSUER,
        name_id: "anna-7f3",
        audience: US,
        recipient: ACS,
        request: Some(REQUEST),
        attributes: &[("groups", "dev"), ("groups", "ops")],
        from: NOW,
        until: NOW.after(Duration::from_mins(5)),
    }
}

pub(super) fn for_token() -> Says<'static> {
    Says { recipient: TOKEN, request: None, ..for_login() }
}

/// A signed answer to our request.
pub(super) fn good_answer() -> String {
    answer(&signed(for_login().unsigned(), &IDP.key).unwrap(), (ISSUER, ACS, REQUEST), false)
}

pub(super) fn good_grant() -> String {
    signed(for_token().unsigned(), &IDP.key).unwrap()
}

pub(super) fn login(xml: &str) -> Result<Assertion, SamlError> {
    let answered = Answered { provider: &IDP.provider, entity_id: US, acs: ACS, request: REQUEST, now: NOW };
    verify_response(&text::to_base64(xml.as_bytes()), &answered)
}

pub(super) fn grant(xml: &str) -> Result<Assertion, SamlError> {
    grant_at(xml, NOW)
}

pub(super) fn grant_at(xml: &str, now: Timestamp) -> Result<Assertion, SamlError> {
    let longest = Duration::from_hours(1);
    let addressed = Addressed { provider: &IDP.provider, audience: US, recipient: TOKEN, longest, now };
    Presented::parse(&bailiwick_domain::text::encode(xml.as_bytes()))?.verify(&addressed)
}

#[test]
fn what_was_signed_for_us_is_read() {
    let assertion = login(&good_answer()).unwrap();

    assert_eq!((assertion.name_id.value.as_str(), assertion.issuer.as_str()), ("anna-7f3", ISSUER));
    assert_eq!(assertion.values("groups").collect::<Vec<_>>(), ["dev", "ops"]);
    assert_eq!(assertion.not_on_or_after, NOW.after(Duration::from_mins(5)));
    assert_eq!(grant(&good_grant()).unwrap().id, "_assertion");
}

#[test]
fn an_answer_may_be_signed_as_well_and_then_that_must_hold_too() {
    let assertion = signed(for_login().unsigned(), &IDP.key).unwrap();
    let template = answer(&assertion, (ISSUER, ACS, REQUEST), true);
    let both = signed(template.clone(), &IDP.key).unwrap();
    let by_a_stranger = signed(template, &STRANGER.key).unwrap();

    assert_eq!(login(&both).unwrap().id, "_assertion");
    assert_eq!(login(&by_a_stranger), Err(SamlError::Signature));
}

#[test]
fn a_signature_around_the_assertion_is_no_signature_of_it() {
    let template = answer(&for_login().bare(), (ISSUER, ACS, REQUEST), true);

    assert_eq!(login(&signed(template, &IDP.key).unwrap()), Err(SamlError::Unsigned));
    assert_eq!(login(&answer(&for_login().bare(), (ISSUER, ACS, REQUEST), false)), Err(SamlError::Unsigned));
}

#[test]
fn a_strangers_key_signs_nothing_even_if_it_comes_along() {
    let theirs = signed(for_token().unsigned(), &STRANGER.key).unwrap();
    let info = "<ds:KeyInfo><ds:KeyName>corp</ds:KeyName></ds:KeyInfo></ds:Signature>";

    assert_eq!(grant(&theirs), Err(SamlError::Signature));
    assert_eq!(grant(&theirs.replace("</ds:Signature>", info)), Err(SamlError::Signature));
    assert_eq!(
        grant(&good_grant().replace("</ds:Signature>", info)).unwrap().id,
        "_assertion",
        "a hint is only a hint"
    );
}
