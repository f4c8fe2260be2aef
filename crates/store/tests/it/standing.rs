//! Accounts and clients that are stopped, and let act again, in every process.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::ids::UserId;
use bailiwick_store::{Coordinates, NewUser, Standing, Store, TokenRow};

use crate::world::{Dice, Issued, World, event, family, issued_to};

on_every_engine![a_stopped_user_is_over_and_an_enabled_one_begins_anew, a_stopped_client_rests_in_every_process];

fn standing(store: &Store, issued: &Issued, token: &TokenRow, world: &World) -> Standing {
    let approval = &issued.code_grant.approval;
    store.revocations().standing(
        &Coordinates::front_door(&approval.grant, &token.jti, approval.user.as_str(), &approval.client),
        world.now(),
    )
}

async fn a_stopped_user_is_over_and_an_enabled_one_begins_anew(world: &World) {
    let store = world.open().await;
    let user = UserId::draw(&Dice);
    let new = NewUser::new(user.clone(), "ada".to_owned(), "$x".to_owned(), world.now());
    assert!(store.create_user(new, event(AuditKind::UserCreated, world.now())).await.unwrap());
    let issued = issued_to(&store, &user, world.now()).await;
    let stop = event(AuditKind::UserDisabled, world.now());

    let ended = store.stop_user(&user, stop.clone()).await.unwrap().unwrap();

    assert_eq!((ended.grants, ended.sessions), (1, 0));
    assert!(store.stop_user(&user, stop).await.unwrap().is_none());
    let back = event(AuditKind::UserEnabled, world.now());
    assert!(store.enable_user(&user, back.clone()).await.unwrap());
    assert!(!store.enable_user(&user, back).await.unwrap());
    assert!(!store.grant(issued.grant()).await.unwrap().unwrap().is_live(world.now()));
    let anew = issued_to(&store, &user, world.now()).await;
    let token = crate::world::token(&anew.code_grant.approval, world.now());
    assert_eq!(standing(&store, &anew, &token, world), Standing::Live);
    let accounts = store.accounts(world.now()).await.unwrap();
    assert_eq!((accounts.len(), accounts[0].disabled_at), (1, None));
}

async fn a_stopped_client_rests_in_every_process(world: &World) {
    let [here, there] = world.open_two().await;
    let (issued, _, token) = family(&here, world.now()).await;
    let client = &issued.code_grant.approval.client;
    let mut heard = there.revocations().subscribe();
    // The clock stands still: only the order of the changes tells which is the later.
    for _ in 0..3 {
        let ended = here.stop_client(client, event(AuditKind::ClientDisabled, world.now())).await.unwrap().unwrap();
        tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
        assert_eq!((ended.grants, ended.last_token), (1, Some(token.expires_at)));
        assert_eq!(standing(&there, &issued, &token, world), Standing::Revoked);

        assert!(here.enable_client(client, event(AuditKind::ClientEnabled, world.now())).await.unwrap());
        tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
        assert_eq!(standing(&there, &issued, &token, world), Standing::Live);
    }
}
