//! People's own accounts at a provider that rotates refresh tokens, used by two processes on one PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::ids::UserId;
use bailiwick_domain::seal::MasterKey;
use bailiwick_domain::time::{Clock as _, Timestamp};
use bailiwick_e2e::account_provider::{AccountProvider, Mood};
use bailiwick_e2e::forge::{Dice, Now};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::world::{free_port, fresh_database};
use bailiwick_e2e::{App, Mcp, Setup, World};
use bailiwick_store::{ConnectionKey, ConnectionState, ConnectionView, Database, Settings, Store};
use serde_json::json;
use sqlx::{Connection as _, Executor as _};
use tempfile::TempDir;

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";

/// Two processes that are one house, and a look into their database.
struct Pair {
    url: String,
    pot: Honeypot,
    provider: AccountProvider,
    worlds: Vec<World>,
    /// What both are called.
    host: String,
    store: Store,
    alice: UserId,
    token: String,
}

impl Pair {
    async fn start() -> Option<Self> {
        let url = fresh_database().await?;
        let (pot, provider) = (Honeypot::start().await, AccountProvider::start().await);
        let ports = [free_port(), free_port()];
        let base = format!("http://localhost:{}", ports[0]);
        let text = format!(
            "database = \"{url}\"\nkey = {{ env = \"BW_KEY\" }}\n[server.crm]\nupstream = \"{}\"\ncredential = {}\n",
            pot.url,
            provider.credential()
        );
        let setup = Setup::config(text).env("BW_KEY", KEY).approving("alice").arg("--public-url").arg(&base);
        let start = |port| setup.clone().on(Arc::new(TempDir::new().unwrap()), port).start();
        let worlds: Vec<World> = ports.into_iter().map(start).collect();
        let token = App::register_for(&base, &format!("{base}/mcp/crm")).await.tokens("crm:read").await.access;
        let store = Store::open(Settings {
            database: Database::Postgres(url.clone()),
            master: MasterKey::parse(KEY).unwrap(),
            entropy: Arc::new(Dice),
            clock: Arc::new(Now),
            staleness: Duration::from_secs(5),
        });
        let store = store.await.unwrap();
        let alice = store.user_by_name("alice").await.unwrap().unwrap().id;
        let host = base.trim_start_matches("http://").to_owned();
        Some(Self { url, pot, provider, worlds, host, store, alice, token })
    }

    async fn connect(&self, expires_at: Timestamp) -> String {
        self.provider.connect(&self.store, &self.alice, expires_at).await
    }

    /// Alice's client at one of the two; the door knows both by one name.
    async fn client(&self, which: usize) -> Mcp {
        let url = format!("http://127.0.0.1:{}/mcp/crm", self.worlds[which].port());
        let mut client = Mcp::new(&url, Some(&self.token)).header("host", &self.host);
        client.begin().await;
        client
    }

    async fn view(&self) -> ConnectionView {
        self.store.connections(&self.alice).await.unwrap().remove(0)
    }

    async fn secret(&self) -> String {
        let key = ConnectionKey { user: self.alice.clone(), provider: "crm".to_owned() };
        self.store.connection(&key).await.unwrap().unwrap().secret.to_string()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_calls_on_an_expired_token_in_two_processes_are_one_refresh() {
    let Some(pair) = Pair::start().await else { return };
    pair.provider.is_now(Mood::Honest(Duration::from_millis(300)));
    let clients = [pair.client(0).await, pair.client(1).await];
    for round in 1..=3 {
        let old = pair.connect(Now.now()).await;
        let calls = (0..50).map(|n| {
            let client = clients[n % 2].clone();
            tokio::spawn(async move { client.call("look", json!({})).await })
        });
        let calls: Vec<_> = calls.collect();
        for call in calls {
            let answer = call.await.unwrap();
            assert!(answer.is_result(), "{} {}", answer.status, answer.text);
        }

        assert_eq!(pair.provider.refreshes(), (round, 0), "one refresh a round, and no token twice");
        assert!(!pair.pot.shown().contains(&old), "what expired was shown to nobody");
    }
    assert_eq!(pair.pot.calls(), 150);
    assert_eq!(pair.view().await.state, ConnectionState::Fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_the_answer_and_the_commit_nothing_is_lost_in_silence() {
    let Some(mut pair) = Pair::start().await else { return };
    let client = pair.client(0).await;
    pair.connect(Now.now()).await;
    pair.provider.is_now(Mood::Honest(Duration::from_millis(500)));
    let call = tokio::spawn(async move { client.call("look", json!({})).await });
    pair.provider.asked().await;
    // The row says that a refresh is under way; from here on nothing of the first process is committed any more.
    assert_eq!(pair.view().await.state, ConnectionState::Refreshing);
    let mut wall = sqlx::PgConnection::connect(&pair.url).await.unwrap();
    wall.execute("BEGIN; LOCK TABLE connections IN EXCLUSIVE MODE").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    drop(pair.worlds.remove(0).kill());
    call.abort();
    wall.close().await.unwrap();

    // The one that lives must not show the provider what it has seen.
    let client = pair.client(0).await;
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_secs(40) && pair.view().await.state == ConnectionState::Refreshing {
        assert!(!client.call("look", json!({})).await.is_result());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    let view = pair.view().await;
    assert_eq!(view.state, ConnectionState::NeedsReconnect, "it is visible");
    assert!(view.trouble.unwrap().contains("cut off"), "{}", pair.secret().await);
    assert_eq!(pair.provider.refreshes(), (1, 0), "a provider that rotates sees no token twice");
}
