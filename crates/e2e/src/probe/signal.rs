//! Attacks on what a login provider tells us unasked: signed by it, and not meant for us, or not meant so.

use bailiwick_domain::control::Control;
use http::Method;
use serde_json::{Value, json};

use super::login::{answer, signed_in};
use super::{Verdict, beaten};
use crate::identity_provider::{IdentityProvider, Member};
use crate::signals::{logout, push, revoked, send_logout};
use crate::{Setup, Visitor, World};

/// A house that hears out its provider, with a person of the provider's signed in.
pub async fn house(provider: &IdentityProvider, off: &[Control]) -> (World, Visitor) {
    let world = Setup::config(format!("{}events = true\n", provider.section("corp"))).without(off).start();
    Visitor::new(&world.base).set_up(&world.setup_link(), "admin", "correct horse battery").await;
    let visitor = arrive(&world).await;
    (world, visitor)
}

/// Whoever signs in at the provider now.
pub async fn arrive(world: &World) -> Visitor {
    let mut visitor = Visitor::new(&world.base);
    let back = answer(world, &mut visitor).await.expect("an answer");
    visitor.once(Method::GET, &back, None).await;
    visitor
}

/// The ways in which a signal is not one for us: what is changed in its claims.
fn strange() -> Vec<(&'static str, Value)> {
    vec![
        ("aud", json!("another client")),
        ("aud", json!(["another client"])),
        ("iss", json!("https://login.example.com")),
        ("iat", json!(1_700_000_000)),
        ("iat", json!(4_000_000_000_i64)),
        ("exp", json!(1_700_000_000)),
        ("jti", Value::Null),
        ("events", json!({})),
    ]
}

async fn still_in(world: &World, visitor: &mut Visitor, what: &str) -> Verdict {
    beaten(signed_in(world, visitor).await.is_some(), format!("signed out by {what}"))
}

/// Logout tokens of the true provider that are for others, too old, or no logout tokens at all.
pub async fn anothers_logout(off: &[Control]) -> Verdict {
    let provider = IdentityProvider::start(Member::new("u-1", "ada", &[])).await;
    let (world, mut ada) = house(&provider, off).await;
    let mut tokens = Vec::new();
    for (claim, value) in strange().into_iter().chain([("nonce", json!("n"))]) {
        let mut claims = logout(&provider, "u-1");
        claims[claim] = value.clone();
        tokens.push((format!("{claim} = {value}"), provider.sign_as("logout+jwt", &claims)));
    }
    for typ in ["at+jwt", "secevent+jwt"] {
        tokens.push((format!("typ {typ}"), provider.sign_as(typ, &logout(&provider, "u-1"))));
    }
    for (what, token) in tokens {
        let (status, _) = send_logout(&world.base, &token).await;
        still_in(&world, &mut ada, &what).await?;
        beaten(status == 400, format!("{what}: answered {status}"))?;
    }
    let unsigned = provider.sign_as_stranger("logout+jwt", &logout(&provider, "u-1"));
    send_logout(&world.base, &unsigned).await;
    still_in(&world, &mut ada, "a stranger").await?;

    let token = provider.sign_as("logout+jwt", &logout(&provider, "u-1"));
    send_logout(&world.base, &token).await;
    beaten(signed_in(&world, &mut ada).await.is_none(), "a logout token was not heard")?;
    let mut again = arrive(&world).await;
    send_logout(&world.base, &token).await;
    still_in(&world, &mut again, "a logout token that came again").await
}

/// Security events of the true provider that are for others, too old, or no such events.
pub async fn anothers_event(off: &[Control]) -> Verdict {
    let provider = IdentityProvider::start(Member::new("u-1", "ada", &[])).await;
    let (world, mut ada) = house(&provider, off).await;
    let mut tokens = Vec::new();
    for (claim, value) in strange().into_iter().filter(|(claim, _)| *claim != "events") {
        let mut claims = revoked(&provider, "u-1");
        claims[claim] = value.clone();
        tokens.push((format!("{claim} = {value}"), provider.sign_as("secevent+jwt", &claims)));
    }
    for typ in ["JWT", "logout+jwt", "at+jwt"] {
        tokens.push((format!("typ {typ}"), provider.sign_as(typ, &revoked(&provider, "u-1"))));
    }
    let mut claims = revoked(&provider, "u-1");
    claims["sub_id"]["iss"] = json!("https://login.example.com");
    tokens.push(("another issuer's subject".to_owned(), provider.sign_as("secevent+jwt", &claims)));
    tokens.push(("a stranger".to_owned(), provider.sign_as_stranger("secevent+jwt", &revoked(&provider, "u-1"))));
    for (what, token) in tokens {
        let (status, _) = push(&world.base, &token).await;
        still_in(&world, &mut ada, &what).await?;
        beaten(status == 400, format!("{what}: answered {status}"))?;
    }
    let token = provider.sign_as("secevent+jwt", &revoked(&provider, "u-1"));
    push(&world.base, &token).await;
    beaten(signed_in(&world, &mut ada).await.is_none(), "an event was not heard")?;
    let mut again = arrive(&world).await;
    push(&world.base, &token).await;
    still_in(&world, &mut again, "an event that came again").await
}
