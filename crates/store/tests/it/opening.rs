//! A store opens on what it knows, alone where it must be, and says what to do otherwise.

use std::time::Duration;

use bailiwick_store::OpenError;

use crate::world::{World, family};

on_every_engine![what_was_answered_is_there_after_reopening, a_newer_schema_is_refused, an_open_store_is_ready];

async fn what_was_answered_is_there_after_reopening(world: &World) {
    let store = world.open().await;
    let (issued, refresh, token) = family(&store, world.now()).await;
    store.close().await;

    let store = world.open().await;

    assert!(store.grant(issued.grant()).await.unwrap().unwrap().is_live(world.now()));
    assert!(store.refresh(&refresh.digest).await.unwrap().is_some());
    assert_eq!(store.token(&token.jti).await.unwrap().unwrap().row, token);
}

async fn a_newer_schema_is_refused(world: &World) {
    world.open().await.close().await;
    world
        .run(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             SELECT 9000, description, success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1",
        )
        .await;

    let refused = world.try_open(world.key).await;

    assert!(matches!(refused, Err(OpenError::UnknownMigration(9000))), "{refused:?}");
}

async fn an_open_store_is_ready(world: &World) {
    let store = world.open().await;

    assert!(store.ready().await);
    assert_eq!(store.engine(), if world.is_sqlite() { "SQLite" } else { "PostgreSQL" });
}

#[tokio::test]
async fn a_file_in_use_is_refused() {
    let world = World::sqlite();
    let first = world.open().await;

    let refused = world.try_open(world.key).await;

    assert!(matches!(&refused, Err(OpenError::Locked(path)) if *path == world.file()), "{refused:?}");
    first.close().await;
    world.open().await.close().await;
}

#[tokio::test]
async fn a_dropped_store_lets_go_of_its_file() {
    let world = World::sqlite();

    drop(world.open().await);

    for _ in 0..100 {
        if world.try_open(world.key).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("still locked");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_password() {
    let settings = bailiwick_store::Settings {
        database: bailiwick_store::Database::Postgres("postgres://bob:hunter2@127.0.0.1:1/none".to_owned()),
        master: bailiwick_domain::seal::MasterKey::new([1; 32]),
        entropy: std::sync::Arc::new(crate::world::Dice),
        clock: World::sqlite().clock(),
        staleness: Duration::from_secs(5),
    };

    let refused = bailiwick_store::Store::open(settings).await.unwrap_err();

    assert!(matches!(refused, OpenError::Unreachable { engine: "PostgreSQL", .. }), "{refused:?}");
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
}
