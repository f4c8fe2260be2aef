//! Sealed secrets: named, replaced together, unreadable off the disk.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::seal::MasterKey;
use bailiwick_store::{NewSecret, OpenError, Store, Vault, VaultError};
use zeroize::Zeroizing;

use crate::world::World;

on_every_engine![
    a_sealed_secret_is_read_only_with_the_key,
    a_server_forgets_what_it_had,
    a_secret_is_bound_to_its_name
];

async fn keep(world: &World, store: &Store, owner: &str, secrets: &[(&str, &str)]) {
    let secrets = secrets
        .iter()
        .map(|(name, value)| NewSecret { name: (*name).to_owned(), value: Zeroizing::new((*value).to_owned()) })
        .collect();
    let event = AuditEvent::new(AuditKind::SecretsSealed, world.now());
    store.replace_secrets(owner, secrets, event).await.unwrap();
}

async fn vault(world: &World) -> Vault {
    Vault::open(world.database(), &MasterKey::new(world.key)).await.unwrap()
}

async fn a_sealed_secret_is_read_only_with_the_key(world: &World) {
    let store = world.open().await;
    keep(world, &store, "notes", &[("notes/TOKEN", "correct horse")]).await;

    // Beside the process that holds the lock.
    assert_eq!(vault(world).await.get("notes/TOKEN").unwrap().as_str(), "correct horse");
    assert_eq!(vault(world).await.get("notes/OTHER"), Err(VaultError::Unknown));
    assert!(!world.text("SELECT sealed FROM secrets").await.unwrap().contains("horse"));
    let stranger = Vault::open(world.database(), &MasterKey::new([7; 32])).await;
    assert!(matches!(stranger, Err(OpenError::WrongKey)), "{stranger:?}");
}

async fn a_server_forgets_what_it_had(world: &World) {
    let store = world.open().await;
    keep(world, &store, "notes", &[("notes/A", "1"), ("notes/B", "2")]).await;
    keep(world, &store, "other", &[("other/A", "3")]).await;

    keep(world, &store, "notes", &[("notes/B", "4")]).await;

    let vault = vault(world).await;
    assert_eq!(vault.get("notes/A"), Err(VaultError::Unknown));
    assert_eq!(vault.get("notes/B").unwrap().as_str(), "4");
    assert_eq!(vault.get("other/A").unwrap().as_str(), "3");
}

async fn a_secret_is_bound_to_its_name(world: &World) {
    let store = world.open().await;
    keep(world, &store, "notes", &[("notes/TOKEN", "correct horse")]).await;

    world.run("UPDATE secrets SET name = 'other/TOKEN'").await;

    assert_eq!(vault(world).await.get("other/TOKEN"), Err(VaultError::Unreadable));
}

#[tokio::test]
async fn a_database_that_does_not_exist_holds_nothing() {
    let world = World::sqlite();

    assert_eq!(vault(&world).await.get("notes/TOKEN"), Err(VaultError::Unknown));
    assert!(!world.file().exists(), "and is not made by looking");
}
