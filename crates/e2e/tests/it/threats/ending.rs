//! Endings: what is revoked at the root is dead in every branch, at once and for good.

use bailiwick_e2e::agents::Agent;
use bailiwick_e2e::handing::{ALL, along, call, handed_to, house};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::{App, Setup, Tokens, World};

use super::chain::{FOUR, LINE, agent};
use super::refused;
use crate::operators::{administer, administer_json};

/// A chain of four with everything it left behind.
struct Line {
    app: App,
    held: Vec<Tokens>,
}

async fn line(world: &World) -> Line {
    let (app, front) = handed_to(world, "alpha", ALL).await;
    let mut held = vec![front];
    for (name, to) in FOUR.iter().zip(["bravo", "charlie", "delta", "notes"]) {
        let from = held.last().unwrap().access.clone();
        held.push(agent(world, name).exchange(&from, to).await.unwrap());
    }
    assert!(call(world, &held[4].access, "look").await.is_result());
    Line { app, held }
}

impl Line {
    /// Nothing of it opens or begets anything.
    async fn is_dead(&self, world: &World, upstream: &Honeypot) {
        let before = upstream.calls();
        let answer = call(world, &self.held[4].access, "look").await;
        assert_eq!((answer.status.as_u16(), upstream.calls()), (401, before), "{}", answer.text);
        for (token, name) in self.held.iter().zip(FOUR) {
            // A finished token that is exchanged once more must not come to life again.
            refused(Agent::new(&world.base, name).exchange(&token.access, "notes").await, "invalid_grant");
        }
        assert!(self.app.refresh(self.held[0].refresh.as_deref().unwrap()).await.is_err());
    }
}

fn four(upstream: &Honeypot) -> Setup {
    house(upstream, "", &LINE)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t21_the_end_of_a_grant_is_the_end_of_its_chain_and_survives_a_restart() {
    let upstream = Honeypot::start().await;
    let setup = four(&upstream);
    let world = setup.clone().start();
    let (line, other) = (line(&world).await, along(&world, &["alpha"], ALL).await);

    assert!(line.app.revoke(line.held[0].refresh.as_deref().unwrap()).await.is_success());

    line.is_dead(&world, &upstream).await;
    assert!(call(&world, &other[1].access, "look").await.is_result(), "another grant goes on");
    let world = setup.after(&world.kill()).start();
    line.is_dead(&world, &upstream).await;
    assert!(call(&world, &other[1].access, "look").await.is_result());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t21_the_end_of_an_account_is_the_end_of_every_chain_for_it() {
    let upstream = Honeypot::start().await;
    let setup = four(&upstream);
    let world = setup.clone().start();
    let line = line(&world).await;

    administer_json(world.data(), &["users", "disable", "alice"]);

    line.is_dead(&world, &upstream).await;
    administer(world.data(), &["users", "enable", "alice"]).unwrap();
    line.is_dead(&world, &upstream).await;
    let world = setup.after(&world.stop()).start();
    line.is_dead(&world, &upstream).await;
}

/// Of what an agent takes back in the middle of a chain nothing more is made, however far below.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t21_nothing_is_made_of_a_token_that_was_ended_or_of_what_came_of_it() {
    let upstream = Honeypot::start().await;
    let setup = four(&upstream);
    let world = setup.clone().start();
    let line = line(&world).await;
    let again = agent(&world, "alpha").exchange(&line.held[0].access, "notes").await.unwrap();

    // Bravo ends the token it obtained for charlie (RFC 7009): its own branch.
    let fields = [("token", line.held[2].access.as_str())];
    assert!(agent(&world, "bravo").post("/revoke", &fields).await.0.is_success());

    for (token, name) in line.held.iter().zip(FOUR).skip(2) {
        refused(Agent::new(&world.base, name).exchange(&token.access, "notes").await, "invalid_grant");
    }
    assert!(call(&world, &again.access, "look").await.is_result(), "another branch goes on");
    assert!(agent(&world, "bravo").exchange(&line.held[1].access, "notes").await.is_ok(), "what lies above goes on");
    let world = setup.after(&world.kill()).start();
    refused(agent(&world, "charlie").exchange(&line.held[2].access, "notes").await, "invalid_grant");
    assert!(call(&world, &again.access, "look").await.is_result());
}

/// An agent taken out of the file is out of every chain, wherever it stands in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t21_an_agent_that_is_no_more_ends_the_chains_it_stands_in() {
    let upstream = Honeypot::start().await;
    let world = four(&upstream).start();
    let line = line(&world).await;
    let ended = world.stop();
    let rest: Vec<(&str, &str)> = vec![("alpha", "may_call = [\"notes\"]"), LINE[2], LINE[3], LINE[4]];
    let world = house(&upstream, "", &rest).after(&ended).start();
    let before = upstream.calls();

    let answer = call(&world, &line.held[4].access, "look").await;

    assert!(!answer.is_result() && upstream.calls() == before, "{} {}", answer.status, answer.text);
    refused(agent(&world, "charlie").exchange(&line.held[2].access, "notes").await, "actor_unauthorized");
    refused(agent(&world, "bravo").exchange(&line.held[1].access, "notes").await, "invalid_client");
    assert!(
        agent(&world, "alpha").exchange(&line.held[0].access, "notes").await.is_ok(),
        "what it has no part in goes on"
    );
}
