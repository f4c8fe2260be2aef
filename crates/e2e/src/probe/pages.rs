//! Attacks on the pages: forged consent, guessed passwords.

use bailiwick_domain::control::Control;
use http::StatusCode;

use super::{Verdict, beaten};
use crate::oauth::parameter;
use crate::{App, Setup, Visitor, World};

/// A consent form sent by a page of another site, which cannot know the form's token.
pub async fn consent_without_form_token(off: &[Control]) -> Verdict {
    let world = Setup::sample().without(off).start();
    let mut alice = Visitor::new(&world.base);
    alice.set_up(&world.setup_link(), "alice", "correct horse battery").await;
    let app = App::register(&world.base).await;
    let consent = alice.open(&app.authorize_url("mcp:read")).await;
    let form = consent.form("checkbox").fill("form_token", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");

    let done = alice.submit(&consent, &form, Some(("decision", "allow"))).await;

    beaten(parameter(&done, "code").is_none(), "a forged consent made a code")
}

/// Many wrong passwords in a row.
pub async fn guessing_passwords(off: &[Control]) -> Verdict {
    let world = Setup::sample().without(off).start();
    Visitor::new(&world.base).set_up(&world.setup_link(), "alice", "correct horse battery").await;
    let mut thief = Visitor::new(&world.base);
    let mut slowed = false;
    for _ in 0..12 {
        let page = thief.open(&world.url("/login")).await;
        let answer = thief.sign_in(&page, "alice", "wrong guess").await;
        slowed |= answer.status == StatusCode::TOO_MANY_REQUESTS;
    }
    beaten(slowed, "twelve wrong passwords were all looked at")
}

/// Wrong passwords for many accounts, each from an address the thief made up.
pub async fn forged_address(off: &[Control]) -> Verdict {
    let world = Setup::config("trusted_proxies = [\"10.0.0.0/8\"]").without(off).start();
    Visitor::new(&world.base).set_up(&world.setup_link(), "alice", "correct horse battery").await;
    let slowed = guesses_slowed(&world).await;
    beaten(slowed, "twelve wrong passwords from one address were all looked at")
}

/// True when guesses at twelve accounts, said to come from twelve addresses, were slowed down.
pub async fn guesses_slowed(world: &World) -> bool {
    let mut thief = Visitor::new(&world.base);
    let mut slowed = false;
    for n in 0..12_u8 {
        thief.address = Some([203, 0, 113, n].into());
        let page = thief.open(&world.url("/login")).await;
        let answer = thief.sign_in(&page, &format!("user{n}"), "wrong guess").await;
        slowed |= answer.status == StatusCode::TOO_MANY_REQUESTS;
    }
    slowed
}
