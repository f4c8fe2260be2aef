//! Attacks on the pages: forged consent, guessed passwords.

use bailiwick_domain::control::Control;
use http::StatusCode;

use super::{Verdict, beaten};
use crate::oauth::parameter;
use crate::{App, Setup, Visitor};

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
