//! Federated accounts and the sign-ins that lead to them.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::opaque::{BrowserCookie, Digest, LoginState, Opaque};
use bailiwick_store::{Arrival, Identity, NewUser, UpstreamLogin};

use crate::world::{Dice, World, event, race};

on_every_engine![
    one_subject_has_one_account,
    a_taken_name_is_made_longer,
    what_the_provider_says_now_replaces_what_it_said,
    a_disabled_account_is_not_landed_in,
    a_sign_in_is_finished_once,
    a_sign_in_under_way_is_swept_when_it_is_over,
];

fn arrival(world: &World, subject: &str, groups: &[&str]) -> Arrival {
    Arrival {
        identity: Identity {
            issuer: "https://login.example.com".to_owned(),
            subject: subject.to_owned(),
            provider: "corp".to_owned(),
            email: Some("ada@example.com".to_owned()),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        },
        account: NewUser {
            email: Some("ada@example.com".to_owned()),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            provider: Some("corp".to_owned()),
            ..NewUser::new(UserId::draw(&Dice), "corp/ada".to_owned(), "!".to_owned(), world.now())
        },
        created: event(AuditKind::UserCreated, world.now()),
        changed: event(AuditKind::IdentityChanged, world.now()),
    }
}

async fn one_subject_has_one_account(world: &World) {
    let stores = world.open_two().await;

    let landed = race(8, |n| {
        let (store, arrival) = (stores[n % 2].clone(), arrival(world, "u-1", &[]));
        async move { store.land(arrival).await.unwrap() }
    })
    .await;

    assert!(landed.iter().all(|one| *one == landed[0] && !one.disabled), "{landed:?}");
    assert_eq!(world.number("SELECT COUNT(*) FROM users").await, 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM audit").await, 1);
}

async fn a_taken_name_is_made_longer(world: &World) {
    let store = world.open().await;
    let first = store.land(arrival(world, "u-1", &[])).await.unwrap().user;
    let second = store.land(arrival(world, "u-2", &[])).await.unwrap().user;

    assert_eq!(store.user(&first).await.unwrap().unwrap().name, "corp/ada");
    assert_eq!(store.user(&second).await.unwrap().unwrap().name, "corp/ada-2");
    for n in 3..=22 {
        store.land(arrival(world, &format!("u-{n}"), &[])).await.unwrap();
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM users").await, 22);
}

async fn what_the_provider_says_now_replaces_what_it_said(world: &World) {
    let store = world.open().await;
    let user = store.land(arrival(world, "u-1", &["dev", "ops"])).await.unwrap().user;
    let same = store.land(arrival(world, "u-1", &["dev", "ops"])).await.unwrap().user;
    assert_eq!(world.number("SELECT COUNT(*) FROM audit").await, 1, "nothing changed");
    store.land(arrival(world, "u-1", &["dev"])).await.unwrap();

    let identity = store.identity_of(&user).await.unwrap().unwrap();
    assert_eq!((same, identity.groups), (user, vec!["dev".to_owned()]));
    assert_eq!(world.number("SELECT COUNT(*) FROM audit WHERE kind = 'identity_changed'").await, 1);
    assert!(store.identity_of(&UserId::draw(&Dice)).await.unwrap().is_none());
}

async fn a_disabled_account_is_not_landed_in(world: &World) {
    let store = world.open().await;
    let user = store.land(arrival(world, "u-1", &["dev"])).await.unwrap().user;
    store.disable_user(&user, event(AuditKind::RequestRefused, world.now())).await.unwrap();

    assert!(store.land(arrival(world, "u-1", &["admins"])).await.unwrap().disabled);

    assert_eq!(store.identity_of(&user).await.unwrap().unwrap().groups, ["dev"]);
}

async fn under_way(world: &World, store: &bailiwick_store::Store) -> Digest<LoginState> {
    let state = Opaque::<LoginState>::mint(&Dice).digest();
    let browser = Opaque::<BrowserCookie>::mint(&Dice).digest();
    let login = UpstreamLogin { sealed: "sealed".to_owned(), browser };
    store.begin_upstream_login(&state, login, world.now().after(Duration::from_mins(10))).await.unwrap();
    state
}

async fn a_sign_in_is_finished_once(world: &World) {
    let stores = world.open_two().await;
    let state = under_way(world, &stores[0]).await;
    assert!(stores[1].upstream_login(&state, world.now()).await.unwrap().is_some());

    let ends = race(8, |n| {
        let (store, state, now) = (stores[n % 2].clone(), state.clone(), world.now());
        async move { store.finish_upstream_login(&state, now).await.unwrap() }
    })
    .await;

    assert_eq!(ends.iter().filter(|first| **first).count(), 1);
    assert!(stores[0].upstream_login(&state, world.now()).await.unwrap().is_none());
}

async fn a_sign_in_under_way_is_swept_when_it_is_over(world: &World) {
    let store = world.open().await;
    let state = under_way(world, &store).await;
    let over = world.now().after(Duration::from_mins(10));

    assert!(store.upstream_login(&state, over).await.unwrap().is_none());
    assert!(!store.finish_upstream_login(&state, over).await.unwrap());
    assert!(store.sweep(over).await.unwrap() >= 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM upstream_logins").await, 0);
}
