//! The audit says what was done, nothing else, and cannot be changed unseen.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::ids::CorrelationId;
use bailiwick_store::{AuditFilter, AuditVerdict, Store};

use crate::world::{Dice, World, event, family, race};

on_every_engine![
    rows_come_oldest_first_and_can_be_followed,
    a_request_is_found_by_its_correlation,
    chains_of_many_writers_are_whole,
    a_row_that_was_changed_is_found,
    a_row_that_was_taken_away_is_found,
    what_was_handed_over_is_written_before_closing,
];

async fn record(store: &Store, world: &World, says: &str) {
    store.record(event(AuditKind::ToolCalled, world.now()).says(says)).await.unwrap();
}

async fn rows_come_oldest_first_and_can_be_followed(world: &World) {
    let store = world.open().await;
    for says in ["one", "two", "three", "four"] {
        record(&store, world, says).await;
        world.pass(Duration::from_millis(1));
    }

    let newest = store.audit_rows(&AuditFilter { limit: 3, ..AuditFilter::default() }).await.unwrap();
    let after = Some(newest[0].cursor());
    let rest = store.audit_rows(&AuditFilter { limit: 1, after, ..AuditFilter::default() }).await.unwrap();

    let said: Vec<_> = newest.iter().map(|row| row.event.says.as_deref().unwrap()).collect();
    assert_eq!(said, ["two", "three", "four"]);
    assert_eq!(rest[0].event.says.as_deref(), Some("three"));
}

async fn a_request_is_found_by_its_correlation(world: &World) {
    let store = world.open().await;
    let correlation = CorrelationId::draw(&Dice);
    record(&store, world, "another").await;
    let wanted = event(AuditKind::RequestRefused, world.now()).correlation(&correlation);
    store.record(wanted.clone()).await.unwrap();

    let filter = AuditFilter { limit: 10, correlation: Some(correlation), ..AuditFilter::default() };
    let found = store.audit_rows(&filter).await.unwrap();

    assert_eq!(found.len(), 1);
    assert_eq!(found[0].event, wanted);
}

async fn chains_of_many_writers_are_whole(world: &World) {
    let stores = world.open_two().await;
    family(&stores[0], world.now()).await;

    race(40, |n| {
        let (store, event) = (stores[n % 2].clone(), event(AuditKind::ToolCalled, world.now()));
        async move {
            if n % 3 == 0 {
                store.record_later(event);
            } else {
                store.record(event).await.unwrap();
            }
        }
    })
    .await;
    for store in stores {
        store.close().await;
    }

    let verdict = world.open().await.verify_audit().await.unwrap();
    assert_eq!(verdict, AuditVerdict::Whole { rows: 42 });
}

async fn a_row_that_was_changed_is_found(world: &World) {
    let store = world.open().await;
    for says in ["one", "two", "three"] {
        record(&store, world, says).await;
    }

    world.run("UPDATE audit SET body = REPLACE(body, 'two', 'too') WHERE seq = 2").await;

    let verdict = store.verify_audit().await.unwrap();
    assert!(matches!(verdict, AuditVerdict::Broken { seq: 2, .. }), "{verdict:?}");
}

async fn a_row_that_was_taken_away_is_found(world: &World) {
    let store = world.open().await;
    for says in ["one", "two", "three"] {
        record(&store, world, says).await;
    }

    world.run("DELETE FROM audit WHERE seq = 3").await;

    let verdict = store.verify_audit().await.unwrap();
    assert!(matches!(verdict, AuditVerdict::Broken { seq: 3, .. }), "{verdict:?}");
}

async fn what_was_handed_over_is_written_before_closing(world: &World) {
    let store = world.open().await;
    for _ in 0..1000 {
        store.record_later(event(AuditKind::ToolCalled, world.now()));
    }

    assert_eq!(store.audit_dropped(), 0);
    store.close().await;

    assert_eq!(world.number("SELECT COUNT(*) FROM audit").await, 1000);
}
