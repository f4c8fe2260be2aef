//! Attacks on signing in at a provider.

use bailiwick_domain::control::Control;
use http::Method;

use super::{Verdict, beaten};
use crate::identity_provider::{IdentityProvider, Lie, Member};
use crate::{Setup, Visitor, World};

/// A house whose people sign in at `provider`, with its first account made.
pub async fn house(provider: &IdentityProvider, off: &[Control]) -> World {
    let world = Setup::config(provider.section("corp")).without(off).start();
    Visitor::new(&world.base).set_up(&world.setup_link(), "admin", "correct horse battery").await;
    world
}

/// Sends the visitor to the provider and fetches the answer, without going back with it.
pub async fn answer(world: &World, visitor: &mut Visitor) -> Option<String> {
    let away = visitor.once(Method::GET, &world.url("/login/corp"), None).await;
    let there = away.location.filter(|to| to.starts_with("http"))?;
    Visitor::new(&there).once(Method::GET, &there, None).await.location
}

/// The name on the visitor's account page, if somebody is signed in.
pub async fn signed_in(world: &World, visitor: &mut Visitor) -> Option<String> {
    let page = visitor.open(&world.url("/account")).await;
    if !page.body.contains("action=\"/logout\"") {
        return None;
    }
    let name = page.body.split_once("<span>")?.1.split("</span>").next()?;
    Some(name.replace("&#x2F;", "/").replace("&#47;", "/"))
}

/// Whether a whole sign-in at a provider with this lie gets anybody in.
async fn gets_in(lie: Lie, off: &[Control]) -> bool {
    let provider = IdentityProvider::lying(lie, Member::new("u-1", "mallory", &["admins"])).await;
    let world = house(&provider, off).await;
    let mut visitor = Visitor::new(&world.base);
    if let Some(back) = answer(&world, &mut visitor).await {
        visitor.once(Method::GET, &back, None).await;
    }
    signed_in(&world, &mut visitor).await.is_some()
}

/// An answer of the attacker's sign-in, opened in the victim's browser; and an answer opened twice.
pub async fn anothers_login_answer(off: &[Control]) -> Verdict {
    let provider = IdentityProvider::start(Member::new("u-1", "mallory", &[])).await;
    let world = house(&provider, off).await;
    let (mut attacker, mut victim) = (Visitor::new(&world.base), Visitor::new(&world.base));
    victim.open(&world.url("/login")).await;
    let back = answer(&world, &mut attacker).await.expect("an answer");

    victim.once(Method::GET, &back, None).await;
    let taken = signed_in(&world, &mut victim).await;
    beaten(taken.is_none(), "the victim is signed in as the attacker")?;

    attacker.once(Method::GET, &back, None).await;
    beaten(signed_in(&world, &mut attacker).await.is_some(), "the victim's visit burnt the sign-in")?;
    let mut again = attacker.clone();
    again.forget("bw_session");
    again.once(Method::GET, &back, None).await;
    beaten(signed_in(&world, &mut again).await.is_none(), "one answer signed in twice")
}

/// An ID token that the provider made for another sign-in.
pub async fn anothers_id_token(off: &[Control]) -> Verdict {
    beaten(!gets_in(Lie::Nonce, off).await, "an ID token of another sign-in was taken")
}

/// A look-alike of the provider: in its metadata, in its answer, in its ID token.
pub async fn lookalike_issuer(off: &[Control]) -> Verdict {
    for lie in [Lie::MetadataIssuer, Lie::AnswerIssuer, Lie::TokenIssuer] {
        beaten(!gets_in(lie, off).await, format!("a look-alike was believed: {lie:?}"))?;
    }
    Ok(())
}

/// Every other lie a provider, or somebody between, may tell.
pub async fn lying_provider(off: &[Control]) -> Verdict {
    for lie in [
        Lie::AnswerNamesNobody,
        Lie::Audience,
        Lie::Unsigned,
        Lie::SharedSecret,
        Lie::ForeignKey,
        Lie::Expired,
        Lie::Denies,
    ] {
        beaten(!gets_in(lie, off).await, format!("a lie was believed: {lie:?}"))?;
    }
    Ok(())
}
