//! Connections: kept, found, ended; and one refresh of each at a time.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{
    Change, ChangeKind, ConnectionKey, ConnectionState, Failure, Lease, NewConnection, ProviderClient, RefreshLease,
    Renewal, Store,
};
use zeroize::Zeroizing;

use crate::world::{Dice, World, event, race};

on_every_engine![
    a_connection_is_kept_listed_and_ended,
    every_process_hears_of_a_change,
    of_fifty_who_would_refresh_one_does,
    who_died_over_a_refresh_leaves_it_to_the_person_where_the_token_may_be_spent,
    what_can_be_tried_again_waits_its_time,
    what_comes_late_never_writes_over_what_is_new,
    a_provider_registers_once,
];

pub const LEASE: Duration = Duration::from_secs(30);

pub fn key(user: &UserId, provider: &str) -> ConnectionKey {
    ConnectionKey { user: user.clone(), provider: provider.to_owned() }
}

pub fn somebody() -> ConnectionKey {
    key(&UserId::draw(&Dice), "crm")
}

pub fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

pub fn new(key: &ConnectionKey, text: &str, rotates: bool) -> NewConnection {
    NewConnection {
        key: key.clone(),
        client: "https://us.example/client.json".to_owned(),
        scope: ScopeSet::parse("crm.read").unwrap(),
        account: Some("ada@crm.example".to_owned()),
        secret: secret(text),
        expires_at: None,
        rotates,
    }
}

pub async fn connect(world: &World, store: &Store, key: &ConnectionKey, text: &str) -> i64 {
    store.connect(new(key, text, true), event(AuditKind::ConnectionMade, world.now())).await.unwrap()
}

pub async fn opened(store: &Store, key: &ConnectionKey) -> Option<String> {
    store.connection(key).await.unwrap().map(|connection| connection.secret.to_string())
}

async fn lease(world: &World, store: &Store, key: &ConnectionKey, generation: i64) -> Lease {
    store.lease_refresh(key, generation, world.now(), world.now().after(LEASE)).await.unwrap()
}

async fn taken(world: &World, store: &Store, key: &ConnectionKey, generation: i64) -> RefreshLease {
    let lease = lease(world, store, key, generation).await;
    let Lease::Taken(lease) = lease else { panic!("{lease:?}") };
    lease
}

pub async fn renew(now: Timestamp, store: &Store, lease: RefreshLease, text: &str) -> bool {
    let scope = ScopeSet::parse("crm.read").unwrap();
    let renewal = Renewal { secret: secret(text), scope, expires_at: Some(now.after(LEASE)), rotates: true };
    store.renew(&lease, renewal, event(AuditKind::ConnectionRefreshed, now)).await.unwrap()
}

async fn state(store: &Store, key: &ConnectionKey) -> ConnectionState {
    store.connections(&key.user).await.unwrap()[0].state
}

async fn a_connection_is_kept_listed_and_ended(world: &World) {
    let store = world.open().await;
    let (ada, grace) = (somebody(), somebody());
    let first = connect(world, &store, &ada, "one").await;
    connect(world, &store, &grace, "hers").await;

    let second = connect(world, &store, &ada, "two").await;

    assert_ne!(first, second);
    assert_eq!(opened(&store, &ada).await.as_deref(), Some("two"));
    let listed = store.connections(&ada.user).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].generation, listed[0].state), (second, ConnectionState::Fresh));
    assert_eq!(listed[0].account.as_deref(), Some("ada@crm.example"));
    assert!(store.disconnect(&ada, event(AuditKind::ConnectionEnded, world.now())).await.unwrap());
    assert!(!store.disconnect(&ada, event(AuditKind::ConnectionEnded, world.now())).await.unwrap());
    assert_eq!(opened(&store, &ada).await, None);
    assert_eq!(opened(&store, &grace).await.as_deref(), Some("hers"));
    assert_eq!(world.number("SELECT COUNT(*) FROM audit WHERE kind = 'connection_ended'").await, 1);
}

async fn every_process_hears_of_a_change(world: &World) {
    let [here, there] = world.open_two().await;
    let mut heard = there.revocations().subscribe();
    let ada = somebody();
    let told = Change { kind: ChangeKind::Connection, subject: format!("{} crm", ada.user) };

    let generation = connect(world, &here, &ada, "one").await;
    let lease = taken(world, &here, &ada, generation).await;
    renew(world.now(), &here, lease, "two").await;
    here.disconnect(&ada, event(AuditKind::ConnectionEnded, world.now())).await.unwrap();

    for _ in 0..3 {
        let change = tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
        assert_eq!(change, told);
    }
}

async fn of_fifty_who_would_refresh_one_does(world: &World) {
    let stores = world.open_two().await;
    let ada = somebody();
    for round in 0..5 {
        let generation = connect(world, &stores[0], &ada, "old").await;
        let (now, until) = (world.now(), world.now().after(LEASE));

        let ends = race(50, |n| {
            let (store, key) = (stores[n % 2].clone(), ada.clone());
            async move { store.lease_refresh(&key, generation, now, until).await.unwrap() }
        })
        .await;

        assert_eq!(state(&stores[1], &ada).await, ConnectionState::Refreshing);
        let busy = ends.iter().filter(|end| matches!(end, Lease::Busy(at) if *at == until)).count();
        assert_eq!(busy, 49, "round {round}: {ends:?}");
        let won = ends.into_iter().find_map(|end| if let Lease::Taken(lease) = end { Some(lease) } else { None });
        assert!(renew(world.now(), &stores[0], won.unwrap(), "new").await);
        assert!(matches!(lease(world, &stores[1], &ada, generation).await, Lease::Changed));
        assert_eq!(opened(&stores[1], &ada).await.as_deref(), Some("new"));
    }
}

async fn who_died_over_a_refresh_leaves_it_to_the_person_where_the_token_may_be_spent(world: &World) {
    let store = world.open().await;
    let (rotating, reusable) = (somebody(), somebody());
    let spent = connect(world, &store, &rotating, "old").await;
    let made = event(AuditKind::ConnectionMade, world.now());
    let kept = store.connect(new(&reusable, "old", false), made).await.unwrap();
    let late = taken(world, &store, &rotating, spent).await;
    let _dead = taken(world, &store, &reusable, kept).await;
    assert!(matches!(lease(world, &store, &reusable, kept).await, Lease::Busy(_)));

    world.pass(LEASE);

    assert!(matches!(lease(world, &store, &rotating, spent).await, Lease::Lost));
    assert!(matches!(lease(world, &store, &rotating, spent).await, Lease::Lost));
    assert_eq!(state(&store, &rotating).await, ConnectionState::NeedsReconnect);
    assert_eq!(world.number("SELECT COUNT(*) FROM audit WHERE kind = 'connection_lost'").await, 1);
    assert!(matches!(lease(world, &store, &reusable, kept).await, Lease::Taken(_)));
    assert!(renew(world.now(), &store, late, "not lost after all").await, "what the provider gave is worth more");
    assert_eq!(opened(&store, &rotating).await.as_deref(), Some("not lost after all"));
    assert_eq!(state(&store, &rotating).await, ConnectionState::Fresh);
}

async fn what_can_be_tried_again_waits_its_time(world: &World) {
    let store = world.open().await;
    let ada = somebody();
    let generation = connect(world, &store, &ada, "old").await;
    let first = taken(world, &store, &ada, generation).await;
    let again = world.now().after(Duration::from_secs(5));
    let fail = async |lease: RefreshLease, failure| {
        store.fail_refresh(&lease, failure, event(AuditKind::ConnectionLost, world.now())).await
    };

    assert!(fail(first, Failure::Retry("it says 503".to_owned(), again)).await.unwrap());
    assert!(matches!(lease(world, &store, &ada, generation).await, Lease::Later(at) if at == again));
    world.pass(Duration::from_secs(5));
    let second = taken(world, &store, &ada, generation).await;
    assert!(fail(second, Failure::Reconnect("invalid_grant".to_owned())).await.unwrap());

    assert!(matches!(lease(world, &store, &ada, generation).await, Lease::Lost));
    let listed = store.connections(&ada.user).await.unwrap();
    assert_eq!(listed[0].trouble.as_deref(), Some("invalid_grant"));
}

async fn what_comes_late_never_writes_over_what_is_new(world: &World) {
    let store = world.open().await;
    let ada = somebody();
    let old = connect(world, &store, &ada, "old").await;
    let (late, later) = (taken(world, &store, &ada, old).await, connect(world, &store, &ada, "new").await);

    assert!(!renew(world.now(), &store, late, "stale").await);
    let again = taken(world, &store, &ada, later).await;
    store.disconnect(&ada, event(AuditKind::ConnectionEnded, world.now())).await.unwrap();
    connect(world, &store, &ada, "newest").await;
    assert!(!renew(world.now(), &store, again, "staler").await);

    assert_eq!(opened(&store, &ada).await.as_deref(), Some("newest"));
}

async fn a_provider_registers_once(world: &World) {
    let stores = world.open_two().await;
    let now = world.now();
    let client = |n: usize| ProviderClient {
        provider: "crm".to_owned(),
        issuer: "https://crm.example".to_owned(),
        secret: secret(&format!("client {n}")),
    };

    let ends = race(20, |n| {
        let (store, client) = (stores[n % 2].clone(), client(n));
        async move { store.keep_provider_client(client, now).await.unwrap() }
    })
    .await;

    let won = ends.iter().position(|won| *won).unwrap();
    assert_eq!(ends.iter().filter(|won| **won).count(), 1);
    let kept = stores[1].provider_client("crm", "https://crm.example").await.unwrap().unwrap();
    assert_eq!(kept.secret.as_str(), format!("client {won}"));
    assert!(stores[1].provider_client("crm", "https://other.example").await.unwrap().is_none());
    stores[0].forget_provider_client("crm", "https://crm.example").await.unwrap();
    assert!(stores[1].provider_client("crm", "https://crm.example").await.unwrap().is_none());
}
