//! What we mint, we would take; and it is what RFC 7522 asks for.

use std::time::Duration;

use bailiwick_domain::testing::Seeded;

use super::{IDP, ISSUER, NOW, TOKEN, US, grant};
use crate::{Minting, SamlError, UNSPECIFIED, mint};

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
fn no_name_writes_elements() {
    let name = "x</saml:NameID><saml:NameID>root";

    let minted = mint(&minting(name, &[]), &Seeded::default(), NOW).unwrap();

    assert_eq!(grant(minted.xml()).unwrap().name_id.value, name);
}
