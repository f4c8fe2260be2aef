//! What breaks under the store heals, and what is not known to be written is not called written.

use bailiwick_domain::audit::AuditKind;
use bailiwick_store::{Redeemed, StoreError};
use sqlx::Connection as _;

use crate::world::{World, event, issued};

on_every_engine![a_closed_store_says_so, a_statement_that_fails_hurts_nobody_else];

async fn a_closed_store_says_so(world: &World) {
    let store = world.open().await;
    let kept = store.clone();
    store.close().await;

    let refused = kept.record(event(AuditKind::ToolCalled, world.now())).await;

    assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
}

async fn a_statement_that_fails_hurts_nobody_else(world: &World) {
    let store = world.open().await;
    let first = issued(&store, world.now()).await;
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(issued(&store, world.now()).await);
    }
    let now = world.now();
    let taken = first.redemption(now);
    store.redeem(taken.clone(), event(AuditKind::CodeRedeemed, now)).await.unwrap();

    let ends = crate::world::race(20, |n| {
        let (store, mut redemption) = (store.clone(), others[n].redemption(now));
        if n % 2 == 0 {
            // The same token id twice: the database refuses, and only this job hears of it.
            redemption.token.jti = taken.token.jti.clone();
        }
        async move { store.redeem(redemption, event(AuditKind::CodeRedeemed, now)).await }
    })
    .await;

    for (n, end) in ends.iter().enumerate() {
        if n % 2 == 0 {
            assert!(matches!(end, Err(StoreError::Refused(_))), "{end:?}");
        } else {
            assert_eq!(*end.as_ref().unwrap(), Redeemed::Fresh);
        }
    }
    assert!(world.verify(&store).await.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drops_its_connections_is_found_again() {
    let Some(world) = World::postgres().await else { return };
    let store = world.open().await;
    let now = world.now();
    for round in 0..3 {
        let waiting = issued(&store, now).await;
        world
            .run(
                "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await;

        let end = store.redeem(waiting.redemption(now), event(AuditKind::CodeRedeemed, now)).await;

        assert_eq!(end.unwrap(), Redeemed::Fresh, "round {round}");
        assert!(store.grant(waiting.grant()).await.unwrap().unwrap().activated_at.is_some());
    }
    assert!(world.verify(&store).await.is_whole());
    world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_with_a_stranger_is_survived() {
    let Some(world) = World::postgres().await else { return };
    let store = world.open().await;
    let now = world.now();
    let waiting = issued(&store, now).await;
    let mut stranger = world.connect().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE codes IN EXCLUSIVE MODE").execute(&mut stranger).await.unwrap();

    let (writer, redemption) = (store.clone(), waiting.redemption(now));
    let redeeming = tokio::spawn(async move { writer.redeem(redemption, event(AuditKind::CodeRedeemed, now)).await });
    while world.number("SELECT COUNT(*) FROM pg_locks WHERE NOT granted").await == 0 {
        tokio::task::yield_now().await;
    }
    // Now each waits for the other; PostgreSQL ends one of the two.
    let crossed = sqlx::raw_sql("UPDATE grants SET revoke_reason = revoke_reason").execute(&mut stranger).await;
    if crossed.is_ok() {
        sqlx::raw_sql("ROLLBACK").execute(&mut stranger).await.unwrap();
    }
    stranger.close().await.ok();

    assert_eq!(redeeming.await.unwrap().unwrap(), Redeemed::Fresh);
    world.remove().await;
}
