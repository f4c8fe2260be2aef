//! The audit says what was done, nothing else, and cannot be changed unseen.

use std::time::Duration;

use bailiwick_domain::audit::{AuditKind, Outcome};
use bailiwick_domain::ids::{CorrelationId, UserId};
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{AuditFilter, AuditPlaces, AuditSpan, Store};

use crate::world::{Dice, World, event, family, race};

on_every_engine![
    rows_come_oldest_first_and_can_be_followed,
    a_request_is_found_by_its_correlation,
    chains_of_many_writers_are_whole,
    rows_are_found_by_agent_outcome_and_time,
    every_row_is_followed_once_however_late_it_is,
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

    let verdict = world.verify(&world.open().await).await;
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!((verdict.rows, verdict.unsigned), (42, 42));
}

async fn rows_are_found_by_agent_outcome_and_time(world: &World) {
    let store = world.open().await;
    let chain = |actors: &[&str]| {
        event(AuditKind::ToolCalled, world.now()).actors(actors.iter().map(|name| (*name).to_owned())).tool("look")
    };
    store.record(chain(&["agent:researcher", "agent:orchestrator", "client:web"]).says("through two")).await.unwrap();
    world.pass(Duration::from_secs(1));
    let middle = world.now();
    store.record(chain(&["agent:researchers"]).rule("agent:researcher").says("another")).await.unwrap();
    let refused = chain(&["agent:orchestrator"])
        .outcome(Outcome::Refused)
        .says("an \"actors\":[ \"agent:researcher\"],\"resource\":");
    store.record(refused).await.unwrap();
    let alone = event(AuditKind::TokenIssued, world.now()).user(&UserId::from_stored("agent:researcher")).says("alone");
    store.record(alone).await.unwrap();
    let said = async |filter: AuditFilter| {
        let rows = store.audit_rows(&AuditFilter { limit: 10, ..filter }).await.unwrap();
        rows.into_iter().map(|row| row.event.says.unwrap()).collect::<Vec<_>>()
    };
    let by = |name: &str| AuditFilter { agent: Some(name.to_owned()), ..AuditFilter::default() };

    assert_eq!(said(by("researcher")).await, ["through two", "alone"]);
    assert_eq!(said(by("agent:researcher")).await, ["through two", "alone"]);
    assert_eq!(said(by("client:web")).await, ["through two"]);
    assert_eq!(said(AuditFilter { since: Some(middle), ..by("researcher") }).await, ["alone"]);
    assert_eq!(said(AuditFilter { until: Some(middle), ..by("researcher") }).await, ["through two"]);
    let ended = said(AuditFilter { outcome: Some(Outcome::Refused), ..AuditFilter::default() }).await;
    assert_eq!(ended.len(), 1, "{ended:?}");
}

async fn every_row_is_followed_once_however_late_it_is(world: &World) {
    let stores = world.open_two().await;
    let mut places = AuditPlaces::new();
    let mut seen = Vec::new();
    for round in 0..5_i64 {
        race(20, |n| {
            // A row may carry a moment that lies long before those that were read already.
            let at = Timestamp::from_seconds(1000 - 7 * round);
            let (store, event) = (stores[n % 2].clone(), event(AuditKind::ToolCalled, at));
            async move { store.record(event).await.unwrap() }
        })
        .await;
        loop {
            let (rows, reached) = stores[0].audit_follow(places, AuditSpan::default(), 7).await.unwrap();
            places = reached;
            if rows.is_empty() {
                break;
            }
            seen.extend(rows.into_iter().map(|row| (row.writer.as_str().to_owned(), row.seq)));
        }
    }

    assert_eq!(seen.len(), 100);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 100);
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
