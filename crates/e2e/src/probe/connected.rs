//! Attacks on what people connected: reading without it, and having it shown where nobody meant it to be.

use bailiwick_domain::control::Control;
use http::Method;
use serde_json::json;

use super::{Verdict, beaten};
use crate::connecting::{client, leave, link};
use crate::honeypot::Honeypot;
use crate::{App, Mcp, Setup, Visitor};

fn saw(upstream: &Honeypot, secret: &str) -> bool {
    upstream.headers().iter().any(|(_, value)| value.contains(secret))
}

/// A server that wants each person's own key, and lists its tools for a key of the gateway's.
fn keyed(upstream: &Honeypot) -> Setup {
    let key = "kind = \"api_key\", header = \"x-api-key\"";
    let config = format!(
        "[server.crm]\nupstream = \"{}\"\ncredential = {{ {key}, per = \"user\" }}\n\
         discovery = {{ {key}, secret = {{ env = \"LISTING_KEY\" }} }}\n",
        upstream.url
    );
    Setup::config(config).env("LISTING_KEY", "the key of the gateway")
}

/// Somebody who has connected nothing reads with what the gateway shows for itself.
pub async fn reading_with_the_gateways_key(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = keyed(&upstream).approving("alice").without(off).start();
    let url = world.url("/mcp/crm");
    let token = App::register_for(&world.base, &url).await.tokens("crm:read").await.access;
    let mut client = Mcp::new(&url, Some(&token));
    client.begin().await;
    assert!(!client.tools().await.is_empty(), "tools stay listed");
    upstream.forget();

    for (method, params) in [
        ("resources/read", json!({ "uri": "note://1" })),
        ("resources/list", json!({})),
        ("prompts/get", json!({ "name": "all" })),
        ("completion/complete", json!({})),
        ("tasks/get", json!({ "taskId": "1" })),
    ] {
        let answer = client.request(method, params).await;
        beaten(!saw(&upstream, "the key of the gateway"), format!("{method}: {} {}", answer.status, answer.text))?;
    }
    let heard = client.raw(Method::GET, String::new()).await;
    beaten(!saw(&upstream, "the key of the gateway"), format!("a stream: {} {}", heard.status, heard.text))
}

/// A server whose name means another place by now, at which nobody has connected anything.
pub async fn key_under_another_roof(off: &[Control]) -> Verdict {
    let (upstream, elsewhere) = (Honeypot::start().await, Honeypot::start().await);
    let world = keyed(&upstream).without(off).start();
    let mut alice = Visitor::new(&world.base);
    alice.set_up(&world.setup_link(), "alice", "correct horse battery").await;
    let hers = client(&world, &alice, "crm").await;
    leave(&mut alice, &link(&world, &hers.call("look", json!({})).await), "alices-own-key").await;
    assert!(hers.call("look", json!({})).await.is_result() && saw(&upstream, "alices-own-key"));
    let ended = world.stop();
    let world = keyed(&elsewhere).without(off).after(&ended).start();

    let mut again = Mcp::new(&world.url("/mcp/crm"), hers.token.as_deref());
    again.begin().await;
    let answer = again.call("look", json!({})).await;

    beaten(!saw(&elsewhere, "alices-own-key"), format!("it is shown there: {} {}", answer.status, answer.text))?;
    beaten(answer.rule() == Some("reconnect:crm"), format!("{} {}", answer.status, answer.text))
}
