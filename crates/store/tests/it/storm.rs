//! Storms: the promises again, with many at once. `BAILIWICK_STORM` says how many: `full`, or codes and families as
//! in `5000/500`.

use std::time::{Duration, Instant};

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::grant::{CodeReplay, Reuse, judge_replay, judge_reuse};
use bailiwick_store::{CodeState, Redeemed, RefreshRow, Rotated, Rotation, Store};

use crate::world::{Issued, World, event, family, issued, race, refresh_token, token, variable};

/// How many callers want the same code.
pub const CALLERS: usize = 16;
/// How many callers present the same refresh token.
const HOLDERS: usize = 8;
/// How many codes are fought over at the same time.
const ABREAST: usize = 32;

on_every_engine![codes_in_a_storm_have_one_winner_each, families_in_a_storm_have_one_live_successor_each];

/// How many codes and how many families.
pub fn size() -> (usize, usize) {
    let Some(asked) = variable("BAILIWICK_STORM") else { return (200, 50) };
    let asked = if asked == "full" { "5000/500" } else { asked.as_str() };
    let (codes, families) = asked.split_once('/').unwrap();
    (codes.parse().unwrap(), families.parse().unwrap())
}

/// Lets all callers redeem every code at once; answers, per code, how many were told that they won and that they lost.
pub async fn redeem_all(stores: &[Store; 2], codes: &[Issued], world: &World) -> Vec<(usize, usize)> {
    let mut ends = Vec::new();
    for abreast in codes.chunks(ABREAST) {
        let told = race(abreast.len() * CALLERS, |n| {
            let (store, redemption) = (stores[n % 2].clone(), abreast[n / CALLERS].redemption(world.now()));
            let event = event(AuditKind::CodeRedeemed, world.now());
            async move { store.redeem(redemption, event).await.unwrap() }
        })
        .await;
        for told in told.chunks(CALLERS) {
            let count = |wanted| told.iter().filter(|end| **end == wanted).count();
            ends.push((count(Redeemed::Fresh), count(Redeemed::Lost)));
        }
    }
    ends
}

pub async fn issue(store: &Store, count: usize, world: &World) -> Vec<Issued> {
    let mut codes = Vec::new();
    while codes.len() < count {
        let some = race(ABREAST.min(count - codes.len()), |_| {
            let (store, now) = (store.clone(), world.now());
            async move { issued(&store, now).await }
        });
        codes.extend(some.await);
    }
    codes
}

async fn codes_in_a_storm_have_one_winner_each(world: &World) {
    let stores = world.open_two().await;
    let codes = issue(&stores[0], size().0, world).await;
    let began = Instant::now();

    let ends = redeem_all(&stores, &codes, world).await;

    report(&stores[0], "redemptions asked for", ends.len() * CALLERS, began);
    assert!(ends.iter().all(|end| *end == (1, CALLERS - 1)), "{ends:?}");
    let count = i64::try_from(codes.len()).unwrap();
    assert_eq!(world.number("SELECT COUNT(*) FROM access_tokens").await, count);
    assert_eq!(world.number("SELECT COUNT(*) FROM refresh_tokens").await, count);
    assert_eq!(world.number("SELECT COUNT(*) FROM audit WHERE kind = 'code_redeemed'").await, count);
    assert!(world.verify(&stores[0]).await.is_whole());
    replay_all(&stores[1], &codes, world).await;
}

/// Brings every code again, 10 s later, and judges it as the token endpoint does.
async fn replay_all(store: &Store, codes: &[Issued], world: &World) {
    world.pass(Duration::from_millis(10_001));
    for code in codes {
        let state = store.code(&code.code, world.now()).await.unwrap();
        let CodeState::Redeemed { grant, redeemed_at, .. } = state else { panic!("{state:?}") };
        assert_eq!(judge_replay(redeemed_at, world.now()), CodeReplay::RevokeGrant);
        let replayed = event(AuditKind::CodeReplayed, world.now());
        assert!(store.revoke_grant(&grant, "code_replayed", replayed).await.unwrap());
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM grants WHERE revoked_at IS NULL").await, 0);
}

async fn families_in_a_storm_have_one_live_successor_each(world: &World) {
    let stores = world.open_two().await;
    let mut families = Vec::new();
    for _ in 0..size().1 {
        families.push(family(&stores[0], world.now()).await);
    }
    let began = Instant::now();

    for abreast in families.chunks(ABREAST) {
        let told = race(abreast.len() * HOLDERS, |n| {
            let (issued, first, _) = &abreast[n / HOLDERS];
            refresh(stores[n % 2].clone(), rotation(issued, first, world))
        });
        for told in told.await.chunks(HOLDERS) {
            assert_eq!(told.iter().filter(|(fresh, _)| *fresh).count(), 1);
            assert!(told.iter().all(|(_, answer)| *answer == told[0].1), "two answers to one token");
        }
    }

    report(&stores[0], "refreshes asked for", families.len() * HOLDERS, began);
    let count = i64::try_from(families.len()).unwrap();
    assert_eq!(world.number("SELECT COUNT(*) FROM refresh_tokens WHERE used_at IS NULL").await, count);
    assert_eq!(world.number("SELECT COUNT(*) FROM refresh_tokens").await, count * 2);
    assert_eq!(world.number("SELECT COUNT(*) FROM access_tokens").await, count * 2);
}

fn rotation(issued: &Issued, old: &RefreshRow, world: &World) -> Rotation {
    let successor = refresh_token(issued.grant(), Some(old), world.now());
    Rotation {
        old: old.digest.clone(),
        grant: issued.grant().clone(),
        sealed_response: successor.digest.as_str().to_owned(),
        successor,
        token: token(&issued.code_grant.approval, world.now()),
        now: world.now(),
    }
}

/// Refreshes as the token endpoint does: whether this call won, and the answer it may give.
async fn refresh(store: Store, rotation: Rotation) -> (bool, String) {
    let (now, mine) = (rotation.now, rotation.sealed_response.clone());
    match store.rotate(rotation, event(AuditKind::TokenRefreshed, now)).await.unwrap() {
        Rotated::Fresh => (true, mine),
        Rotated::Lost(state) => {
            assert_eq!(judge_reuse(state.used_at.unwrap(), state.successor_used, now), Reuse::SameAnswer);
            (false, state.sealed_response.unwrap())
        }
        Rotated::Revoked => panic!("revoked"),
    }
}

/// Says how fast it went; nothing hangs on it.
fn report(store: &Store, what: &str, count: usize, began: Instant) {
    eprintln!("{}: {count} {what} in {} ms", store.engine(), began.elapsed().as_millis());
}
