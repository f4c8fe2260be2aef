//! The storm must see the bug it is there for: with the condition replaced by a look and a later write, codes are
//! redeemed many times over. The switch holds for a whole process, so this runs in one of its own (as every test of
//! `cargo nextest` does).

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::control::{Control, switch_off};
use bailiwick_store::{Rotated, Rotation};

use crate::storm::{issue, redeem_all, size};
use crate::world::{World, event, family, race, refresh_token, token};

on_every_engine![a_look_before_the_write_redeems_codes_twice, a_look_before_the_write_forks_families];

async fn a_look_before_the_write_redeems_codes_twice(world: &World) {
    let stores = world.open_two().await;
    let codes = issue(&stores[0], size().0, world).await;
    switch_off(Control::CodeOnce);

    let ends = redeem_all(&stores, &codes, world).await;

    let twice = ends.iter().filter(|(won, _)| *won > 1).count();
    eprintln!("{}: {twice} of {} codes were redeemed more than once", stores[0].engine(), codes.len());
    assert!(twice * 10 > codes.len() * 9, "the storm does not see the bug: {twice} of {}", codes.len());
}

async fn a_look_before_the_write_forks_families(world: &World) {
    let stores = world.open_two().await;
    let count = size().1;
    switch_off(Control::RefreshOnce);
    let mut forked = 0;
    for _ in 0..count {
        let (issued, first, _) = family(&stores[0], world.now()).await;

        let ends = race(8, |n| {
            let (store, now) = (stores[n % 2].clone(), world.now());
            let rotation = Rotation {
                old: first.digest.clone(),
                grant: issued.grant().clone(),
                successor: refresh_token(issued.grant(), Some(&first), now),
                token: token(&issued.code_grant.approval, now),
                sealed_response: "answer".to_owned(),
                now,
            };
            async move { store.rotate(rotation, event(AuditKind::TokenRefreshed, now)).await.unwrap() }
        })
        .await;

        forked += usize::from(ends.iter().filter(|end| matches!(end, Rotated::Fresh)).count() > 1);
    }

    eprintln!("{}: {forked} of {count} families were forked", stores[0].engine());
    assert!(forked * 10 > count * 9, "the storm does not see the bug: {forked} of {count}");
}
