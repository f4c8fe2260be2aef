//! Links to connect by: one per person, provider and client, used once, over when their time is.

use std::time::Duration;

use bailiwick_domain::ids::{ClientId, UserId};
use bailiwick_domain::opaque::{ConnectTicket, Digest, Opaque};
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{Store, Ticket, TicketLook};

use crate::world::{Dice, World, race};

on_every_engine![
    a_link_is_given_out_again_while_it_waits,
    of_all_who_use_a_link_one_does,
    a_link_is_over_in_its_time_and_then_forgotten,
];

const LIFE: Duration = Duration::from_mins(15);

fn ticket(user: &UserId, now: Timestamp) -> Ticket {
    Ticket {
        user: user.clone(),
        provider: "crm".to_owned(),
        client: ClientId::parse("agent").unwrap(),
        server: "crm".to_owned(),
        tool: Some("crm_find".to_owned()),
        expires_at: now.after(LIFE),
    }
}

async fn open(world: &World, store: &Store, ticket: &Ticket) -> Digest<ConnectTicket> {
    let link = store.open_ticket(Opaque::mint(&Dice), ticket.clone(), world.now()).await.unwrap();
    Opaque::<ConnectTicket>::parse(&link).unwrap().digest()
}

async fn a_link_is_given_out_again_while_it_waits(world: &World) {
    let store = world.open().await;
    let ada = ticket(&UserId::draw(&Dice), world.now());
    let first = open(world, &store, &ada).await;

    for _ in 0..5 {
        assert!(open(world, &store, &ada).await == first);
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM connect_tickets").await, 1);
    let elsewhere = Ticket { client: ClientId::parse("other").unwrap(), ..ada.clone() };
    assert!(open(world, &store, &elsewhere).await != first);
    assert!(open(world, &store, &ticket(&UserId::draw(&Dice), world.now())).await != first);

    world.pass(Duration::from_mins(11));
    let second = open(world, &store, &ticket(&ada.user, world.now())).await;
    assert!(second != first, "too little time is left on it");
    store.use_ticket(&second, world.now()).await.unwrap();
    assert!(open(world, &store, &ticket(&ada.user, world.now())).await != second);
    assert!(!world.text("SELECT sealed FROM connect_tickets LIMIT 1").await.unwrap().contains("bw_ct_"));
}

async fn of_all_who_use_a_link_one_does(world: &World) {
    let stores = world.open_two().await;
    let ada = ticket(&UserId::draw(&Dice), world.now());
    let digest = open(world, &stores[0], &ada).await;
    assert_eq!(stores[1].ticket(&digest, world.now()).await.unwrap(), TicketLook::Open(ada));
    let now = world.now();

    let ends = race(50, |n| {
        let (store, digest) = (stores[n % 2].clone(), digest.clone());
        async move { store.use_ticket(&digest, now).await.unwrap() }
    })
    .await;

    assert_eq!(ends.iter().filter(|won| **won).count(), 1);
    assert_eq!(stores[1].ticket(&digest, now).await.unwrap(), TicketLook::Used);
}

async fn a_link_is_over_in_its_time_and_then_forgotten(world: &World) {
    let store = world.open().await;
    let digest = open(world, &store, &ticket(&UserId::draw(&Dice), world.now())).await;
    assert_eq!(
        store.ticket(&Opaque::<ConnectTicket>::mint(&Dice).digest(), world.now()).await.unwrap(),
        TicketLook::Unknown
    );

    world.pass(LIFE);

    assert!(!store.use_ticket(&digest, world.now()).await.unwrap());
    store.sweep(world.now()).await.unwrap();
    assert_eq!(store.ticket(&digest, world.now()).await.unwrap(), TicketLook::Used);
    store.sweep(world.now().after(Duration::from_hours(24))).await.unwrap();
    assert_eq!(store.ticket(&digest, world.now()).await.unwrap(), TicketLook::Unknown);
}
