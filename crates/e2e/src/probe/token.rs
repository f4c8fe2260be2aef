//! Tokens that must not open anything.

use bailiwick_domain::control::Control;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Verdict, beaten};
use crate::forge::{Forger, tamper};
use crate::{App, Mcp, Setup, World};

const SCOPE: &str = "mcp:read mcp:write";

/// A house whose signing key was stolen, with the claims of one good token.
async fn robbed(off: &[Control]) -> (World, Forger, Value) {
    let first = Setup::sample().approving("alice").start();
    let app = App::register(&first.base).await;
    let ended = {
        drop(app);
        first.stop()
    };
    let forger = Forger::steal(&ended).await;
    let world = Setup::sample().approving("alice").without(off).after(&ended).start();
    let claims = App::register(&world.base).await.tokens(SCOPE).await.claims();
    (world, forger, claims)
}

/// 401 with a challenge is the only right answer.
async fn refuses(world: &World, token: &str) -> Verdict {
    let answer = Mcp::new(&world.mcp(), Some(token)).begin().await;
    beaten(
        answer.status == StatusCode::UNAUTHORIZED && answer.challenge().contains(r#"error="invalid_token""#),
        format!("answered {} {}", answer.status, answer.text),
    )
}

/// Claims changed under an old signature.
pub async fn tampered(off: &[Control]) -> Verdict {
    let world = Setup::sample().approving("alice").without(off).start();
    let token = App::register(&world.base).await.tokens("mcp:read").await.access;
    let more = tamper(&token, |claims| claims["scope"] = json!("mcp:read mcp:write mcp:destructive"));

    refuses(&world, &more).await
}

/// `alg: none`.
pub async fn unsigned(off: &[Control]) -> Verdict {
    let (world, forger, claims) = robbed(off).await;

    refuses(&world, &forger.none(&claims)).await
}

/// HS256 keyed with the public key.
pub async fn confused_algorithm(off: &[Control]) -> Verdict {
    let (world, forger, claims) = robbed(off).await;

    refuses(&world, &forger.confuse(&claims)).await
}

/// Truly signed, but of another class.
pub async fn id_token(off: &[Control]) -> Verdict {
    let (world, forger, claims) = robbed(off).await;
    for typ in ["JWT", "oauth-id-jag+jwt", "dpop+jwt", "txntoken+jwt"] {
        refuses(&world, &forger.sign(typ, &claims)).await?;
    }
    Ok(())
}

/// Truly signed, but by the word of somebody else.
pub async fn wrong_issuer(off: &[Control]) -> Verdict {
    let (world, forger, mut claims) = robbed(off).await;
    claims["iss"] = json!("https://login.example.com");

    refuses(&world, &forger.sign("at+jwt", &claims)).await
}

/// Truly signed, and over.
pub async fn expired(off: &[Control]) -> Verdict {
    let (world, forger, mut claims) = robbed(off).await;
    let now = claims["iat"].as_i64().unwrap();
    claims["iat"] = json!(now - 400);
    claims["exp"] = json!(now - 100);

    refuses(&world, &forger.sign("at+jwt", &claims)).await
}

/// A token for server A, shown to server B.
pub async fn for_another_server(off: &[Control]) -> Verdict {
    let upstreams = (crate::honeypot::Honeypot::start().await, crate::honeypot::Honeypot::start().await);
    let config =
        format!("[server.a]\nupstream = \"{}\"\n[server.b]\nupstream = \"{}\"\n", upstreams.0.url, upstreams.1.url);
    let world = Setup::config(config).approving("alice").without(off).start();
    let app = App::register_for(&world.base, &world.url("/mcp/a")).await;
    let token = app.tokens("a:read a:write").await.access;
    let mut home = Mcp::new(&world.url("/mcp/a"), Some(&token));
    assert_eq!(home.begin().await.status, StatusCode::OK, "the token is good at home");

    let answer = Mcp::new(&world.url("/mcp/b"), Some(&token)).begin().await;

    beaten(answer.status == StatusCode::UNAUTHORIZED, format!("answered {} {}", answer.status, answer.text))
}

/// A token whose grant was revoked a moment ago.
pub async fn revoked(off: &[Control]) -> Verdict {
    let world = Setup::sample().approving("alice").without(off).start();
    let app = App::register(&world.base).await;
    let tokens = app.tokens("mcp:read").await;
    assert_eq!(Mcp::new(&world.mcp(), Some(&tokens.access)).begin().await.status, StatusCode::OK);
    assert_eq!(app.revoke(tokens.refresh.as_deref().unwrap()).await, StatusCode::OK);

    refuses(&world, &tokens.access).await
}
