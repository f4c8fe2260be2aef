//! Attacks at the gateway's door: sessions, origins, hosts.

use bailiwick_domain::control::Control;
use http::StatusCode;
use serde_json::json;

use super::{Verdict, beaten};
use crate::honeypot::Honeypot;
use crate::oauth::claims;
use crate::{App, Mcp, Setup, World};

const SCOPE: &str = "mcp:read mcp:write";

fn in_front_of(upstream: &Honeypot, off: &[Control]) -> World {
    Setup::upstream(&upstream.url).approving("alice").without(off).start()
}

/// Bob shows the session id that was made for Alice.
pub async fn anothers_session(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = in_front_of(&upstream, off);
    let alice = App::register(&world.base).await.tokens(SCOPE).await.access;
    let ended = world.stop();
    let world = Setup::upstream(&upstream.url).approving("bob").without(off).after(&ended).start();
    let bob = App::register(&world.base).await.tokens(SCOPE).await.access;
    let mut hers = Mcp::new(&world.mcp(), Some(&alice));
    hers.begin().await;
    assert!(hers.call("look", json!({})).await.is_result(), "the session serves its owner");

    let mut his = Mcp::new(&world.mcp(), Some(&bob));
    his.session = hers.session.clone();
    let answer = his.call("look", json!({})).await;

    beaten(answer.status == StatusCode::NOT_FOUND, format!("answered {} {}", answer.status, answer.text))
}

/// A server behind shows what it was sent to the gateway, to act as its caller.
pub async fn replayed_by_upstream(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = in_front_of(&upstream, off);
    let token = App::register(&world.base).await.tokens(SCOPE).await.access;
    let mut client = Mcp::new(&world.mcp(), Some(&token));
    client.begin().await;
    assert!(client.call("look", json!({})).await.is_result());
    let subject = claims(&token)["sub"].clone();
    let seen = upstream.headers();
    let sent = seen.iter().filter(|(name, _)| name == "authorization");
    let sent = sent.filter_map(|(_, value)| value.strip_prefix("Bearer "));
    let sent: Vec<&str> = sent.filter(|sent| claims(sent)["sub"] == subject).collect();
    assert!(!sent.is_empty(), "the server learns who calls");

    for sent in sent {
        let answer = Mcp::new(&world.mcp(), Some(sent)).begin().await;
        beaten(answer.status == StatusCode::UNAUTHORIZED, format!("answered {} {}", answer.status, answer.text))?;
    }
    Ok(())
}

/// A page of another site drives the user's browser to the gateway.
pub async fn foreign_origin(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = in_front_of(&upstream, off);
    let token = App::register(&world.base).await.tokens(SCOPE).await.access;
    for origin in ["https://evil.example", "null"] {
        let answer = Mcp::new(&world.mcp(), Some(&token)).header("origin", origin).begin().await;
        beaten(answer.status == StatusCode::FORBIDDEN, format!("{origin}: answered {}", answer.status))?;
    }
    Ok(())
}

/// DNS rebinding: the right address under a foreign name.
pub async fn foreign_host(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = in_front_of(&upstream, off);
    let token = App::register(&world.base).await.tokens(SCOPE).await.access;
    let answer = Mcp::new(&world.mcp(), Some(&token)).header("host", "evil.example").begin().await;

    beaten(answer.status == StatusCode::FORBIDDEN, format!("answered {} {}", answer.status, answer.text))
}
