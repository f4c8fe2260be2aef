//! Attacks on codes and refresh tokens.

use bailiwick_domain::control::Control;
use futures_util::future::join_all;
use http::{Method, StatusCode};

use super::{Verdict, beaten};
use crate::oauth::{CALLBACK, VERIFIER};
use crate::{App, Setup, Visitor, World};

async fn house(off: &[Control]) -> (World, App) {
    let world = Setup::sample().approving("alice").without(off).start();
    let app = App::register(&world.base).await;
    (world, app)
}

/// A stolen code without its verifier; and the guess must not burn the code.
pub async fn wrong_verifier(off: &[Control]) -> Verdict {
    let (_world, app) = house(off).await;
    let code = app.code("mcp:read").await;
    let guessed = app.redeem_with(&code, &"a".repeat(43), CALLBACK).await;

    beaten(guessed.is_err_and(|error| error["error"] == "invalid_grant"), "a wrong verifier was taken")?;
    beaten(app.redeem(&code).await.is_ok(), "a wrong guess burnt the code")
}

/// A redirect URI that nobody registered: a page, never a redirect.
pub async fn wrong_redirect(off: &[Control]) -> Verdict {
    let (world, app) = house(off).await;
    let url = app.authorize_url("mcp:read").replace("%2Fcallback", "%2Fcallback%2Fevil");
    let seen = Visitor::new(&world.base).once(Method::GET, &url, None).await;

    beaten(
        seen.status == StatusCode::BAD_REQUEST && seen.location.is_none(),
        format!("answered {} {:?}", seen.status, seen.location),
    )
}

/// A code redeemed by another client.
pub async fn another_clients_code(off: &[Control]) -> Verdict {
    let (world, app) = house(off).await;
    let thief = App::register(&world.base).await;
    let code = app.code("mcp:read").await;
    let stolen = thief.redeem(&code).await;

    beaten(stolen.is_err_and(|error| error["error"] == "invalid_grant"), "another client's code was taken")?;
    beaten(app.redeem(&code).await.is_ok(), "the theft burnt the code")
}

/// Sixteen redemptions of one code at once, ten times over.
pub async fn one_code_many_redeemers(off: &[Control]) -> Verdict {
    let (_world, app) = house(off).await;
    for _ in 0..10 {
        let code = app.code("mcp:read").await;
        let outcomes = join_all((0..16).map(|_| app.redeem_with(&code, VERIFIER, CALLBACK))).await;
        let winners = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        beaten(winners == 1, format!("{winners} of 16 redeemed one code"))?;
    }
    Ok(())
}

/// Eight refreshes of one token at once, ten times over: one successor, whoever asks.
pub async fn one_refresh_many_holders(off: &[Control]) -> Verdict {
    let (_world, app) = house(off).await;
    for _ in 0..10 {
        let refresh = app.tokens("mcp:read").await.refresh.unwrap();
        let outcomes = join_all((0..8).map(|_| app.refresh(&refresh))).await;
        let mut successors: Vec<_> = outcomes.into_iter().flatten().filter_map(|tokens| tokens.refresh).collect();
        successors.sort();
        successors.dedup();
        beaten(successors.len() == 1, format!("{} successors of one refresh token", successors.len()))?;
    }
    Ok(())
}
