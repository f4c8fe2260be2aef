//! A code is redeemed once.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::grant::{CodeReplay, judge_replay};
use bailiwick_domain::opaque::{Code, Opaque};
use bailiwick_domain::time::CODE_LIFE;
use bailiwick_store::{CodeState, Redeemed, Store};

use crate::world::{Dice, Issued, World, event, issued, race};

on_every_engine![
    a_code_is_redeemed_once,
    whoever_loses_leaves_no_trace,
    an_expired_code_redeems_for_nobody,
    a_code_of_a_revoked_grant_redeems_for_nobody,
    a_code_is_known_for_what_it_became,
    a_late_replay_ends_everything_the_code_gave,
    the_wrong_grant_redeems_nothing,
];

async fn redeem(store: &Store, issued: &Issued, world: &World) -> Redeemed {
    store.redeem(issued.redemption(world.now()), event(AuditKind::CodeRedeemed, world.now())).await.unwrap()
}

async fn a_code_is_redeemed_once(world: &World) {
    let stores = world.open_two().await;
    let issued = issued(&stores[0], world.now()).await;

    let ends = race(32, |n| {
        let (store, redemption, now) = (stores[n % 2].clone(), issued.redemption(world.now()), world.now());
        async move { store.redeem(redemption, event(AuditKind::CodeRedeemed, now)).await.unwrap() }
    })
    .await;

    assert_eq!(ends.iter().filter(|end| **end == Redeemed::Fresh).count(), 1);
    assert_eq!(ends.iter().filter(|end| **end == Redeemed::Lost).count(), 31);
}

async fn whoever_loses_leaves_no_trace(world: &World) {
    let store = world.open().await;
    let issued = issued(&store, world.now()).await;
    redeem(&store, &issued, world).await;
    let grant = store.grant(issued.grant()).await.unwrap().unwrap();
    world.pass(Duration::from_secs(1));

    let lost = redeem(&store, &issued, world).await;

    assert_eq!(lost, Redeemed::Lost);
    let after = store.grant(issued.grant()).await.unwrap().unwrap();
    assert_eq!(after.last_used_at, grant.last_used_at);
    assert_eq!(world.number("SELECT COUNT(*) FROM access_tokens").await, 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM refresh_tokens").await, 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM audit WHERE kind = 'code_redeemed'").await, 1);
}

async fn an_expired_code_redeems_for_nobody(world: &World) {
    let store = world.open().await;
    let issued = issued(&store, world.now()).await;
    world.pass(CODE_LIFE);

    let late = redeem(&store, &issued, world).await;

    assert_eq!(late, Redeemed::Lost);
    assert!(matches!(store.code(&issued.code, world.now()).await.unwrap(), CodeState::Expired));
}

async fn a_code_of_a_revoked_grant_redeems_for_nobody(world: &World) {
    let store = world.open().await;
    let issued = issued(&store, world.now()).await;
    let revoked = event(AuditKind::GrantRevoked, world.now());
    assert!(store.revoke_grant(issued.grant(), "test", revoked).await.unwrap());

    let refused = redeem(&store, &issued, world).await;

    assert_eq!(refused, Redeemed::Revoked);
    assert_eq!(world.number("SELECT COUNT(*) FROM access_tokens").await, 0);
}

async fn a_code_is_known_for_what_it_became(world: &World) {
    let store = world.open().await;
    let issued = issued(&store, world.now()).await;
    let unknown = Opaque::<Code>::mint(&Dice).digest();

    let before = store.code(&issued.code, world.now()).await.unwrap();
    redeem(&store, &issued, world).await;
    let after = store.code(&issued.code, world.now()).await.unwrap();

    assert!(matches!(before, CodeState::Live(code_grant) if code_grant == issued.code_grant));
    let CodeState::Redeemed { grant, client, redeemed_at, .. } = after else { panic!("{after:?}") };
    assert_eq!((&grant, &client), (issued.grant(), &issued.code_grant.approval.client));
    assert_eq!(redeemed_at, world.now());
    assert!(matches!(store.code(&unknown, world.now()).await.unwrap(), CodeState::Unknown));
}

async fn a_late_replay_ends_everything_the_code_gave(world: &World) {
    let store = world.open().await;
    let issued = issued(&store, world.now()).await;
    let redemption = issued.redemption(world.now());
    let jti = redemption.token.jti.clone();
    store.redeem(redemption, event(AuditKind::CodeRedeemed, world.now())).await.unwrap();
    world.pass(Duration::from_millis(10_001));

    let CodeState::Redeemed { grant, redeemed_at, .. } = store.code(&issued.code, world.now()).await.unwrap() else {
        panic!("not redeemed")
    };
    assert_eq!(judge_replay(redeemed_at, world.now()), CodeReplay::RevokeGrant);
    assert!(store.revoke_grant(&grant, "code_replayed", event(AuditKind::CodeReplayed, world.now())).await.unwrap());

    assert!(!store.token(&jti).await.unwrap().unwrap().is_live(world.now()));
    assert_eq!(redeem(&store, &issued, world).await, Redeemed::Revoked);
}

async fn the_wrong_grant_redeems_nothing(world: &World) {
    let store = world.open().await;
    let (one, other) = (issued(&store, world.now()).await, issued(&store, world.now()).await);
    let mut crossed = one.redemption(world.now());
    crossed.code = other.code.clone();

    let end = store.redeem(crossed, event(AuditKind::CodeRedeemed, world.now())).await.unwrap();

    assert_eq!(end, Redeemed::Lost);
    assert!(matches!(store.code(&other.code, world.now()).await.unwrap(), CodeState::Live(_)));
}
