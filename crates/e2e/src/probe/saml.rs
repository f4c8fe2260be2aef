//! Attacks with SAML assertions (T24).

use std::time::Duration;

use bailiwick_domain::control::Control;
use bailiwick_domain::time::Clock as _;
use bailiwick_saml::testing::Says;
use http::StatusCode;
use serde_json::Value;

use super::login::signed_in;
use super::wrapping::{two_assertions, wrapped_assertion};
use super::{Verdict, beaten};
use crate::forge::Now;
use crate::saml_issuer::{SamlIssuer, around, for_login, for_token, post, trade};
use crate::{Visitor, World};

/// A house, its provider, and where that provider's assertions for it are delivered.
pub(super) async fn house(off: &[Control]) -> (World, SamlIssuer, String) {
    let issuer = SamlIssuer::new();
    let world = issuer.house(off).await;
    let token = world.url("/token");
    (world, issuer, token)
}

pub(super) fn refused((status, body): (StatusCode, Value)) -> Verdict {
    let right = status == StatusCode::BAD_REQUEST && body["error"] == "invalid_grant";
    beaten(right, format!("answered {status} {body}"))
}

pub(super) fn taken((status, body): (StatusCode, Value)) {
    assert_eq!(status, StatusCode::OK, "{body}");
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
    for recipient in [world.url("/login/other/acs"), token, format!("{acs}/")] {
        let mut visitor = Visitor::new(&world.base);
        let sent = issuer.sends(&world, &mut visitor).await;
        let says = Says { recipient: &recipient, ..for_login(&world, &sent, "_5", "ada") };
        post(&mut visitor, &sent, &around(&issuer.says(&says), &sent)).await;
        let who = signed_in(&world, &mut visitor).await;
        beaten(who.is_none(), format!("delivered to {recipient}, it signed in {who:?}"))?;
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

/// Each of these must be refused, and what they were made of is taken.
async fn odd(off: &[Control], change: impl Fn(&str) -> Vec<String>) -> Verdict {
    let (world, issuer, token) = house(off).await;
    let genuine = issuer.says(&for_token(&world, &token, "_1", "admin.evil"));
    for odd in change(&genuine) {
        assert_ne!(odd, genuine);
        refused(trade(&world, &odd).await)?;
    }
    taken(trade(&world, &genuine).await);
    Ok(())
}

/// A comment in a name: the signature does not see it, and some readers see nothing after it.
pub async fn comment_in_a_name(off: &[Control]) -> Verdict {
    odd(off, |genuine| vec![genuine.replace("admin.evil", "admin<!-- -->.evil")]).await
}

/// A DTD, with and without an entity of its own.
pub async fn document_with_a_dtd(off: &[Control]) -> Verdict {
    let entity = "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>";
    odd(off, |genuine| {
        vec![format!("<!DOCTYPE a>{genuine}"), format!("{entity}{}", genuine.replace("admin.evil", "&e;"))]
    })
    .await
}

/// Whatever else is more than elements, attributes and text.
pub async fn assertion_that_is_not_plain(off: &[Control]) -> Verdict {
    odd(off, |genuine| {
        vec![
            genuine.replace("admin.evil", "<![CDATA[admin.evil]]>"),
            genuine.replace("admin.evil", "admin<?x?>.evil"),
            format!("<?x?>{genuine}"),
        ]
    })
    .await
}

/// Over, not begun, or lasting for longer than it would be remembered: as a grant, and to sign in.
pub async fn assertion_out_of_its_time(off: &[Control]) -> Verdict {
    let (world, issuer, token) = house(off).await;
    let minutes = |n: u64| Duration::from_mins(n);
    let now = Now.now();
    let (over, early) =
        ((now.before(minutes(10)), now.before(minutes(5))), (now.after(minutes(3)), now.after(minutes(5))));
    let lasting = (now, now.after(minutes(120)));
    for (id, (from, until)) in [("_over", over), ("_early", early), ("_lasting", lasting)] {
        let says = Says { from, until, ..for_token(&world, &token, id, "ada") };
        refused(trade(&world, &issuer.says(&says)).await).map_err(|error| format!("{id}: {error}"))?;
    }
    let mut visitor = Visitor::new(&world.base);
    let sent = issuer.sends(&world, &mut visitor).await;
    let says = Says { from: over.0, until: over.1, ..for_login(&world, &sent, "_late", "ada") };
    post(&mut visitor, &sent, &around(&issuer.says(&says), &sent)).await;
    let who = signed_in(&world, &mut visitor).await;
    beaten(who.is_none(), format!("signed in as {who:?}"))?;
    taken(trade(&world, &issuer.says(&for_token(&world, &token, "_now", "ada"))).await);
    Ok(())
}

/// What was said to another browser's sign-in, or to none, brought into this one: as it was, and in an envelope that fits.
pub async fn answer_to_another_request(off: &[Control]) -> Verdict {
    let (world, issuer, _) = house(off).await;
    let mut thief = Visitor::new(&world.base);
    let other = issuer.sends(&world, &mut thief).await;
    for (id, request) in
        [("_as_it_was", Some(&*other.request)), ("_fitting", Some(&*other.request)), ("_unasked", None)]
    {
        let mut visitor = Visitor::new(&world.base);
        let sent = issuer.sends(&world, &mut visitor).await;
        let theirs = issuer.says(&Says { request, ..for_login(&world, &sent, id, "mallory") });
        let envelope = if id == "_as_it_was" { &other } else { &sent };
        let seen = post(&mut visitor, &sent, &around(&theirs, envelope)).await;
        let who = signed_in(&world, &mut visitor).await;
        beaten(who.is_none() && seen.status == StatusCode::FORBIDDEN, format!("{id}: {who:?} {}", seen.status))?;
    }
    Ok(())
}

/// A genuine assertion in an answer that was sent somewhere else.
pub async fn answer_for_another_address(off: &[Control]) -> Verdict {
    let (world, issuer, _) = house(off).await;
    for destination in ["https://other.example/acs", "http://localhost/login/corp/acs", ""] {
        let mut visitor = Visitor::new(&world.base);
        let sent = issuer.sends(&world, &mut visitor).await;
        let genuine = issuer.says(&for_login(&world, &sent, "_1", "ada"));
        let astray = around(&genuine, &sent).replacen(
            &format!("Destination=\"{}\"", sent.acs),
            &format!("Destination=\"{destination}\""),
            1,
        );
        let seen = post(&mut visitor, &sent, &astray).await;
        let who = signed_in(&world, &mut visitor).await;
        beaten(
            who.is_none() && seen.status == StatusCode::FORBIDDEN,
            format!("{destination}: {who:?} {}", seen.status),
        )?;
    }
    Ok(())
}

/// Runs the probe of that name.
pub(super) async fn run(name: &str, off: &[Control]) -> Option<Verdict> {
    Some(match name {
        "wrapped_assertion" => wrapped_assertion(off).await,
        "two_assertions" => two_assertions(off).await,
        "comment_in_a_name" => comment_in_a_name(off).await,
        "document_with_a_dtd" => document_with_a_dtd(off).await,
        "assertion_that_is_not_plain" => assertion_that_is_not_plain(off).await,
        "assertion_out_of_its_time" => assertion_out_of_its_time(off).await,
        "answer_to_another_request" => answer_to_another_request(off).await,
        "answer_for_another_address" => answer_for_another_address(off).await,
        "assertion_for_another_audience" => assertion_for_another_audience(off).await,
        "assertion_for_another_recipient" => assertion_for_another_recipient(off).await,
        "one_saml_assertion_many_senders" => one_saml_assertion_many_senders(off).await,
        "sign_in_as_a_grant" => sign_in_as_a_grant(off).await,
        _ => return None,
    })
}
