//! Two processes on one PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::{App, Mcp, Setup, World};
use http::StatusCode;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::operators::administer;

/// A master key that both replicas are given.
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";

/// Hands each connection to the next of its backends; one that refuses is passed over.
struct Balancer {
    base: String,
    handed: Arc<AtomicUsize>,
}

impl Balancer {
    fn start(backends: Arc<Vec<u16>>, listener: TcpListener) -> Self {
        let base = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let handed = Arc::new(AtomicUsize::new(0));
        let turn = Arc::clone(&handed);
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (backends, turn) = (Arc::clone(&backends), Arc::clone(&turn));
                tokio::spawn(async move { hand_on(&mut client, &backends, &turn).await });
            }
        });
        Self { base, handed }
    }
}

/// Carries one connection to whoever takes it.
async fn hand_on(client: &mut TcpStream, backends: &[u16], turn: &AtomicUsize) {
    if let Some(mut backend) = pick(backends, turn).await {
        let _ = tokio::io::copy_bidirectional(client, &mut backend).await;
    }
}

async fn pick(backends: &[u16], turn: &AtomicUsize) -> Option<TcpStream> {
    let first = turn.fetch_add(1, Ordering::Relaxed);
    for next in 0..backends.len() {
        let port = backends[(first + next) % backends.len()];
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await {
            return Some(stream);
        }
    }
    None
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Two replicas behind a balancer, in front of a server that keeps nothing.
struct Pair {
    setup: Setup,
    ports: Arc<Vec<u16>>,
    balancer: Balancer,
    _pot: Honeypot,
}

impl Pair {
    async fn prepare() -> Option<Self> {
        let url = bailiwick_e2e::world::fresh_database().await?;
        let pot = Honeypot::start().await;
        let text =
            format!("database = \"{url}\"\nkey = {{ env = \"BW_KEY\" }}\n[server.pot]\nupstream = \"{}\"\n", pot.url);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ports = Arc::new(vec![free_port(), free_port()]);
        let balancer = Balancer::start(Arc::clone(&ports), listener);
        let setup = Setup::config(text).env("BW_KEY", KEY).approving("alice").arg("--public-url").arg(&balancer.base);
        Some(Self { setup, ports, balancer, _pot: pot })
    }

    fn start(&self, which: usize) -> World {
        self.setup.clone().on(Arc::new(tempfile::TempDir::new().unwrap()), self.ports[which]).start()
    }

    fn mcp(&self) -> String {
        format!("{}/mcp/pot", self.balancer.base)
    }

    /// The same server, asked at one replica; the door knows it by the name of the pair.
    fn at(&self, which: usize, token: &str) -> Mcp {
        let host = self.balancer.base.trim_start_matches("http://");
        Mcp::new(&format!("http://127.0.0.1:{}/mcp/pot", self.ports[which]), Some(token)).header("host", host)
    }
}

/// What every process hears of within the staleness it promises.
async fn until(client: &Mcp, status: StatusCode) {
    for _ in 0..50 {
        if client.call("look", json!({})).await.status == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never {status}: {}", client.call("look", json!({})).await.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_replica_ends_the_other_refuses() {
    let Some(pair) = Pair::prepare().await else { return };
    let (one, two) = (pair.start(0), pair.start(1));
    let app = App::register_for(&pair.balancer.base, &pair.mcp()).await;
    let tokens = app.tokens("pot:read").await;
    let there = pair.at(1, &tokens.access);
    until(&there, StatusCode::OK).await;

    administer(one.data(), &["clients", "disable", "Probe"]).unwrap();
    until(&there, StatusCode::UNAUTHORIZED).await;
    administer(two.data(), &["clients", "enable", "Probe"]).unwrap();
    until(&pair.at(0, &tokens.access), StatusCode::OK).await;
    assert_eq!(app.revoke(tokens.refresh.as_deref().unwrap()).await, StatusCode::OK);
    until(&pair.at(0, &tokens.access), StatusCode::UNAUTHORIZED).await;
    until(&there, StatusCode::UNAUTHORIZED).await;

    let tokens = app.tokens("pot:read").await;
    let there = pair.at(1, &tokens.access);
    until(&there, StatusCode::OK).await;
    administer(one.data(), &["users", "disable", "alice"]).unwrap();
    until(&there, StatusCode::UNAUTHORIZED).await;
    assert_eq!(app.refresh(tokens.refresh.as_deref().unwrap()).await.unwrap_err()["error"], "invalid_grant");
}

/// Waits for some more calls.
async fn go_on(calls: &AtomicUsize) {
    let before = calls.load(Ordering::Relaxed);
    for _ in 0..200 {
        if calls.load(Ordering::Relaxed) >= before + 20 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("calls do not go on");
}

/// Calls until told to stop; what failed.
async fn call_on(client: &Mcp, stop: &AtomicBool, calls: &AtomicUsize) -> Vec<String> {
    let mut failed = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let answer = client.call("look", json!({})).await;
        calls.fetch_add(1, Ordering::Relaxed);
        if !answer.is_result() {
            failed.push(format!("{} {}", answer.status, answer.text));
        }
    }
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_restarted_in_turn_under_load_and_no_call_fails() {
    const CALLERS: usize = 4;
    let Some(pair) = Pair::prepare().await else { return };
    let mut worlds = vec![pair.start(0), pair.start(1)];
    let app = App::register_for(&pair.balancer.base, &pair.mcp()).await;
    let tokens = app.tokens("pot:read").await;
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (stop, calls) = (Arc::clone(&stop), Arc::clone(&calls));
            // Each call is a connection of its own, so that each is somebody's turn.
            let client = Mcp::new(&pair.mcp(), Some(&tokens.access)).header("connection", "close");
            tokio::spawn(async move { call_on(&client, &stop, &calls).await })
        })
        .collect();

    for which in [0, 1] {
        go_on(&calls).await;
        let former = worlds.remove(0);
        tokio::task::spawn_blocking(move || former.stop()).await.unwrap();
        go_on(&calls).await;
        let setup = pair.setup.clone();
        let port = pair.ports[which];
        let start = move || setup.on(Arc::new(tempfile::TempDir::new().unwrap()), port).start();
        worlds.push(tokio::task::spawn_blocking(start).await.unwrap());
    }
    go_on(&calls).await;
    stop.store(true, Ordering::Relaxed);

    let mut failed = Vec::new();
    for caller in callers {
        failed.extend(caller.await.unwrap());
    }
    let calls = calls.load(Ordering::Relaxed);
    assert!(failed.is_empty(), "{} of {calls} calls failed: {failed:?}", failed.len());
    assert!(pair.balancer.handed.load(Ordering::Relaxed) >= calls, "every call was handed on");
    println!("{calls} calls, two restarts, 0 failed");
}
