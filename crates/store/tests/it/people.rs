//! Accounts, sessions, and whoever guesses passwords.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::ids::{SessionId, UserId};
use bailiwick_domain::opaque::{Digest, Opaque, SessionCookie};
use bailiwick_store::{Attempt, NewSession, NewUser, Store};

use crate::world::{Dice, World, event, race};

on_every_engine![
    one_person_is_the_first,
    a_name_is_taken_in_any_spelling,
    a_session_lives_until_it_is_idle_over_or_closed,
    a_disabled_user_has_no_session,
    nobody_closes_anothers_session,
    guesses_made_side_by_side_are_counted,
    a_success_forgives,
];

fn person(name: &str, world: &World) -> NewUser {
    let password_phc = "$argon2id$v=19$…".to_owned();
    NewUser::new(UserId::draw(&Dice), name.to_owned(), password_phc, world.now())
}

async fn one_person_is_the_first(world: &World) {
    let stores = world.open_two().await;
    assert!(!stores[0].any_user().await.unwrap());

    let ends = race(8, |n| {
        let (store, person) = (stores[n % 2].clone(), person(&format!("p{n}"), world));
        let event = event(AuditKind::UserCreated, world.now());
        async move { store.create_first_user(person, event).await.unwrap() }
    })
    .await;

    assert_eq!(ends.iter().filter(|first| **first).count(), 1);
    assert!(stores[1].any_user().await.unwrap());
    assert_eq!(world.number("SELECT COUNT(*) FROM users").await, 1);
}

async fn a_name_is_taken_in_any_spelling(world: &World) {
    let store = world.open().await;
    let ada = person("Ada", world);
    let created = || event(AuditKind::UserCreated, world.now());

    assert!(store.create_user(ada.clone(), created()).await.unwrap());
    assert!(!store.create_user(person("ADA", world), created()).await.unwrap());
    assert!(!store.create_first_user(person("bob", world), created()).await.unwrap());

    let found = store.user_by_name("ada").await.unwrap().unwrap();
    assert_eq!((found.id, found.name.as_str(), found.disabled), (ada.id, "Ada", false));
    assert!(store.user_by_name("bob").await.unwrap().is_none());
    assert_eq!(world.number("SELECT COUNT(*) FROM audit").await, 1);
}

async fn signed_in(store: &Store, world: &World) -> (NewSession, Digest<SessionCookie>) {
    let ada = person("ada", world);
    let user = ada.id.clone();
    store.create_user(ada, event(AuditKind::UserCreated, world.now())).await.unwrap();
    let digest = Opaque::<SessionCookie>::mint(&Dice).digest();
    let session = NewSession {
        id: SessionId::draw(&Dice),
        digest: digest.clone(),
        user,
        auth_time: world.now(),
        idle_until: world.now().after(Duration::from_mins(1)),
        expires_at: world.now().after(Duration::from_secs(100)),
        agent: "a browser".to_owned(),
        origin: None,
    };
    store.open_session(session.clone(), event(AuditKind::LoginSucceeded, world.now())).await.unwrap();
    (session, digest)
}

async fn a_session_lives_until_it_is_idle_over_or_closed(world: &World) {
    let store = world.open().await;
    let (session, digest) = signed_in(&store, world).await;

    assert_eq!(store.session(&digest, world.now()).await.unwrap().unwrap().user, session.user);
    assert!(store.session(&digest, session.idle_until).await.unwrap().is_none());
    store.touch_session(&session.id, session.expires_at.after(Duration::from_mins(1))).await.unwrap();
    assert!(store.session(&digest, session.idle_until).await.unwrap().is_some());
    assert!(store.session(&digest, session.expires_at).await.unwrap().is_none());

    assert_eq!(store.sessions_of(&session.user, world.now()).await.unwrap().len(), 1);
    let closed = event(AuditKind::SessionClosed, world.now());
    assert!(store.close_session(&session.id, &session.user, closed).await.unwrap());
    assert!(store.session(&digest, world.now()).await.unwrap().is_none());
}

async fn a_disabled_user_has_no_session(world: &World) {
    let store = world.open().await;
    let (session, digest) = signed_in(&store, world).await;

    store.disable_user(&session.user, event(AuditKind::RequestRefused, world.now())).await.unwrap();

    assert!(store.session(&digest, world.now()).await.unwrap().is_none());
}

async fn nobody_closes_anothers_session(world: &World) {
    let store = world.open().await;
    let (session, digest) = signed_in(&store, world).await;
    let closed = event(AuditKind::SessionClosed, world.now());

    assert!(!store.close_session(&session.id, &UserId::draw(&Dice), closed).await.unwrap());

    assert!(store.session(&digest, world.now()).await.unwrap().is_some());
}

async fn guesses_made_side_by_side_are_counted(world: &World) {
    let stores = world.open_two().await;

    let ends = race(20, |n| {
        let (store, now) = (stores[n % 2].clone(), world.now());
        async move { store.attempt("ada", now).await.unwrap() }
    })
    .await;

    assert_eq!(ends.iter().filter(|end| **end == Attempt::Go).count(), 5);
    assert!(ends.contains(&Attempt::Wait(Duration::from_secs(1))));
    assert_eq!(stores[0].attempt("bob", world.now()).await.unwrap(), Attempt::Go);
    world.pass(Duration::from_secs(1));
    assert_eq!(stores[0].attempt("ada", world.now()).await.unwrap(), Attempt::Go);
    assert_eq!(stores[0].attempt("ada", world.now()).await.unwrap(), Attempt::Wait(Duration::from_secs(2)));
    world.pass(Duration::from_secs(1));
    stores[0].failed("ada", world.now()).await.unwrap();
    assert_eq!(stores[0].attempt("ada", world.now()).await.unwrap(), Attempt::Wait(Duration::from_secs(2)));
}

async fn a_success_forgives(world: &World) {
    let store = world.open().await;
    for _ in 0..5 {
        store.attempt("ada", world.now()).await.unwrap();
    }

    store.succeeded("ada").await.unwrap();

    assert_eq!(store.attempt("ada", world.now()).await.unwrap(), Attempt::Go);
}
