//! Liveness lives in the grant.

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::time::{REFRESH_LIFE, Timestamp};
use bailiwick_store::{ClientStanding, NewUser, Redeemed};

use crate::world::{Dice, World, approval, asked, client, event, family, issued, issued_to, race, token};

on_every_engine![
    a_request_is_approved_once,
    a_request_is_either_approved_or_dropped,
    a_grant_is_listed_once_it_is_used_and_while_it_lives,
    a_person_ends_their_own_grants_only,
    a_disabled_client_gets_no_tokens,
    a_disabled_user_gets_no_tokens,
    a_machines_token_has_a_grant_of_its_own,
    one_token_is_revoked_by_itself,
];

async fn a_request_is_approved_once(world: &World) {
    let stores = world.open_two().await;
    let user = UserId::draw(&Dice);
    let new = asked(&stores[0], &user, &client("agent"), world.now()).await;

    let ends = race(8, |n| {
        let (store, mut new) = (stores[n % 2].clone(), new.clone());
        new.approval = approval(&user, &client("agent"), world.now());
        new.code_grant.approval = new.approval.clone();
        let event = event(AuditKind::ConsentGiven, world.now());
        async move { store.approve(new, event).await.unwrap() }
    })
    .await;

    assert_eq!(ends.iter().filter(|approved| **approved).count(), 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM grants").await, 1);
}

async fn a_request_is_either_approved_or_dropped(world: &World) {
    let store = world.open().await;
    let new = asked(&store, &UserId::draw(&Dice), &client("agent"), world.now()).await;
    assert!(store.request(&new.request, world.now()).await.unwrap().is_some());

    assert!(store.drop_request(&new.request).await.unwrap());

    assert!(!store.drop_request(&new.request).await.unwrap());
    assert!(store.request(&new.request, world.now()).await.unwrap().is_none());
    assert!(!store.approve(new, event(AuditKind::ConsentGiven, world.now())).await.unwrap());
    assert_eq!(store.client_standing(&client("agent").id).await.unwrap(), ClientStanding::Unknown);
}

async fn a_grant_is_listed_once_it_is_used_and_while_it_lives(world: &World) {
    let store = world.open().await;
    let user = UserId::draw(&Dice);
    let issued = issued_to(&store, &user, world.now()).await;
    assert!(store.grants_of(&user, world.now()).await.unwrap().is_empty());

    store.redeem(issued.redemption(world.now()), event(AuditKind::CodeRedeemed, world.now())).await.unwrap();

    let listed = store.grants_of(&user, world.now()).await.unwrap();
    assert_eq!(listed[0].approval, issued.code_grant.approval);
    assert_eq!(listed[0].activated_at, Some(world.now()));
    assert!(store.grants_of(&user, world.now().after(REFRESH_LIFE)).await.unwrap().is_empty());
}

async fn a_person_ends_their_own_grants_only(world: &World) {
    let store = world.open().await;
    let (issued, _, token) = family(&store, world.now()).await;
    let (owner, stranger) = (&issued.code_grant.approval.user, UserId::draw(&Dice));
    let revoked = || event(AuditKind::GrantRevoked, world.now());

    assert!(!store.revoke_grant_of(&stranger, issued.grant(), "account", revoked()).await.unwrap());
    assert!(store.token(&token.jti).await.unwrap().unwrap().is_live(world.now()));
    assert!(store.revoke_grant_of(owner, issued.grant(), "account", revoked()).await.unwrap());
    assert!(!store.revoke_grant_of(owner, issued.grant(), "account", revoked()).await.unwrap());

    let state = store.token(&token.jti).await.unwrap().unwrap();
    assert!(!state.is_live(world.now()));
    assert_eq!(state.grant.revoke_reason.as_deref(), Some("account"));
    assert!(store.grants_of(owner, world.now()).await.unwrap().is_empty());
}

async fn a_disabled_client_gets_no_tokens(world: &World) {
    let store = world.open().await;
    let issued = issued(&store, world.now()).await;
    let id = &issued.code_grant.approval.client;
    let stop = event(AuditKind::RequestRefused, world.now());
    assert_eq!(store.client_standing(id).await.unwrap(), ClientStanding::Enabled);

    assert!(store.disable_client(id, stop.clone()).await.unwrap());

    assert!(!store.disable_client(id, stop).await.unwrap());
    assert_eq!(store.client_standing(id).await.unwrap(), ClientStanding::Disabled);
    assert_eq!(store.clients().await.unwrap()[0].disabled_at, Some(world.now()));
    let refused = store.redeem(issued.redemption(world.now()), event(AuditKind::CodeRedeemed, world.now())).await;
    assert_eq!(refused.unwrap(), Redeemed::Revoked);
}

async fn a_disabled_user_gets_no_tokens(world: &World) {
    let store = world.open().await;
    let user = UserId::draw(&Dice);
    let new = NewUser::new(user.clone(), "ada".to_owned(), "$x".to_owned(), world.now());
    assert!(store.create_user(new, event(AuditKind::UserCreated, world.now())).await.unwrap());
    let issued = issued_to(&store, &user, world.now()).await;

    assert!(store.disable_user(&user, event(AuditKind::RequestRefused, world.now())).await.unwrap());

    assert!(store.user(&user).await.unwrap().unwrap().disabled);
    let refused = store.redeem(issued.redemption(world.now()), event(AuditKind::CodeRedeemed, world.now())).await;
    assert_eq!(refused.unwrap(), Redeemed::Revoked);
}

async fn a_machines_token_has_a_grant_of_its_own(world: &World) {
    let store = world.open().await;
    let approval = approval(&UserId::from_stored("mc_1"), &client("ci"), world.now());
    let token = token(&approval, world.now());

    store.machine_token(approval.clone(), token.clone(), event(AuditKind::TokenIssued, world.now())).await.unwrap();

    let state = store.token(&token.jti).await.unwrap().unwrap();
    assert_eq!(state.row, token);
    assert_eq!(state.grant.approval, approval);
    assert!(state.is_live(world.now()) && !state.is_live(Timestamp::from_millis(i64::MAX)));
}

async fn one_token_is_revoked_by_itself(world: &World) {
    let store = world.open().await;
    let (issued, _, token) = family(&store, world.now()).await;
    let revoked = || event(AuditKind::TokenRevoked, world.now());

    assert!(store.revoke_token(&token.jti, revoked()).await.unwrap().is_some());

    assert!(store.revoke_token(&token.jti, revoked()).await.unwrap().is_none());
    assert!(!store.token(&token.jti).await.unwrap().unwrap().is_live(world.now()));
    assert!(store.grant(issued.grant()).await.unwrap().unwrap().is_live(world.now()));
}
