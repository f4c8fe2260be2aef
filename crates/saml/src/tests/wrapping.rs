//! Signature wrapping: the eight known ways (Somorovsky et al., "On Breaking SAML", 2012), and their kin.

use super::{ACS, IDP, ISSUER, REQUEST, for_login, for_token, good_answer, good_grant, grant, login};
use crate::SamlError;
use crate::signature::signed as proven;
use crate::testing::{Says, answer, signature_of, signed, without_signature};
use crate::xml::{Node, Tree};

/// The same assertion about somebody else, without a signature.
fn evil() -> String {
    Says { id: "_evil", name_id: "root", ..for_login() }.bare()
}

/// An answer that is signed as a whole, as XSW 1 and 2 need it.
fn signed_answer() -> String {
    let assertion = signed(for_login().unsigned(), &IDP.key).unwrap();
    signed(answer(&assertion, (ISSUER, ACS, REQUEST), true), &IDP.key).unwrap()
}

fn original() -> String {
    signed(for_login().unsigned(), &IDP.key).unwrap()
}

/// `xml` with something put right before the last `end`.
fn before_last(xml: &str, end: &str, what: &str) -> String {
    let (before, after) = xml.split_at(xml.rfind(end).unwrap());
    format!("{before}{what}{after}")
}

/// The eight, each by its number.
fn wrapped(number: u32) -> String {
    let outer = |assertions: &str| answer(assertions, (ISSUER, ACS, REQUEST), false);
    match number {
        1 | 2 => {
            let whole = signed_answer();
            let signature = signature_of(&whole).to_owned();
            let bare = without_signature(&whole);
            let forged = outer(&evil()).replace("_answer", "_forged");
            let (inside, beside) = (before_last(&signature, "</ds:Signature>", &bare), format!("{bare}{signature}"));
            let wrap = if number == 1 { inside } else { beside };
            forged.replace("<p:Status>", &format!("{wrap}<p:Status>"))
        }
        3 => outer(&format!("{}{}", evil(), original())),
        4 => outer(&before_last(&evil(), "</a:Assertion>", &original())),
        5 => {
            // The evil one carries the signature; what it is over follows.
            let issuer = format!("{ISSUER}</a:Issuer>");
            let with = evil().replace(&issuer, &format!("{issuer}{}", signature_of(&original())));
            outer(&format!("{with}{}", without_signature(&original())))
        }
        6 | 8 => {
            let original = original();
            let bare = without_signature(&original);
            let inner = if number == 6 { bare } else { format!("<ds:Object>{bare}</ds:Object>") };
            let signature = before_last(signature_of(&original), "</ds:Signature>", &inner);
            let issuer = format!("{ISSUER}</a:Issuer>");
            outer(&evil().replace(&issuer, &format!("{issuer}{signature}")))
        }
        _ => {
            let extensions = format!("<p:Extensions>{}</p:Extensions><p:Status>", evil());
            outer(&original()).replace("<p:Status>", &extensions)
        }
    }
}

#[test]
fn all_eight_ways_of_wrapping_are_refused_because_there_are_two_assertions() {
    assert!(login(&good_answer()).is_ok() && login(&signed_answer()).is_ok(), "what they are made of is genuine");
    for number in 1..=8 {
        assert_eq!(login(&wrapped(number)), Err(SamlError::NotOneAssertion), "XSW{number}");
    }
}

#[test]
fn even_if_nobody_counted_no_signature_would_cover_the_forged_one() {
    for number in 1..=8 {
        let xml = wrapped(number);
        let tree = Tree::parse(&xml, 1_000_000).unwrap();
        let forged: Vec<Node> = tree.elements().filter(|node| tree.attribute(*node, "ID") == Some("_evil")).collect();

        let covered = proven(&tree, &IDP.provider.keys).is_ok_and(|nodes| nodes.contains(&forged[0]));

        assert!(!covered && forged.len() == 1, "XSW{number}");
    }
}

#[test]
fn a_genuine_assertion_inside_a_forged_grant_lends_it_nothing() {
    let inner = good_grant();
    let by = |attributes: &[(&str, &str)]| Says { id: "_evil", name_id: "root", attributes, ..for_token() }.bare();

    assert_eq!(grant(&by(&[("x", &inner)])), Err(SamlError::NotOneAssertion));
    assert_eq!(grant(&before_last(&by(&[]), "</a:Assertion>", &inner)), Err(SamlError::NotOneAssertion));
    let renamed = inner.replace("a:Assertion", "a:Other").replace("<a:Other ", "<a:Other Assertion=\"\" ");
    assert_eq!(grant(&by(&[("x", &renamed)])), Err(SamlError::Signature), "a changed one is signed by nobody");
}

#[test]
fn two_assertions_are_one_too_many_even_when_both_are_signed() {
    let second = signed(Says { id: "_second", ..for_login() }.unsigned(), &IDP.key).unwrap();

    let both = answer(&format!("{}{second}", original()), (ISSUER, ACS, REQUEST), false);

    assert_eq!(login(&both), Err(SamlError::NotOneAssertion));
}

#[test]
fn two_elements_of_one_name_are_refused_before_anybody_asks_which() {
    let twin = evil().replace("_evil", "_assertion");

    let both = answer(&format!("{twin}{}", original()), (ISSUER, ACS, REQUEST), false);

    assert_eq!(login(&both), Err(SamlError::DuplicateId));
}

#[test]
fn an_assertion_of_another_namespace_counts_as_one() {
    let odd = "<x:Assertion xmlns:x=\"urn:x\" ID=\"_odd\"/>";

    let both = answer(&format!("{odd}{}", original()), (ISSUER, ACS, REQUEST), false);

    assert_eq!(login(&both), Err(SamlError::NotOneAssertion));
}
