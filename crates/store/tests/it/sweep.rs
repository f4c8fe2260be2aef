//! What is over is forgotten; what could still tell a replay from an accident is not.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::time::REFRESH_LIFE;
use bailiwick_store::CodeState;

use crate::world::{World, event, family, issued};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

on_every_engine![
    a_code_never_redeemed_goes_with_its_grant,
    a_redeemed_code_stays_as_long_as_its_grant,
    a_revocation_stays_longer_than_any_token_it_ends,
];

async fn a_code_never_redeemed_goes_with_its_grant(world: &World) {
    let store = world.open().await;
    let issued = issued(&store, world.now()).await;

    store.sweep(world.now().after(HOUR)).await.unwrap();
    assert!(store.grant(issued.grant()).await.unwrap().is_some());
    store.sweep(world.now().after(HOUR * 2)).await.unwrap();

    assert!(store.grant(issued.grant()).await.unwrap().is_none());
    assert!(matches!(store.code(&issued.code, world.now()).await.unwrap(), CodeState::Unknown));
}

async fn a_redeemed_code_stays_as_long_as_its_grant(world: &World) {
    let store = world.open().await;
    let (issued, refresh, token) = family(&store, world.now()).await;

    store.sweep(world.now().after(REFRESH_LIFE)).await.unwrap();
    assert!(matches!(store.code(&issued.code, world.now()).await.unwrap(), CodeState::Redeemed { .. }));
    assert!(store.refresh(&refresh.digest).await.unwrap().is_some());
    assert!(store.token(&token.jti).await.unwrap().is_none());
    store.sweep(world.now().after(REFRESH_LIFE + DAY)).await.unwrap();

    assert!(matches!(store.code(&issued.code, world.now()).await.unwrap(), CodeState::Unknown));
    assert!(store.refresh(&refresh.digest).await.unwrap().is_none());
    assert_eq!(world.number("SELECT COUNT(*) FROM requests").await, 0);
    assert_eq!(world.number("SELECT COUNT(*) FROM audit").await, 2);
}

async fn a_revocation_stays_longer_than_any_token_it_ends(world: &World) {
    let store = world.open().await;
    let (issued, ..) = family(&store, world.now()).await;
    store.revoke_grant(issued.grant(), "test", event(AuditKind::GrantRevoked, world.now())).await.unwrap();

    store.sweep(world.now().after(HOUR)).await.unwrap();
    assert_eq!(world.number("SELECT COUNT(*) FROM feed").await, 1);
    store.sweep(world.now().after(HOUR * 2)).await.unwrap();

    assert_eq!(world.number("SELECT COUNT(*) FROM feed").await, 0);
}
