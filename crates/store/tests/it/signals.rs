//! What a login provider ends here, once.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::ids::{SessionId, UserId};
use bailiwick_domain::opaque::{Opaque, SessionCookie};
use bailiwick_store::{
    Arrival, Identity, NO_PASSWORD, NewSession, NewUser, Origin, Signal, SignalEnd, Silenced, Store,
};

use crate::world::{Dice, World, event, issued_to};

on_every_engine![
    a_session_an_account_or_everything_ends,
    a_signal_counts_once,
    a_stranger_ends_nothing,
    heard_signals_are_forgotten_once_they_are_over,
];

const ISSUER: &str = "https://login.example.com";

async fn person(store: &Store, subject: &str, world: &World) -> UserId {
    let identity = Identity {
        issuer: ISSUER.to_owned(),
        subject: subject.to_owned(),
        provider: "corp".to_owned(),
        email: None,
        groups: Vec::new(),
    };
    let account = NewUser::new(UserId::draw(&Dice), format!("corp/{subject}"), NO_PASSWORD.to_owned(), world.now());
    let (created, changed) =
        (event(AuditKind::UserCreated, world.now()), event(AuditKind::IdentityChanged, world.now()));
    store.land(Arrival { identity, account, created, changed }).await.unwrap().user
}

async fn browser(store: &Store, user: &UserId, session: Option<&str>, world: &World) {
    let until = world.now().after(Duration::from_hours(1));
    let new = NewSession {
        id: SessionId::draw(&Dice),
        digest: Opaque::<SessionCookie>::mint(&Dice).digest(),
        user: user.clone(),
        auth_time: world.now(),
        idle_until: until,
        expires_at: until,
        agent: "a browser".to_owned(),
        origin: Some(Origin { issuer: ISSUER.to_owned(), session: session.map(str::to_owned) }),
    };
    store.open_session(new, event(AuditKind::LoginSucceeded, world.now())).await.unwrap();
}

async fn hear(store: &Store, jti: &str, ends: SignalEnd, world: &World) -> Silenced {
    let expires_at = world.now().after(Duration::from_mins(5));
    let signal = Signal { issuer: ISSUER.to_owned(), jti: jti.to_owned(), expires_at, ends };
    store.hear(signal, event(AuditKind::SignalReceived, world.now())).await.unwrap()
}

fn browsers(subject: Option<&str>, session: Option<&str>) -> SignalEnd {
    SignalEnd::Browsers { subject: subject.map(str::to_owned), session: session.map(str::to_owned) }
}

fn done(sessions: u64, grants: u64) -> Silenced {
    Silenced::Done { sessions, grants }
}

async fn a_session_an_account_or_everything_ends(world: &World) {
    let store = world.open().await;
    let (ada, bob) = (person(&store, "u-1", world).await, person(&store, "u-2", world).await);
    for (user, session) in [(&ada, "s-1"), (&ada, "s-2"), (&ada, "s-3"), (&bob, "s-4")] {
        browser(&store, user, Some(session), world).await;
    }
    let grant = issued_to(&store, &ada, world.now()).await;

    assert_eq!(hear(&store, "a", browsers(None, Some("s-1")), world).await, done(1, 0));
    assert_eq!(hear(&store, "b", browsers(Some("u-2"), Some("s-2")), world).await, done(0, 0), "another's session");
    assert_eq!(hear(&store, "c", browsers(Some("u-1"), Some("s-2")), world).await, done(1, 0));
    assert_eq!(hear(&store, "d", browsers(Some("u-1"), None), world).await, done(1, 0));
    assert!(store.grant(grant.grant()).await.unwrap().unwrap().is_live(world.now()), "a logout ends no grant");
    browser(&store, &ada, None, world).await;
    let everything = SignalEnd::Everything { subject: "u-1".to_owned() };
    assert_eq!(hear(&store, "e", everything, world).await, done(1, 1));

    let ended = store.grant(grant.grant()).await.unwrap().unwrap();
    assert!(!ended.is_live(world.now()));
    assert_eq!(ended.revoke_reason.as_deref(), Some("the login provider ended it"));
    assert_eq!(store.sessions_of(&bob, world.now()).await.unwrap().len(), 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM feed WHERE kind = 'grant'").await, 1);
}

async fn a_signal_counts_once(world: &World) {
    let stores = world.open_two().await;
    let ada = person(&stores[0], "u-1", world).await;
    browser(&stores[0], &ada, None, world).await;
    let now = world.now();
    let ends = crate::world::race(8, |n| {
        let store = stores[n % 2].clone();
        let ends = browsers(Some("u-1"), None);
        let signal = Signal { issuer: ISSUER.to_owned(), jti: "a".to_owned(), expires_at: now, ends };
        let event = event(AuditKind::SignalReceived, now);
        async move { store.hear(signal, event).await.unwrap() }
    })
    .await;

    assert_eq!(ends.iter().filter(|end| **end == done(1, 0)).count(), 1, "{ends:?}");
    assert_eq!(ends.iter().filter(|end| **end == Silenced::Repeated).count(), 7);
    assert_eq!(world.number("SELECT COUNT(*) FROM audit WHERE kind = 'signal_received'").await, 1);
}

async fn a_stranger_ends_nothing(world: &World) {
    let store = world.open().await;
    let ada = person(&store, "u-1", world).await;
    browser(&store, &ada, None, world).await;

    assert_eq!(hear(&store, "a", browsers(Some("u-9"), None), world).await, done(0, 0));
    assert_eq!(hear(&store, "b", SignalEnd::Everything { subject: "u-9".to_owned() }, world).await, done(0, 0));
    assert_eq!(hear(&store, "c", browsers(None, Some("s-9")), world).await, done(0, 0));

    assert_eq!(store.sessions_of(&ada, world.now()).await.unwrap().len(), 1);
}

async fn heard_signals_are_forgotten_once_they_are_over(world: &World) {
    let store = world.open().await;
    hear(&store, "a", browsers(Some("u-9"), None), world).await;
    world.pass(Duration::from_mins(5));

    store.sweep(world.now()).await.unwrap();

    assert_eq!(world.number("SELECT COUNT(*) FROM signals").await, 0);
}
