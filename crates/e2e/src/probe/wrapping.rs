//! A genuine assertion and a forged one in one document (T24).

use bailiwick_domain::control::Control;
use bailiwick_saml::testing::{Says, answer, signature_of, without_signature};
use http::StatusCode;

use super::login::signed_in;
use super::saml::{house, refused, taken};
use super::{Verdict, beaten};
use crate::saml_issuer::{ENTITY, SamlIssuer, Sent, around, for_login, for_token, post, trade};
use crate::{Visitor, World};

/// A genuine assertion, wrapped into a forged one about somebody else: as a grant, and in all eight known ways as an answer.
pub async fn wrapped_assertion(off: &[Control]) -> Verdict {
    let (world, issuer, token) = house(off).await;
    let genuine = issuer.says(&for_token(&world, &token, "_real", "ada"));
    let attributes = [("groups", "dev"), ("x", genuine.as_str())];
    let forged = Says { attributes: &attributes, ..for_token(&world, &token, "_evil", "mallory") }.bare();
    refused(trade(&world, &forged).await)?;
    taken(trade(&world, &genuine).await);

    for number in 1..=8 {
        let mut visitor = Visitor::new(&world.base);
        let sent = issuer.sends(&world, &mut visitor).await;
        let seen = post(&mut visitor, &sent, &wrapped(number, &world, &issuer, &sent)).await;
        let who = signed_in(&world, &mut visitor).await;
        beaten(who.is_none() && seen.status == StatusCode::FORBIDDEN, format!("XSW{number}: {who:?} {}", seen.status))?;
    }
    let mut visitor = Visitor::new(&world.base);
    let sent = issuer.sends(&world, &mut visitor).await;
    post(&mut visitor, &sent, &around(&issuer.says(&for_login(&world, &sent, "_good", "ada")), &sent)).await;
    assert_eq!(signed_in(&world, &mut visitor).await.as_deref(), Some("corp/ada"), "the genuine one is taken");
    Ok(())
}

/// The eight ways (Somorovsky et al., 2012), each around an answer that is genuine.
fn wrapped(number: u32, world: &World, issuer: &SamlIssuer, sent: &Sent) -> String {
    let evil = for_login(world, sent, "_evil", "mallory").bare();
    let genuine = issuer.says(&for_login(world, sent, "_real", "ada"));
    let bare = without_signature(&genuine);
    let into_signature = |inner: &str| before_last(signature_of(&genuine), "</ds:Signature>", inner);
    let carrying = |signature: &str| evil.replacen("</a:Issuer>", &format!("</a:Issuer>{signature}"), 1);
    let before_status =
        |what: &str, assertions: &str| around(assertions, sent).replacen("<p:Status>", &format!("{what}<p:Status>"), 1);
    match number {
        1 | 2 => {
            let own = answer(&genuine, (ENTITY, &sent.acs, &sent.request), true);
            let whole = issuer.sign(own);
            let (signature, rest) = (signature_of(&whole), without_signature(&whole));
            let wrap = match number {
                1 => before_last(signature, "</ds:Signature>", &rest),
                _ => format!("{rest}{signature}"),
            };
            before_status(&wrap, &evil).replacen("\"_answer\"", "\"_forged\"", 1)
        }
        3 => around(&format!("{evil}{genuine}"), sent),
        4 => around(&before_last(&evil, "</a:Assertion>", &genuine), sent),
        5 => around(&format!("{}{bare}", carrying(signature_of(&genuine))), sent),
        6 => around(&carrying(&into_signature(&bare)), sent),
        7 => before_status(&format!("<p:Extensions>{evil}</p:Extensions>"), &genuine),
        _ => around(&carrying(&into_signature(&format!("<ds:Object>{bare}</ds:Object>"))), sent),
    }
}

fn before_last(xml: &str, end: &str, what: &str) -> String {
    let (before, after) = xml.split_at(xml.rfind(end).unwrap());
    format!("{before}{what}{after}")
}

/// Two assertions, each of them genuine, in one answer.
pub async fn two_assertions(off: &[Control]) -> Verdict {
    let (world, issuer, _) = house(off).await;
    let mut visitor = Visitor::new(&world.base);
    let sent = issuer.sends(&world, &mut visitor).await;
    let both = ["mallory", "ada"].map(|name| issuer.says(&for_login(&world, &sent, &format!("_{name}"), name)));

    let seen = post(&mut visitor, &sent, &around(&both.concat(), &sent)).await;

    let who = signed_in(&world, &mut visitor).await;
    beaten(who.is_none() && seen.status == StatusCode::FORBIDDEN, format!("{who:?} {}", seen.status))
}
