//! The vault at rest: no row opens anywhere but where it was sealed, and keys change while everything goes on.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::seal::MasterKey;
use bailiwick_store::{
    ConnectionError, ConnectionKey, ConnectionState, Lease, LocalKeys, OpenError, ProviderClient, Store,
};

use crate::connections::{LEASE, connect, key, opened, renew, secret, somebody};
use crate::world::{Dice, World, event};

on_every_engine![
    a_row_that_was_moved_or_changed_opens_for_nobody,
    a_dump_shows_no_secret,
    keys_change_while_everything_goes_on,
    a_key_that_is_missing_is_refused_by_name,
    rewrapping_beside_refreshes_loses_nothing,
];

fn keys(current: u8, former: &[u8]) -> Arc<LocalKeys> {
    let former: Vec<_> = former.iter().map(|n| MasterKey::new([*n; 32])).collect();
    Arc::new(LocalKeys::new(&MasterKey::new([current; 32]), &former, Arc::new(Dice)))
}

async fn rotate(world: &World, store: &Store) -> bailiwick_store::Rewrapped {
    store.rewrap(3, event(AuditKind::VaultRotated, world.now())).await.unwrap()
}

async fn refused(store: &Store, key: &ConnectionKey) {
    let refused = store.connection(key).await;
    assert!(matches!(refused, Err(ConnectionError::Unreadable)), "{refused:?}");
}

async fn a_row_that_was_moved_or_changed_opens_for_nobody(world: &World) {
    let changes = [
        "user_id = 'us_mallory'",
        "provider = 'other'",
        "client = 'other'",
        "generation = generation + 1",
        "scope = 'crm.read crm.write'",
        "account = 'mallory@crm.example'",
        "expires_at = 1",
        "rotates = 0",
    ];
    let store = world.open().await;
    for change in changes {
        let ada = key(&UserId::draw(&Dice), "crm");
        connect(world, &store, &ada, "hers").await;

        world.run(&format!("UPDATE connections SET {change} WHERE user_id = '{}'", ada.user)).await;

        let user = if change.starts_with("user_id") { UserId::from_stored("us_mallory") } else { ada.user.clone() };
        let moved = key(&user, if change.starts_with("provider") { "other" } else { "crm" });
        refused(&store, &moved).await;
        refused(&store, &moved).await;
        assert_eq!(store.connections(&user).await.unwrap()[0].state, ConnectionState::NeedsReconnect, "{change}");
        world.run("DELETE FROM connections").await;
    }
    let rows = world.number("SELECT COUNT(*) FROM audit WHERE kind = 'connection_unreadable'").await;
    assert_eq!(usize::try_from(rows).unwrap(), changes.len(), "each is on record once");

    // What is sealed, and its key, in the row of somebody else who is connected to the same.
    let (ada, mallory) = (somebody(), somebody());
    connect(world, &store, &ada, "hers").await;
    connect(world, &store, &mallory, "mine").await;
    for column in ["sealed", "wrapped"] {
        let from = format!("SELECT {column} FROM connections WHERE user_id = '{}'", ada.user);
        world.run(&format!("UPDATE connections SET {column} = ({from}) WHERE user_id = '{}'", mallory.user)).await;
        refused(&store, &mallory).await;
    }
    assert_eq!(opened(&store, &ada).await.as_deref(), Some("hers"));
}

async fn a_dump_shows_no_secret(world: &World) {
    let store = world.open().await;
    let client = ProviderClient {
        provider: "crm".to_owned(),
        issuer: "https://crm.example".to_owned(),
        secret: secret("canary"),
    };
    connect(world, &store, &somebody(), "canary").await;
    store.keep_provider_client(client, world.now()).await.unwrap();

    for table in ["connections", "provider_clients"] {
        for column in ["sealed", "wrapped"] {
            let held = world.text(&format!("SELECT {column} FROM {table}")).await.unwrap();
            assert!(held.len() > 40 && !held.contains("canary"), "{table}.{column}: {held}");
        }
    }
}

async fn keys_change_while_everything_goes_on(world: &World) {
    let store = world.open().await;
    let people: Vec<_> = (0..10).map(|_| somebody()).collect();
    for (n, person) in people.iter().enumerate() {
        connect(world, &store, person, &format!("secret {n}")).await;
    }
    let derived = LocalKeys::of(&MasterKey::new(world.key));
    let first = LocalKeys::new(&MasterKey::new([1; 32]), &[derived], Arc::new(Dice));

    store.use_keys(Arc::new(first)).await.unwrap();
    connect(world, &store, &people[0], "secret 0").await;
    let done = rotate(world, &store).await;
    assert_eq!((done.moved, done.stuck, done.needed.len()), (9, 0, 0));
    store.use_keys(keys(2, &[1])).await.unwrap();
    assert_eq!(rotate(world, &store).await.moved, 10);
    assert_eq!(rotate(world, &store).await.moved, 0);
    store.use_keys(keys(2, &[])).await.unwrap();

    for (n, person) in people.iter().enumerate() {
        assert_eq!(opened(&store, person).await, Some(format!("secret {n}")));
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM vault_keys").await, 1);
}

async fn a_key_that_is_missing_is_refused_by_name(world: &World) {
    let store = world.open().await;
    store.use_keys(keys(1, &[])).await.unwrap();
    let ada = somebody();
    connect(world, &store, &ada, "hers").await;
    let name = world.text("SELECT key_name FROM connections").await.unwrap();

    let refused = store.use_keys(keys(2, &[])).await;

    assert!(matches!(&refused, Err(OpenError::VaultKey(missing)) if *missing == name), "{refused:?}");
    assert_eq!(opened(&store, &ada).await.as_deref(), Some("hers"), "the old keys stay in force");
    world.run("UPDATE connections SET key_name = 'gone'").await;
    let gone = store.connection(&ada).await;
    assert!(matches!(&gone, Err(ConnectionError::NoKey(name)) if name == "gone"), "{gone:?}");
    assert_eq!(rotate(world, &store).await.stuck, 1);
    let kept = store.connections(&ada.user).await.unwrap();
    assert_eq!(kept[0].state, ConnectionState::Fresh, "the row is whole: only a key is missing");
}

async fn rewrapping_beside_refreshes_loses_nothing(world: &World) {
    let store = world.open().await;
    store.use_keys(keys(1, &[])).await.unwrap();
    let people: Vec<_> = (0..6).map(|_| somebody()).collect();
    for person in &people {
        connect(world, &store, person, "0").await;
    }
    let refreshing = people.clone().into_iter().map(|person| {
        let (store, now) = (store.clone(), world.now());
        let until = now.after(LEASE);
        async move {
            for _ in 0..20 {
                let held = store.connection(&person).await.unwrap().unwrap();
                let next = (held.secret.parse::<u32>().unwrap() + 1).to_string();
                let lease = store.lease_refresh(&person, held.view.generation, now, until).await.unwrap();
                let Lease::Taken(lease) = lease else { panic!("{lease:?}") };
                assert!(renew(now, &store, lease, &next).await);
            }
        }
    });
    let refreshing: Vec<_> = refreshing.map(tokio::spawn).collect();

    for n in 2..8 {
        store.use_keys(keys(n, &(1..n).collect::<Vec<_>>())).await.unwrap();
        assert_eq!(rotate(world, &store).await.stuck, 0);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for task in refreshing {
        task.await.unwrap();
    }
    rotate(world, &store).await;
    store.use_keys(keys(7, &[])).await.unwrap();

    for person in &people {
        assert_eq!(opened(&store, person).await.as_deref(), Some("20"));
    }
}
