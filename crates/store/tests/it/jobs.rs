//! Grants for long jobs, and the race for their budgets.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::grant::{Approval, Job};
use bailiwick_domain::ids::UserId;
use bailiwick_store::{Budget, Derivation, Derived, Spent, Store, TokenRow};

use crate::world::{Dice, World, approval, client, event, race, token};

on_every_engine![
    a_budget_is_spent_once_a_call_however_many_want_it,
    a_job_is_in_force_at_once_and_lasts_over_a_restart,
    a_budget_ends_with_its_grant,
    only_who_gave_a_job_gives_it_more,
    a_grant_without_a_budget_has_none,
];

/// A job of this user's, with so many calls, for two hours.
async fn given(store: &Store, user: &UserId, budget: Option<u32>, world: &World) -> Approval {
    let agents = ["agent".to_owned()].into();
    let mut approval = approval(user, &client("agent"), world.now());
    approval.expires_at = world.now().after(Duration::from_hours(2));
    approval.job = Some(Job { reason: "Sort the mail".to_owned(), agents, budget });
    let event = event(AuditKind::ConsentGiven, world.now()).approval(&approval);
    store.give_job(approval.clone(), client("agent"), event).await.unwrap();
    approval
}

async fn spend(store: &Store, job: &Approval, world: &World) -> Spent {
    let event = event(AuditKind::ToolCalled, world.now()).grant(&job.grant);
    store.spend(&job.grant, event).await.unwrap()
}

async fn a_budget_is_spent_once_a_call_however_many_want_it(world: &World) {
    let stores = world.open_two().await;
    let job = given(&stores[0], &UserId::draw(&Dice), Some(20), world).await;

    let ends = race(200, |n| {
        let (store, grant) = (stores[n % 2].clone(), job.grant.clone());
        let event = event(AuditKind::ToolCalled, world.now()).grant(&grant);
        async move { store.spend(&grant, event).await.unwrap() }
    })
    .await;

    let mut left: Vec<u32> =
        ends.iter().filter_map(|end| if let Spent::One { left } = end { Some(*left) } else { None }).collect();
    left.sort_unstable();
    assert_eq!(left, (0..20).collect::<Vec<_>>(), "exactly twenty, each with a number of its own");
    assert_eq!(ends.iter().filter(|end| **end == Spent::Over { calls: 20 }).count(), 180);
    assert_eq!(stores[1].budget(&job.grant).await.unwrap(), Some(Budget { calls: 20, spent: 20 }));
    assert_eq!(world.number("SELECT COUNT(*) FROM audit WHERE kind = 'tool_called'").await, 20);
}

async fn a_job_is_in_force_at_once_and_lasts_over_a_restart(world: &World) {
    let user = UserId::draw(&Dice);
    let store = world.open().await;
    let job = given(&store, &user, Some(3), world).await;
    assert_eq!(spend(&store, &job, world).await, Spent::One { left: 2 });
    store.close().await;

    let store = world.open().await;
    let listed = store.grants_of(&user, world.now()).await.unwrap();
    assert_eq!(listed.iter().map(|row| &row.approval).collect::<Vec<_>>(), [&job]);
    assert_eq!(spend(&store, &job, world).await, Spent::One { left: 1 });
    world.pass(Duration::from_hours(1));
    let row = TokenRow { hop: 1, ..token(&job, world.now()) };
    let derivation =
        Derivation { line: Vec::new(), steps: Vec::new(), actors: Vec::new(), token: row, now: world.now() };
    let derived = store.derive(derivation, event(AuditKind::TokenExchanged, world.now())).await.unwrap();
    assert_eq!(derived, Derived::Fresh);
}

async fn a_budget_ends_with_its_grant(world: &World) {
    let store = world.open().await;
    let revoked = given(&store, &UserId::draw(&Dice), Some(3), world).await;
    let over = given(&store, &UserId::draw(&Dice), Some(3), world).await;

    let end = event(AuditKind::GrantRevoked, world.now());
    assert!(store.revoke_grant(&revoked.grant, "enough", end).await.unwrap());
    assert_eq!(spend(&store, &revoked, world).await, Spent::Ended);

    assert_eq!(spend(&store, &over, world).await, Spent::One { left: 2 });
    world.pass(Duration::from_hours(2));
    assert_eq!(spend(&store, &over, world).await, Spent::Ended);
}

async fn only_who_gave_a_job_gives_it_more(world: &World) {
    let store = world.open().await;
    let (user, stranger) = (UserId::draw(&Dice), UserId::draw(&Dice));
    let job = given(&store, &user, Some(1), world).await;
    assert_eq!(spend(&store, &job, world).await, Spent::One { left: 0 });
    assert_eq!(spend(&store, &job, world).await, Spent::Over { calls: 1 });

    let changed = || event(AuditKind::ConsentGiven, world.now()).grant(&job.grant);
    assert!(!store.set_budget(&stranger, &job.grant, 9, changed()).await.unwrap());
    assert_eq!(spend(&store, &job, world).await, Spent::Over { calls: 1 });
    assert!(store.set_budget(&user, &job.grant, 2, changed()).await.unwrap());
    assert_eq!(spend(&store, &job, world).await, Spent::One { left: 0 });

    assert!(store.set_budget(&user, &job.grant, 1, changed()).await.unwrap(), "less than was spent is just over");
    assert_eq!(spend(&store, &job, world).await, Spent::Over { calls: 1 });
    assert_eq!(world.number("SELECT COUNT(*) FROM audit WHERE kind = 'consent_given'").await, 3);
}

async fn a_grant_without_a_budget_has_none(world: &World) {
    let store = world.open().await;
    let user = UserId::draw(&Dice);
    let job = given(&store, &user, None, world).await;

    assert_eq!(store.budget(&job.grant).await.unwrap(), None);
    assert_eq!(spend(&store, &job, world).await, Spent::Ended);
    let changed = event(AuditKind::ConsentGiven, world.now());
    assert!(!store.set_budget(&user, &job.grant, 9, changed).await.unwrap());
}
