//! What is good once serves one caller, in all processes.

use std::time::Duration;

use crate::world::{World, race};

on_every_engine![
    a_thing_serves_one_of_many_callers,
    kinds_and_keys_are_told_apart,
    a_thing_is_remembered_until_it_is_over_and_no_longer,
];

const LIFE: Duration = Duration::from_mins(5);

async fn a_thing_serves_one_of_many_callers(world: &World) {
    let stores = world.open_two().await;
    for key in ["a", "b", "c", "d"] {
        let ends = race(32, |n| {
            let (store, now) = (stores[n % 2].clone(), world.now());
            async move { store.once("test", key, now.after(LIFE), now).await.unwrap() }
        })
        .await;

        assert_eq!(ends.iter().filter(|fresh| **fresh).count(), 1, "{key}");
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM replay").await, 4);
}

async fn kinds_and_keys_are_told_apart(world: &World) {
    let store = world.open().await;
    let now = world.now();

    for (kind, key) in [("one", "a"), ("one", "b"), ("other", "a")] {
        assert!(store.once(kind, key, now.after(LIFE), now).await.unwrap(), "{kind} {key}");
        assert!(!store.once(kind, key, now.after(LIFE), now).await.unwrap(), "{kind} {key}");
    }
}

async fn a_thing_is_remembered_until_it_is_over_and_no_longer(world: &World) {
    let store = world.open().await;
    let end = world.now().after(LIFE);
    let just_before = end.before(Duration::from_millis(1));
    assert!(store.once("test", "a", end, world.now()).await.unwrap());
    assert!(store.once("test", "b", end, world.now()).await.unwrap());

    store.sweep(just_before).await.unwrap();
    assert!(!store.once("test", "a", end, just_before).await.unwrap());
    assert!(store.once("test", "a", end.after(LIFE), end).await.unwrap(), "over, though not swept");
    store.sweep(end).await.unwrap();

    assert_eq!(world.text("SELECT key FROM replay").await.as_deref(), Some("a"));
}
