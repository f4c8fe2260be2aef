//! Floods: what strangers send costs little, fetches nothing and slows nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bailiwick_e2e::forge::homemade;
use bailiwick_e2e::handing::{ALL, along, call, house};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::identity_provider::{IdentityProvider, Lie, Member};
use bailiwick_e2e::{Mcp, Visitor, World};
use futures_util::future::join_all;
use http::Method;
use serde_json::json;

use super::chain::{LINE, agent};

/// Counts who knocks.
async fn canary() -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let knocks = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&knocks);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    (url, knocks)
}

/// Calls that should just work, one after the other; the slowest of ninety-nine in a hundred.
async fn calls(world: &World, token: &str, many: usize) -> Duration {
    let mut client = Mcp::new(&world.url("/mcp/notes"), Some(token));
    client.begin().await;
    let mut times = Vec::new();
    for _ in 0..many {
        let begun = Instant::now();
        assert!(client.call("look", json!({})).await.is_result());
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[many * 99 / 100 - 1]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t32_tokens_of_unknown_keys_fetch_nothing_and_slow_nobody() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, "", &LINE).start();
    let held = along(&world, &["alpha"], ALL).await;
    let (url, knocks) = canary().await;
    let stranger = |n: usize, claims: &serde_json::Value| {
        let mut claims = claims.clone();
        let header = match n % 4 {
            0 => json!({ "kid": format!("unknown-{n}") }),
            1 => json!({ "kid": url, "jku": url }),
            2 => json!({ "kid": format!("unknown-{n}"), "x5u": url }),
            _ => {
                claims["iss"] = json!(url);
                json!({ "kid": format!("unknown-{n}") })
            }
        };
        homemade(&header, &claims)
    };
    let (front, last) = (held[0].claims(), held[1].claims());
    let strangers: Vec<_> = (0..240).map(|n| (stranger(n, &last), stranger(n, &front))).collect();
    let flood = async |some: &[(String, String)]| {
        let alpha = agent(&world, "alpha");
        let mut client = Mcp::new(&world.url("/mcp/notes"), None);
        for (last, front) in some {
            client.token = Some(last.clone());
            assert_eq!(client.request("tools/list", json!({})).await.status, 401);
            assert!(alpha.exchange(front, "notes").await.is_err());
        }
    };
    calls(&world, &held[1].access, 20).await;
    let calm = calls(&world, &held[1].access, 100).await;

    let (storm, _) = tokio::join!(calls(&world, &held[1].access, 100), join_all(strangers.chunks(60).map(flood)));

    println!("slowest of 99 in 100: {calm:?} in calm, {storm:?} under 480 strangers");
    assert!(storm < calm * 10 + Duration::from_millis(250), "{calm:?} in calm, {storm:?} in the flood");
    assert_eq!(knocks.load(Ordering::Relaxed), 0, "nobody was asked for a key");
    assert!(agent(&world, "alpha").exchange(&held[0].access, "notes").await.is_ok());
}

/// A provider whose ID tokens name a key it does not publish: its keys are asked for again, though not each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t32_a_providers_keys_are_not_fetched_for_every_stranger() {
    let provider = IdentityProvider::lying(Lie::ForeignKey, Member::new("u-1", "ada", &["dev"])).await;
    let world = bailiwick_e2e::probe::login::house(&provider, &[]).await;
    let begun = Instant::now();

    for _ in 0..12 {
        let mut visitor = Visitor::new(&world.base);
        if let Some(back) = bailiwick_e2e::probe::login::answer(&world, &mut visitor).await {
            let seen = visitor.once(Method::GET, &back, None).await;
            assert!(seen.location.is_none(), "nobody gets in");
        }
    }

    let intervals = usize::try_from(begun.elapsed().as_secs()).unwrap() / 10 + 1;
    assert!(provider.keys_fetched() <= 1 + intervals, "{} fetches", provider.keys_fetched());
}

/// What is too long, too deep or too much is refused while it is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t32_requests_are_read_within_bounds() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, "", &LINE).start();
    let held = along(&world, &["alpha"], ALL).await;
    let alpha = agent(&world, "alpha");
    let front = &held[0].access;
    let deep = format!("{}{}", "[".repeat(15_000), "]".repeat(15_000));
    let wide = format!("[{}]", vec![r#"{"type":"mcp_tools","locations":[],"tools":[]}"#; 1_000].join(","));
    let scopes = (0..5_000).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
    let (long, junk) = ("a".repeat(60_000), format!("{front}{}", "A".repeat(30_000)));
    let before = calls(&world, &held[1].access, 20).await;

    let begun = Instant::now();
    for more in [
        [("authorization_details", deep.as_str())],
        [("authorization_details", &wide)],
        [("scope", &scopes)],
        [("audience", &long)],
        [("resource", &long)],
        [("subject_token", &junk)],
        [("actor_token", &long)],
        [("requested_token_type", &long)],
    ] {
        let (name, value) = more[0];
        let says = alpha.exchange_with(front, "notes", &more).await.expect_err(name);
        let known =
            ["invalid_request", "invalid_grant", "invalid_scope", "invalid_target", "invalid_authorization_details"];
        assert!(known.iter().any(|error| says["error"] == *error), "{name} of {}: {says}", value.len());
    }
    let huge = "x".repeat(1 << 20);
    assert!(alpha.exchange_with(front, "notes", &[("noise", &huge)]).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());

    let answer = Mcp::new(&world.url("/mcp/notes"), Some(&junk)).begin().await;
    assert!(answer.status == 401 || answer.status == 431, "{}", answer.status);
    assert!(call(&world, &held[1].access, "look").await.is_result(), "{before:?}");
}
