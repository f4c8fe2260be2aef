//! The vault over its life: keys of its own, rotated while it runs, backed up and restored elsewhere.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::UserId;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::seal::MasterKey;
use bailiwick_domain::time::Clock as _;
use bailiwick_e2e::account_provider::AccountProvider;
use bailiwick_e2e::forge::{Dice, Now, open_data};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::{App, Mcp, Setup};
use bailiwick_store::{ConnectionKey, LocalKeys, NewConnection};
use serde_json::json;
use tempfile::TempDir;

use crate::operators::{administer, administer_json};
use crate::reload::{until, write};

const CANARY: &str = "canary-refresh-token-4711";

fn somebody() -> ConnectionKey {
    ConnectionKey { user: UserId::from_stored("us_ada"), provider: "crm".to_owned() }
}

fn key(path: &Path) -> MasterKey {
    MasterKey::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A file with a new key.
fn new_key(shelf: &TempDir, name: &str) -> std::path::PathBuf {
    let path = shelf.path().join(name);
    std::fs::write(&path, MasterKey::draw(&Dice).expose().as_bytes()).unwrap();
    path
}

/// Keeps a connection in the data of a process that ended, under the key its master key leads to.
async fn seed(data: &Path) {
    let store = open_data(data).await;
    let new = NewConnection {
        key: somebody(),
        client: "us".to_owned(),
        scope: ScopeSet::default(),
        account: None,
        secret: CANARY.to_owned().into(),
        expires_at: None,
        rotates: true,
    };
    store.connect(new, AuditEvent::new(AuditKind::ConnectionMade, Now.now())).await.unwrap();
    store.close().await;
}

/// What the vault under that key opens there.
async fn opened(data: &Path, vault: &Path) -> String {
    let store = open_data(data).await;
    store.use_keys(Arc::new(LocalKeys::new(&key(vault), &[], Arc::new(Dice)))).await.unwrap();
    let connection = store.connection(&somebody()).await.unwrap().unwrap();
    store.close().await;
    connection.secret.to_string()
}

fn config(key: &Path, former: &[&Path]) -> String {
    let former: Vec<_> = former.iter().map(|path| format!("{{ file = {:?} }}", path.display())).collect();
    format!("staleness = 5\n[vault]\nkey = {{ file = {:?} }}\nformer = [{}]\n", key.display(), former.join(", "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_rotated_while_it_runs_and_a_backup_opens_only_with_them() {
    let shelf = TempDir::new().unwrap();
    let (first, second) = (new_key(&shelf, "first.key"), new_key(&shelf, "second.key"));
    let ended = Setup::sample().start().stop();
    seed(ended.data()).await;

    // From the derived key to one of its own, and on to the next.
    let world = Setup::config(config(&first, &[])).after(&ended).start();
    assert_eq!(administer_json(world.data(), &["keys", "rotate-vault"])["moved"], 1);
    write(&world, &config(&second, &[]));
    until("a file that leaves out a needed key is refused", async || world.log().contains("is not configured")).await;
    write(&world, &config(&second, &[&first]));
    until("the new key is taken over", async || {
        administer_json(world.data(), &["config", "show"]).to_string().contains("second.key")
    })
    .await;
    let told = administer(world.data(), &["keys", "rotate-vault"]).unwrap();
    assert!(told.starts_with("1 records put under the current key.") && told.contains("may be emptied"), "{told}");
    assert_eq!(administer_json(world.data(), &["keys", "rotate-vault"])["moved"], 0);

    let file = shelf.path().join("bailiwick.backup");
    administer(world.data(), &["backup", file.to_str().unwrap()]).unwrap();
    std::fs::copy(world.data().join("master.key"), shelf.path().join("master.key")).unwrap();
    let archive = std::fs::read(&file).unwrap();
    for secret in [CANARY.as_bytes(), key(&second).expose().as_bytes()] {
        assert!(!archive.windows(secret.len()).any(|window| window == secret), "a secret lies open in the backup");
    }
    drop(world.kill());

    let elsewhere = Arc::new(TempDir::new().unwrap());
    std::fs::copy(shelf.path().join("master.key"), elsewhere.path().join("master.key")).unwrap();
    let file = file.to_str().unwrap();
    for (text, what) in [(String::new(), "no vault key"), (config(&first, &[]), "the one before")] {
        let path = shelf.path().join("bailiwick.toml");
        std::fs::write(&path, text).unwrap();
        let words = ["restore", file, "--config", path.to_str().unwrap()];
        let refused = administer(elsewhere.path(), &words).unwrap_err();
        assert!(refused.contains("nothing was restored: the vault holds records under a key"), "{what}: {refused}");
        assert!(!elsewhere.path().join("bailiwick.db").exists());
    }
    let path = shelf.path().join("bailiwick.toml");
    std::fs::write(&path, config(&second, &[])).unwrap();
    administer(elsewhere.path(), &["restore", file, "--config", path.to_str().unwrap()]).unwrap();

    assert_eq!(opened(elsewhere.path(), &second).await, CANARY);
    let refused = Setup::config(config(&first, &[])).on(elsewhere, 0).refused();
    assert!(refused.contains("name it as `vault.key`, or among `vault.former`"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_lost_disk_an_account_that_was_connected_still_opens_its_tool() {
    let shelf = TempDir::new().unwrap();
    let (behind, provider) = (Honeypot::start().await, AccountProvider::start().await);
    let vault = new_key(&shelf, "vault.key");
    let server = format!("[server.crm]\nupstream = \"{}\"\ncredential = {}\n", behind.url, provider.credential());
    let text = format!("{}{server}", config(&vault, &[]));
    let setup = Setup::config(text.clone()).approving("alice");
    let world = setup.clone().start();
    let token = App::register_for(&world.base, &world.url("/mcp/crm")).await.tokens("crm:read").await.access;
    let ended = world.stop();
    let store = open_data(ended.data()).await;
    store.use_keys(Arc::new(LocalKeys::new(&key(&vault), &[], Arc::new(Dice)))).await.unwrap();
    let alice = store.user_by_name("alice").await.unwrap().unwrap().id;
    let hers = provider.connect(&store, (&alice, &behind.url), Now.now().after(Duration::from_hours(1))).await;
    store.close().await;
    let world = setup.clone().after(&ended).start();
    assert!(Mcp::new(&world.url("/mcp/crm"), Some(&token)).call("look", json!({})).await.is_result());
    let file = shelf.path().join("bailiwick.backup");
    administer(world.data(), &["backup", file.to_str().unwrap()]).unwrap();
    let elsewhere = Arc::new(TempDir::new().unwrap());
    std::fs::copy(world.data().join("master.key"), elsewhere.path().join("master.key")).unwrap();
    let port = world.kill().port();
    let before = behind.shown().len();

    let path = shelf.path().join("bailiwick.toml");
    std::fs::write(&path, text).unwrap();
    let words = ["restore", file.to_str().unwrap(), "--config", path.to_str().unwrap()];
    administer(elsewhere.path(), &words).unwrap();
    let world = setup.on(elsewhere, port).start();

    let answer = Mcp::new(&world.url("/mcp/crm"), Some(&token)).call("look", json!({})).await;
    assert!(answer.is_result(), "{} {}", answer.status, answer.text);
    assert_eq!(behind.shown()[before..].last(), Some(&hers));
}
