//! Attacks on connecting an account: somebody else's link, a link for the second time, somebody else's answer.

use bailiwick_domain::control::Control;
use http::{Method, StatusCode};
use serde_json::json;

use super::{Verdict, beaten};
use crate::connecting::{Row, away, leave};
use crate::honeypot::Honeypot;

fn saw(upstream: &Honeypot, secret: &str) -> bool {
    upstream.headers().iter().any(|(_, value)| value.contains(secret))
}

/// Bob's client is asked to connect, and alice follows the link it was given: with a key of hers, and through a sign-in
/// at the provider; and bob sends her to the provider on a way that he began.
pub async fn anothers_connect_link(off: &[Control]) -> Verdict {
    let mut row = Row::start(off).await;
    let client = row.client(&row.bob, "crm").await;
    let link = row.link(&client.call("look", json!({})).await);

    let left = leave(&mut row.alice, &link, "alices-own-key").await;
    let call = client.call("look", json!({})).await;
    beaten(!saw(&row.keyed, "alices-own-key"), format!("alice's key serves bob: {} {}", left.status, call.text))?;
    beaten(left.status == StatusCode::FORBIDDEN, format!("answered {}", left.status))?;

    let client = row.client(&row.bob, "code").await;
    let link = row.link(&client.call("look", json!({})).await);
    if let Some(back) = away(&mut row.alice, &link).await {
        row.alice.once(Method::GET, &back, None).await;
    }
    client.call("look", json!({})).await;
    beaten(!saw(&row.signed, "at-code"), "alice's sign-in serves bob")?;

    let back = away(&mut row.bob, &link).await.expect("bob's own link is open to him");
    let finished = row.alice.once(Method::GET, &back, None).await;
    client.call("look", json!({})).await;
    let tokens = row.host.asked();
    beaten(!saw(&row.signed, "at-code") && tokens == 0, format!("what bob began alice finished: {}", finished.status))
}

/// A link that connected one key, followed again with another.
pub async fn connect_link_used_twice(off: &[Control]) -> Verdict {
    let mut row = Row::start(off).await;
    let client = row.client(&row.alice, "crm").await;
    let link = row.link(&client.call("look", json!({})).await);
    leave(&mut row.alice, &link, "the-first-key").await;
    let answer = client.call("look", json!({})).await;
    assert!(answer.is_result() && saw(&row.keyed, "the-first-key"), "{} {}", answer.status, answer.text);

    let again = leave(&mut row.alice, &link, "the-second-key").await;

    client.call("look", json!({})).await;
    beaten(!saw(&row.keyed, "the-second-key"), "one link connected twice")?;
    beaten(again.status == StatusCode::GONE, format!("answered {}", again.status))
}

/// An answer in another provider's name: the code may be that one's, and must not be shown to the one that was asked.
pub async fn connect_answer_of_another_provider(off: &[Control]) -> Verdict {
    let mut row = Row::start(off).await;
    let client = row.client(&row.alice, "code").await;
    let link = row.link(&client.call("look", json!({})).await);
    row.host.answer_as("https://honest.example");

    let back = away(&mut row.alice, &link).await.expect("an answer");
    let finished = row.alice.once(Method::GET, &back, None).await;

    client.call("look", json!({})).await;
    beaten(row.host.asked() == 0, format!("the code was shown to another: {}", finished.status))?;
    beaten(!saw(&row.signed, "at-code"), "another's answer connected an account")
}

/// A code that another provider gave, where neither says who it is: the one that was asked sent its people on to the
/// other, which answers at its own place here.
pub async fn connect_code_of_another_provider(off: &[Control]) -> Verdict {
    let mut row = Row::start(off).await;
    row.host.says_nothing();
    let client = row.client(&row.alice, "code").await;
    let link = row.link(&client.call("look", json!({})).await);
    let back = away(&mut row.alice, &link).await.expect("an answer");
    assert!(back.contains("/connect/callback/code?") && !back.contains("iss="), "{back}");

    let theirs = back.replace("/connect/callback/code?", "/connect/callback/honest?");
    let finished = row.alice.once(Method::GET, &theirs, None).await;

    client.call("look", json!({})).await;
    beaten(row.host.asked() == 0, format!("the code was shown to another: {}", finished.status))?;
    beaten(!saw(&row.signed, "at-code"), "another's answer connected an account")
}
