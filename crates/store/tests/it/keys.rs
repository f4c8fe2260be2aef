//! Keys: sealed, and one active per algorithm.

use bailiwick_store::{KeyState, NewKey, OpenError};
use zeroize::Zeroizing;

use crate::world::{World, race};

on_every_engine![
    one_key_per_algorithm_is_active,
    a_private_key_cannot_be_read_off_the_disk,
    another_master_key_opens_nothing
];

fn key(kid: &str, alg: &str, world: &World) -> NewKey {
    NewKey {
        kid: kid.to_owned(),
        alg: alg.to_owned(),
        public_json: format!(r#"{{"kid":"{kid}"}}"#),
        pkcs8: Zeroizing::new(b"the private half".to_vec()),
        created_at: world.now(),
    }
}

async fn one_key_per_algorithm_is_active(world: &World) {
    let stores = world.open_two().await;

    let added = race(8, |n| {
        let (store, key) = (stores[n % 2].clone(), key(&format!("k{n}"), "ES256", world));
        async move { store.add_key(key).await.unwrap() }
    })
    .await;

    assert_eq!(added.iter().filter(|added| **added).count(), 1);
    assert!(stores[0].add_key(key("r1", "RS256", world)).await.unwrap());
    assert_eq!(stores[1].signing_keys().await.unwrap().len(), 2);
}

async fn a_private_key_cannot_be_read_off_the_disk(world: &World) {
    let store = world.open().await;

    store.add_key(key("k1", "ES256", world)).await.unwrap();

    let kept = &store.signing_keys().await.unwrap()[0];
    assert_eq!((kept.kid.as_str(), kept.alg.as_str(), kept.state), ("k1", "ES256", KeyState::Active));
    assert_eq!(kept.pkcs8.as_slice(), b"the private half");
    assert_eq!(kept.public_json, r#"{"kid":"k1"}"#);
    let column = world.text("SELECT pkcs8 FROM signing_keys").await.unwrap();
    assert!(!column.contains("private"));
    // Bound to its row: under another name it opens for nobody.
    world.run("UPDATE signing_keys SET kid = 'k2'").await;
    assert!(store.signing_keys().await.is_err());
}

async fn another_master_key_opens_nothing(world: &World) {
    world.open().await.close().await;

    let refused = world.try_open([7; 32]).await;

    assert!(matches!(refused, Err(OpenError::WrongKey)), "{refused:?}");
    world.open().await.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::sqlite();
    let store = world.open().await;
    store.add_key(key("k1", "ES256", &world)).await.unwrap();

    for entry in std::fs::read_dir(world.directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", entry.path().display());
    }
}
