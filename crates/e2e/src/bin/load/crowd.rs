//! Many people with a key each: calls per second when the vault is read for each, then when it all lies open, and what
//! that takes of memory.

use std::collections::BTreeSet;

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::{GrantId, TokenId, UserId};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Clock as _;
use bailiwick_e2e::account_provider::shown_at;
use bailiwick_e2e::forge::{Dice, Forger, Now, open_store};
use bailiwick_e2e::handing::robbed;
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::world::Ended;
use bailiwick_e2e::{App, Mcp, Setup, World};
use bailiwick_store::{ConnectionKey, NO_PASSWORD, NewConnection, NewUser, Store};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::{AT_ONCE, measure};

/// Keeps a key for that person, in the words in which the broker does.
pub(crate) async fn keep_key(store: &Store, user: &UserId, (provider, upstream): (&str, &str)) {
    let key = json!({ "kind": "key", "key": format!("the key of {user}"), "to": shown_at(upstream) });
    keep(store, user, provider, key).await;
}

/// Keeps what never ends for that person.
pub(crate) async fn keep(store: &Store, user: &UserId, provider: &str, secret: Value) {
    let new = NewConnection {
        key: ConnectionKey { user: user.clone(), provider: provider.to_owned() },
        client: String::new(),
        scope: ScopeSet::default(),
        account: None,
        secret: secret.to_string().into(),
        expires_at: None,
        rotates: false,
    };
    let event = AuditEvent::new(AuditKind::ConnectionMade, Now.now()).user(user);
    store.connect(new, event).await.unwrap();
}

/// Gives accounts to that many people, and a key to each.
async fn settle(ended: &Ended, upstream: &str, count: usize) -> Vec<UserId> {
    let store = open_store(ended).await;
    let people = stream::iter(0..count)
        .map(|n| {
            let store = store.clone();
            async move {
                let (id, now) = (UserId::draw(&Dice), Now.now());
                let user = NewUser::new(id.clone(), format!("person-{n}"), NO_PASSWORD.to_owned(), now);
                let event = AuditEvent::new(AuditKind::UserCreated, now).user(&id);
                assert!(store.create_user(user, event).await.unwrap(), "the name was taken");
                keep_key(&store, &id, ("crm", upstream)).await;
                id
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    store.close().await;
    people
}

/// A client for each, with a token as the house would have given it.
fn clients(people: &[UserId], like: &Value, thief: &Forger, resource: &str) -> Vec<Mcp> {
    let any = Mcp::new(resource, None);
    let client = |user: &UserId| {
        let mut claims = like.clone();
        claims["sub"] = json!(user);
        claims["jti"] = json!(TokenId::draw(&Dice));
        claims["dlg"]["gid"] = json!(GrantId::draw(&Dice));
        // The clients share their connections.
        let mut client = any.clone();
        client.token = Some(thief.sign("at+jwt", &claims));
        client
    };
    people.iter().map(client).collect()
}

/// Calls of these clients in turn.
async fn call(what: &str, count: usize, clients: &[Mcp]) {
    measure(what, count, |n| async move {
        let answer = clients[n % clients.len()].call("look", json!({})).await;
        assert!(answer.is_result(), "{} {}", answer.status, answer.text);
    })
    .await;
}

/// Resident memory of the house, in KiB.
fn resident(world: &World) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.process())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Measures a crowd of `count`.
pub(crate) async fn crowd(count: usize) {
    let upstream = Honeypot::start().await;
    let setup = Setup::config(format!(
        "[server.crm]\nupstream = \"{}\"\ndiscovery = {{ kind = \"none\" }}\n\
         credential = {{ kind = \"api_key\", header = \"x-api-key\", per = \"user\" }}\n",
        upstream.url
    ))
    .approving("alice");
    let (ended, thief) = robbed(&setup).await;
    let people = settle(&ended, &upstream.url, count + 1).await;
    let world = setup.after(&ended).start();
    let app = App::register_for(&world.base, &world.url("/mcp/crm")).await;
    let like = app.tokens("crm:read").await.claims();
    let all = clients(&people, &like, &thief, &app.resource);
    let (first, crowd) = all.split_at(1);

    // So that connections and buffers are there before anything is weighed.
    call("one person, again and again", 2_000, first).await;
    upstream.forget();
    let before = resident(&world);
    call(&format!("{count} people, a first call each"), count, crowd).await;
    let headers = upstream.headers();
    let keys: BTreeSet<_> = headers.iter().filter(|(name, _)| name == "x-api-key").collect();
    assert_eq!(keys.len(), count, "each came with a key of their own");
    let opened = resident(&world);
    call(&format!("{count} people, two more calls each"), 2 * count, crowd).await;
    let after = resident(&world);

    let each = |now: i64| (now - before) as f64 / count as f64;
    println!("{:<44} {before} KiB before, {opened} KiB after the first calls, {after} KiB at the end", "memory");
    println!(
        "{:<44} {:.2} KiB after the first call, {:.2} KiB at the end",
        "memory per user",
        each(opened),
        each(after)
    );
}
