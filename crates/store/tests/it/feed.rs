//! What one process revokes, every process refuses; and who cannot know, refuses too.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{Change, ChangeKind, Coordinates, Standing, Store, TokenRow};

use crate::world::{Issued, World, event, family};

on_every_engine![
    a_revocation_holds_before_it_is_answered,
    every_process_hears_of_a_revocation,
    a_token_a_client_and_a_user_are_told_apart,
    what_was_revoked_before_opening_is_known,
    silence_is_refused,
];

fn standing(store: &Store, issued: &Issued, token: &TokenRow, now: Timestamp) -> Standing {
    let approval = &issued.code_grant.approval;
    store
        .revocations()
        .standing(&Coordinates::front_door(&approval.grant, &token.jti, approval.user.as_str(), &approval.client), now)
}

async fn a_revocation_holds_before_it_is_answered(world: &World) {
    let store = world.open().await;
    let (issued, _, token) = family(&store, world.now()).await;
    let mut heard = store.revocations().subscribe();
    assert_eq!(standing(&store, &issued, &token, world.now()), Standing::Live);

    store.revoke_grant(issued.grant(), "test", event(AuditKind::GrantRevoked, world.now())).await.unwrap();

    assert_eq!(standing(&store, &issued, &token, world.now()), Standing::Revoked);
    let told = Change { kind: ChangeKind::Grant, subject: issued.grant().as_str().to_owned() };
    assert_eq!(heard.try_recv().unwrap(), told);
}

async fn every_process_hears_of_a_revocation(world: &World) {
    let [here, there] = world.open_two().await;
    let mut heard = there.revocations().subscribe();
    for _ in 0..20 {
        let (issued, _, token) = family(&here, world.now()).await;

        here.revoke_grant(issued.grant(), "test", event(AuditKind::GrantRevoked, world.now())).await.unwrap();

        let told = tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
        assert_eq!(told.subject, issued.grant().as_str());
        assert_eq!(standing(&there, &issued, &token, world.now()), Standing::Revoked);
    }
}

async fn a_token_a_client_and_a_user_are_told_apart(world: &World) {
    let store = world.open().await;
    let (issued, _, token) = family(&store, world.now()).await;
    let (other, _, other_token) = family(&store, world.now()).await;

    store.revoke_token(&token.jti, event(AuditKind::TokenRevoked, world.now())).await.unwrap();

    assert_eq!(standing(&store, &issued, &token, world.now()), Standing::Revoked);
    assert_eq!(standing(&store, &other, &other_token, world.now()), Standing::Live);
    let client = &other.code_grant.approval.client;
    store.disable_client(client, event(AuditKind::RequestRefused, world.now())).await.unwrap();
    assert_eq!(standing(&store, &other, &other_token, world.now()), Standing::Revoked);
}

async fn what_was_revoked_before_opening_is_known(world: &World) {
    let store = world.open().await;
    let (issued, _, token) = family(&store, world.now()).await;
    store.revoke_grant(issued.grant(), "test", event(AuditKind::GrantRevoked, world.now())).await.unwrap();
    store.close().await;

    let store = world.open().await;

    assert_eq!(standing(&store, &issued, &token, world.now()), Standing::Revoked);
}

async fn silence_is_refused(world: &World) {
    let store = world.open().await;
    let (issued, _, token) = family(&store, world.now()).await;
    let kept = store.clone();
    store.close().await;

    let then = world.now().after(Duration::from_millis(5001));

    assert_eq!(standing(&kept, &issued, &token, world.now()), Standing::Live);
    assert_eq!(standing(&kept, &issued, &token, then), Standing::Stale);
}
