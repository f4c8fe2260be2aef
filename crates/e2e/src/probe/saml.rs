//! Attacks with SAML assertions (T24).

use bailiwick_domain::control::Control;
use bailiwick_saml::testing::{Says, signature_of, without_signature};
use http::StatusCode;
use serde_json::Value;

use super::login::signed_in;
use super::{Verdict, beaten};
use crate::saml_issuer::{SamlIssuer, around, for_login, for_token, post, trade};
use crate::{Visitor, World};

/// A house, its provider, and where that provider's assertions for it are delivered.
async fn house(off: &[Control]) -> (World, SamlIssuer, String) {
    let issuer = SamlIssuer::new();
    let world = issuer.house(off).await;
    let token = world.url("/token");
    (world, issuer, token)
}

fn refused((status, body): (StatusCode, Value)) -> Verdict {
    let right = status == StatusCode::BAD_REQUEST && body["error"] == "invalid_grant";
    beaten(right, format!("answered {status} {body}"))
}

fn taken((status, body): (StatusCode, Value)) {
    assert_eq!(status, StatusCode::OK, "{body}");
}

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
fn wrapped(number: u32, world: &World, issuer: &SamlIssuer, sent: &crate::saml_issuer::Sent) -> String {
    let evil = for_login(world, sent, "_evil", "mallory").bare();
    let genuine = issuer.says(&for_login(world, sent, "_real", "ada"));
    let bare = without_signature(&genuine);
    let into_signature = |inner: &str| before_last(signature_of(&genuine), "</ds:Signature>", inner);
    let carrying = |signature: &str| evil.replacen("</a:Issuer>", &format!("</a:Issuer>{signature}"), 1);
    let before_status =
        |what: &str, assertions: &str| around(assertions, sent).replacen("<p:Status>", &format!("{what}<p:Status>"), 1);
    match number {
        1 | 2 => {
            let own =
                bailiwick_saml::testing::answer(&genuine, (crate::saml_issuer::ENTITY, &sent.acs, &sent.request), true);
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

/// An assertion for another service, relayed to us.
pub async fn assertion_for_another_audience(off: &[Control]) -> Verdict {
    let (world, issuer, token) = house(off).await;
    taken(trade(&world, &issuer.says(&for_token(&world, &token, "_1", "ada"))).await);
    let (slash, below) = (world.url("/"), world.url("/mcp/notes"));
    for (id, audience) in [("_2", "https://other.example"), ("_3", slash.as_str()), ("_4", below.as_str())] {
        let says = Says { audience, ..for_token(&world, &token, id, "ada") };
        refused(trade(&world, &issuer.says(&says)).await)?;
    }
    Ok(())
}

/// An assertion to be delivered elsewhere: at another token endpoint of the same name, or at our own page for sign-ins.
pub async fn assertion_for_another_recipient(off: &[Control]) -> Verdict {
    let (world, issuer, token) = house(off).await;
    taken(trade(&world, &issuer.says(&for_token(&world, &token, "_1", "ada"))).await);
    let (acs, slash) = (world.url("/login/corp/acs"), world.url("/token/"));
    for (id, recipient) in [("_2", "https://other.example/token"), ("_3", acs.as_str()), ("_4", slash.as_str())] {
        refused(trade(&world, &issuer.says(&for_token(&world, recipient, id, "ada"))).await)?;
    }
    Ok(())
}

/// One assertion, sent many times at once and again.
pub async fn one_saml_assertion_many_senders(off: &[Control]) -> Verdict {
    let (world, issuer, token) = house(off).await;
    let assertion = issuer.says(&for_token(&world, &token, "_1", "ada"));

    let answers = futures_util::future::join_all((0..16).map(|_| trade(&world, &assertion))).await;

    let fresh = answers.iter().filter(|(status, _)| *status == StatusCode::OK).count();
    beaten(fresh == 1, format!("{fresh} of 16 were let in"))?;
    refused(trade(&world, &assertion).await)?;
    // The same content, signed anew under the same identifier, is the same assertion.
    refused(trade(&world, &issuer.says(&for_token(&world, &token, "_1", "ada"))).await)
}

/// What a browser brought to sign in, presented as a grant: as it was, and with a recipient that would fit.
pub async fn sign_in_as_a_grant(off: &[Control]) -> Verdict {
    let (world, issuer, token) = house(off).await;
    let mut visitor = Visitor::new(&world.base);
    let sent = issuer.sends(&world, &mut visitor).await;
    let genuine = issuer.says(&for_login(&world, &sent, "_1", "ada"));
    post(&mut visitor, &sent, &around(&genuine, &sent)).await;
    assert_eq!(signed_in(&world, &mut visitor).await.as_deref(), Some("corp/ada"));

    refused(trade(&world, &genuine).await)?;
    refused(trade(&world, &around(&genuine, &sent)).await)?;
    let fitting = Says { recipient: &token, ..for_login(&world, &sent, "_2", "ada") };
    refused(trade(&world, &issuer.says(&fitting)).await)
}

/// A comment in a name, a DTD, an instruction: whatever is not plain.
pub async fn assertion_that_is_not_plain(off: &[Control]) -> Verdict {
    let (world, issuer, token) = house(off).await;
    let genuine = issuer.says(&for_token(&world, &token, "_1", "admin.evil"));
    for odd in [
        genuine.replace("admin.evil", "admin<!-- -->.evil"),
        genuine.replace("admin.evil", "<![CDATA[admin.evil]]>"),
        genuine.replace("admin.evil", "admin<?x?>.evil"),
        format!("<!DOCTYPE a>{genuine}"),
        format!("<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{}", genuine.replace("admin.evil", "&e;")),
    ] {
        refused(trade(&world, &odd).await)?;
    }
    taken(trade(&world, &genuine).await);
    Ok(())
}
