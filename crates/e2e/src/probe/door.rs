//! Attacks at the gateway's door: sessions, origins, hosts, and what travels upstream.

use bailiwick_domain::control::Control;
use http::StatusCode;
use serde_json::json;

use super::{Verdict, beaten};
use crate::honeypot::Honeypot;
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

/// The upstream writes down every header; none of the caller's may be among them.
pub async fn callers_headers(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = in_front_of(&upstream, off);
    let token = App::register(&world.base).await.tokens(SCOPE).await.access;
    let mut client = Mcp::new(&world.mcp(), Some(&token))
        .header("cookie", "bw_session=stolen")
        .header("dpop", "proof-of-the-caller")
        .header("txn-token", "transaction-of-the-caller")
        .header("x-forwarded-user", "root")
        .header("forwarded", "for=192.0.2.1");
    client.begin().await;
    assert!(client.call("look", json!({})).await.is_result());

    let seen = upstream.headers();
    let walled = ["authorization", "cookie", "dpop", "txn-token", "x-forwarded-user", "forwarded"];
    let passed: Vec<_> = seen.iter().filter(|(name, _)| walled.contains(&name.as_str())).collect();
    let leaked = seen.iter().any(|(_, value)| value.contains(&token));
    beaten(passed.is_empty() && !leaked, format!("the upstream saw {passed:?}"))
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
