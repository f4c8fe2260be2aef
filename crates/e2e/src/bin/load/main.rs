//! Load on one house, side by side in one run: tokens per second with durable writes, and what the gateway and its broker
//! add to a call. Loopback only, bounded in count. Usage: `load tokens|calls|exchange|broker [--full]`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a measuring tool"
)]

mod broker;
mod crowd;
mod exchange;

use std::future::Future;
use std::time::{Duration, Instant};

use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::{App, Mcp, Setup, World};
use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::json;

const AT_ONCE: usize = 32;

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let count = if words.iter().any(|word| word == "--full") { 20_000 } else { 2_000 };
    match words.first().map(String::as_str) {
        Some("tokens") => tokens(count).await,
        Some("calls") => calls(count).await,
        Some("exchange") => exchange::exchange(count).await,
        Some("broker") => broker::broker(count).await,
        _ => {
            eprintln!("usage: load tokens|calls|exchange|broker [--full]");
            std::process::exit(2);
        }
    }
}

/// Runs `count` jobs, `AT_ONCE` at a time, and prints rate and latencies.
async fn measure<F: Future<Output = ()>>(what: &str, count: usize, job: impl Fn(usize) -> F) {
    let begun = Instant::now();
    let mut times: Vec<Duration> = stream::iter(0..count)
        .map(|n| {
            let job = job(n);
            async move {
                let begun = Instant::now();
                job.await;
                begun.elapsed()
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    times.sort();
    let (p50, p99) = (percentile(&times, 50), percentile(&times, 99));
    println!("{what:<44} {rate:>9.0}/s   p50 {p50:>7.2} ms   p99 {p99:>7.2} ms");
}

/// Of sorted times, in milliseconds.
fn percentile(times: &[Duration], percent: usize) -> f64 {
    times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0
}

async fn tokens(count: usize) {
    let world = Setup::config(
        "[client.load]\ngrant_types = [\"client_credentials\"]\nclient_secret = { env = \"LOAD_SECRET\" }\nscope = \"mcp:read\"\ntoken_endpoint_auth_method = \"client_secret_post\"\n",
    )
    .env("LOAD_SECRET", "load-secret-of-this-run")
    .approving("alice")
    .start();
    let app = App::register(&world.base).await;
    let machine = [
        ("grant_type", "client_credentials"),
        ("client_id", "load"),
        ("client_secret", "load-secret-of-this-run"),
        ("scope", "mcp:read"),
        ("resource", app.resource.as_str()),
    ];
    measure("client_credentials (row, audit, signature)", count, |_| async {
        app.token(&machine).await.expect("a token");
    })
    .await;
    let mut codes = Vec::new();
    for _ in 0..count / 4 {
        codes.push(app.code("mcp:read").await);
        if codes.len().is_multiple_of(AT_ONCE) {
            redeem(&app, &mut codes).await;
        }
    }
    let chains: Vec<_> = futures_util::future::join_all((0..AT_ONCE).map(|_| app.tokens("mcp:read"))).await;
    let steps = count / AT_ONCE;
    measure("a chain of refreshes (of 32 at once)", AT_ONCE, |n| {
        let (app, mut refresh) = (app.clone(), chains[n].refresh.clone().unwrap());
        async move {
            for _ in 0..steps {
                refresh = app.refresh(&refresh).await.expect("a refresh").refresh.unwrap();
            }
        }
    })
    .await;
    println!("{:<44} each chain is {steps} refreshes in a row", "");
}

/// Redeems what has been gathered before the codes run out.
async fn redeem(app: &App, codes: &mut Vec<String>) {
    let batch = std::mem::take(codes);
    measure("code to tokens", batch.len(), |n| {
        let code = batch[n].clone();
        async move {
            app.redeem(&code).await.expect("tokens");
        }
    })
    .await;
}

async fn calls(count: usize) {
    let upstream = Honeypot::start().await;
    let world: World = Setup::upstream(&upstream.url).approving("alice").start();
    let token = App::register(&world.base).await.tokens("mcp:read mcp:write").await.access;
    let direct = Mcp::new(&upstream.url, None);
    let mut through = Mcp::new(&world.mcp(), Some(&token));
    through.begin().await;
    for round in 1..=3 {
        measure(&format!("direct call, round {round}"), count, |_| async {
            assert!(direct.call("look", json!({})).await.is_result());
        })
        .await;
        measure(&format!("through the gateway (read), round {round}"), count, |_| async {
            assert!(through.call("look", json!({})).await.is_result());
        })
        .await;
        measure(&format!("through the gateway (write, audited), round {round}"), count, |_| async {
            assert!(through.call("change", json!({})).await.is_result());
        })
        .await;
    }
}
