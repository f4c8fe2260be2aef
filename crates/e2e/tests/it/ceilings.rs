//! Who may hold what, told over several processes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::seal::MasterKey;
use bailiwick_domain::time::Clock as _;
use bailiwick_e2e::forge::{Dice, Now};
use bailiwick_e2e::{App, Mcp, Setup, Visitor, World};
use bailiwick_store::{Database, Settings, Store};
use http::StatusCode;
use serde_json::json;

use crate::reload::{recorded, until, write};

/// A second process on the database of `world`.
async fn beside(world: &World, url: &str) -> Store {
    let key = std::fs::read_to_string(world.data().join("master.key")).unwrap();
    let settings = Settings {
        database: Database::Postgres(url.to_owned()),
        master: MasterKey::parse(&key).unwrap(),
        entropy: Arc::new(Dice),
        clock: Arc::new(Now),
        staleness: Duration::from_secs(5),
    };
    Store::open(settings).await.unwrap()
}

async fn set_groups(store: &Store, groups: &[&str]) {
    let alice = store.user_by_name("alice").await.unwrap().unwrap();
    let groups = groups.iter().map(|&group| group.to_owned()).collect();
    assert!(store.set_groups(&alice.id, groups, AuditEvent::new(AuditKind::UserChanged, Now.now())).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_given_and_taken_in_one_process_counts_in_another() {
    let Some(url) = bailiwick_e2e::world::fresh_database().await else { return };
    let config = format!(
        "database = \"{url}\"\n[server.notes]\ncommand = [\"{}\", \"demo-server\"]\nallow = {{ \"notes:write\" = [\"group:dev\"] }}\n",
        bailiwick_e2e::world::binary().display()
    );
    let world = Setup::config(config).approving("alice").start();
    let app = App::register_for(&world.base, &world.url("/mcp/notes")).await;
    assert_eq!(app.tokens("notes:read notes:write").await.claims()["scope"], "notes:read");
    let other = beside(&world, &url).await;
    set_groups(&other, &["dev"]).await;
    let tokens = app.tokens("notes:read notes:write").await;
    assert_eq!(tokens.claims()["scope"], "notes:read notes:write");
    let mut client = Mcp::new(&world.url("/mcp/notes"), Some(&tokens.access));
    client.begin().await;
    let add = || client.call("add_note", json!({ "title": "x", "text": "y" }));
    let begun = Instant::now();
    while !add().await.is_result() {
        assert!(begun.elapsed() < Duration::from_secs(3), "the group was not heard of");
    }

    set_groups(&other, &[]).await;

    let begun = Instant::now();
    let refused = loop {
        let answer = add().await;
        if !answer.is_result() {
            break answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(3), "the group was still believed in");
    };
    assert_eq!(refused.rule(), Some("allow:notes:write"), "{}", refused.text);
    let next = app.refresh(tokens.refresh.as_deref().unwrap()).await.unwrap();
    assert_eq!(next.claims()["scope"], "notes:read");
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_changes_while_it_runs_decides_the_next_call_and_says_so() {
    let start =
        format!("[server.notes]\ncommand = [\"{}\", \"demo-server\"]\n", bailiwick_e2e::world::binary().display());
    let world = Setup::config(start.clone()).approving("alice").start();
    let app = App::register_for(&world.base, &world.url("/mcp/notes")).await;
    let tokens = app.tokens("notes:read notes:write").await;
    assert_eq!(tokens.claims()["scope"], "notes:read notes:write");
    let mut client = Mcp::new(&world.url("/mcp/notes"), Some(&tokens.access));
    client.begin().await;
    let add = || client.call("add_note", json!({ "title": "x", "text": "y" }));
    assert!(add().await.is_result());

    write(&world, &format!("{start}allow = {{ \"notes:write\" = [\"user:bob\"] }}\n"));
    until("the call is refused", async || !add().await.is_result()).await;

    let refused = add().await;
    assert_eq!(refused.rule(), Some("allow:notes:write"), "{}", refused.text);
    assert!(
        refused.text.contains("this account may not, or no longer, hold the scope notes:write"),
        "{}",
        refused.text
    );
    assert!(client.call("list_notes", json!({})).await.is_result(), "the session goes on with what is left");
    assert_eq!(app.tokens("notes:read notes:write").await.claims()["scope"], "notes:read", "nor by consent");
    until("it is on record", async || recorded(&world, "servers changed: notes") == 1).await;

    write(&world, &format!("{start}allow = {{ \"notes:write\" = [\"user:bob\", \"user:alice\"] }}\n"));
    until("and is let through when she is named", async || add().await.is_result()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_leaves_the_first_account_to_be_made() {
    let world = Setup::sample().approving("alice").start();
    App::register(&world.base).await.tokens("mcp:read").await;
    let ended = world.stop();
    let world = Setup::sample().after(&ended).start();
    let mut bob = Visitor::new(&world.base);

    let account = bob.set_up(&world.setup_link(), "bob", "correct horse battery").await;

    assert_eq!(account.status, StatusCode::OK, "{}", account.body);
    assert!(account.url.ends_with("/account") && account.body.contains("bob"), "{}", account.body);
}

#[test]
fn a_list_for_a_scope_that_is_not_there_is_refused() {
    let said =
        Setup::config("[server.notes]\nupstream = \"http://127.0.0.1:1/mcp\"\nallow = { \"notes:wriet\" = [] }\n");

    let said = said.refused();

    assert!(said.contains("server.notes.allow: \"notes:wriet\" is not a scope of this server"), "{said}");
}
