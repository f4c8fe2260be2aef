//! A refresh token is spent once, and the answer it was spent for can be given again for a while.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::grant::{Reuse, judge_reuse};
use bailiwick_store::{RefreshRow, Rotated, Rotation, Store};

use crate::world::{Issued, World, event, family, race, refresh_token, token};

on_every_engine![
    a_refresh_token_is_spent_once,
    whoever_loses_finds_the_winners_answer,
    the_answer_is_gone_once_the_successor_is_used,
    the_kept_answer_cannot_be_read_off_the_disk,
    a_revoked_family_rotates_for_nobody,
    an_idle_token_rotates_for_nobody,
    revoking_against_rotating_leaves_no_live_token,
];

fn rotation(issued: &Issued, old: &RefreshRow, answer: &str, world: &World) -> Rotation {
    Rotation {
        old: old.digest.clone(),
        grant: issued.grant().clone(),
        successor: refresh_token(issued.grant(), Some(old), world.now()),
        token: token(&issued.code_grant.approval, world.now()),
        sealed_response: answer.to_owned(),
        now: world.now(),
    }
}

async fn rotate(store: &Store, rotation: Rotation) -> Rotated {
    let event = event(AuditKind::TokenRefreshed, rotation.now);
    store.rotate(rotation, event).await.unwrap()
}

async fn a_refresh_token_is_spent_once(world: &World) {
    let stores = world.open_two().await;
    let (issued, first, _) = family(&stores[0], world.now()).await;

    let ends = race(16, |n| {
        let (store, rotation) = (stores[n % 2].clone(), rotation(&issued, &first, "answer", world));
        async move { rotate(&store, rotation).await }
    })
    .await;

    assert_eq!(ends.iter().filter(|end| matches!(end, Rotated::Fresh)).count(), 1);
    assert_eq!(ends.iter().filter(|end| matches!(end, Rotated::Lost(_))).count(), 15);
    assert_eq!(world.number("SELECT COUNT(*) FROM refresh_tokens WHERE used_at IS NULL").await, 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM access_tokens").await, 2);
}

async fn whoever_loses_finds_the_winners_answer(world: &World) {
    let store = world.open().await;
    let (issued, first, _) = family(&store, world.now()).await;
    rotate(&store, rotation(&issued, &first, "the winner's", world)).await;
    world.pass(Duration::from_secs(29));

    let Rotated::Lost(state) = rotate(&store, rotation(&issued, &first, "the loser's", world)).await else {
        panic!("not lost")
    };

    assert_eq!(state.sealed_response.as_deref(), Some("the winner's"));
    assert_eq!(judge_reuse(state.used_at.unwrap(), state.successor_used, world.now()), Reuse::SameAnswer);
    assert_eq!(state.client, issued.code_grant.approval.client);
}

async fn the_answer_is_gone_once_the_successor_is_used(world: &World) {
    let store = world.open().await;
    let (issued, first, _) = family(&store, world.now()).await;
    let step = rotation(&issued, &first, "one", world);
    let second = step.successor.clone();
    rotate(&store, step).await;

    rotate(&store, rotation(&issued, &second, "two", world)).await;

    let old = store.refresh(&first.digest).await.unwrap().unwrap();
    let spent = store.refresh(&second.digest).await.unwrap().unwrap();
    assert!(old.successor_used && old.sealed_response.is_none());
    assert!(!spent.successor_used && spent.sealed_response.as_deref() == Some("two"));
    assert!(matches!(judge_reuse(old.used_at.unwrap(), old.successor_used, world.now()), Reuse::Theft(_)));
}

async fn the_kept_answer_cannot_be_read_off_the_disk(world: &World) {
    let store = world.open().await;
    let (issued, first, _) = family(&store, world.now()).await;

    rotate(&store, rotation(&issued, &first, "not for everybody", world)).await;

    let column = world.text("SELECT sealed_response FROM refresh_tokens WHERE used_at IS NOT NULL").await.unwrap();
    assert!(!column.contains("not for everybody") && column.len() > 40);
}

async fn a_revoked_family_rotates_for_nobody(world: &World) {
    let store = world.open().await;
    let (issued, first, _) = family(&store, world.now()).await;
    let step = rotation(&issued, &first, "answer", world);
    let second = step.successor.clone();
    rotate(&store, step).await;
    let revoked = event(AuditKind::GrantRevoked, world.now());
    assert!(store.revoke_grant(issued.grant(), "test", revoked).await.unwrap());

    let end = rotate(&store, rotation(&issued, &second, "answer", world)).await;

    assert!(matches!(end, Rotated::Revoked), "{end:?}");
    assert_eq!(world.number("SELECT COUNT(*) FROM refresh_tokens WHERE sealed_response IS NOT NULL").await, 0);
}

async fn an_idle_token_rotates_for_nobody(world: &World) {
    let store = world.open().await;
    let (issued, first, _) = family(&store, world.now()).await;
    world.pass(Duration::from_hours(24));

    let Rotated::Lost(state) = rotate(&store, rotation(&issued, &first, "answer", world)).await else {
        panic!("not lost")
    };

    assert!(state.used_at.is_none() && state.idle_expires_at <= world.now());
}

async fn revoking_against_rotating_leaves_no_live_token(world: &World) {
    let stores = world.open_two().await;
    for _ in 0..10 {
        let (issued, first, _) = family(&stores[0], world.now()).await;

        race(8, |n| {
            let (store, rotation) = (stores[n % 2].clone(), rotation(&issued, &first, "answer", world));
            let (grant, revoked) = (issued.grant().clone(), event(AuditKind::GrantRevoked, world.now()));
            async move {
                if n == 3 {
                    store.revoke_grant(&grant, "test", revoked).await.unwrap();
                } else {
                    rotate(&store, rotation).await;
                }
            }
        })
        .await;

        let end = rotate(&stores[0], rotation(&issued, &first, "answer", world)).await;
        assert!(matches!(end, Rotated::Revoked));
    }
}
