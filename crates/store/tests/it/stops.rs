//! Agents, edges and tools that are stopped, in every process and over every restart; and one token with all below it.

use std::time::Duration;

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::{TokenId, UserId};
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::Resource;
use bailiwick_store::{ChangeKind, Coordinates, Derivation, Derived, Died, Standing, Step, StopKind, Store, TokenRow};

use crate::world::{Dice, Issued, World, approval, client, event, family, token};

on_every_engine![
    a_stop_holds_at_once_and_everywhere,
    a_stop_survives_a_restart_and_what_is_older_than_a_start_stays_dead,
    a_stop_outlives_the_feed,
    a_stop_says_what_died,
    a_token_ends_with_everything_below_it,
    two_stops_at_once_are_one,
    nothing_is_derived_through_what_is_stopped,
    deriving_against_stopping_leaves_nothing_alive,
    deriving_and_revoking_stand_in_one_order,
    a_stopped_agent_gets_nothing_on_its_own_account,
];

fn stopped(world: &World) -> AuditEvent {
    event(AuditKind::AgentStopped, world.now())
}

fn strings(subjects: &[&str]) -> Vec<String> {
    subjects.iter().map(|&subject| subject.to_owned()).collect()
}

/// How a token stands that names the agent `a`, came along its edge to `b`, and was issued then.
fn standing(store: &Store, issued: &Issued, issued_at: Timestamp, world: &World) -> Standing {
    let approval = &issued.code_grant.approval;
    let token = TokenId::from_stored("at_chain");
    let front = Coordinates::front_door(&approval.grant, &token, approval.user.as_str(), &approval.client);
    let edges = strings(&["agent:a->agent:b"]);
    store.revocations().standing(&Coordinates { agents: vec!["a"], edges, issued_at, ..front }, world.now())
}

async fn a_stop_holds_at_once_and_everywhere(world: &World) {
    let [here, there] = world.open_two().await;
    let (issued, _, _) = family(&here, world.now()).await;
    let iat = Timestamp::from_seconds(world.now().seconds());
    let mut heard = there.revocations().subscribe();
    assert_eq!(standing(&here, &issued, iat, world), Standing::Live);
    for (kind, subject) in [(StopKind::Agent, "a"), (StopKind::Edge, "agent:a->agent:b")] {
        assert!(here.stop(kind, strings(&[subject]), stopped(world)).await.unwrap().is_some());

        assert_eq!(standing(&here, &issued, iat, world), Standing::Revoked);
        let told = tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
        assert_eq!(told.subject, subject);
        assert_eq!(standing(&there, &issued, iat, world), Standing::Revoked);
        assert!(here.stop(kind, strings(&[subject]), stopped(world)).await.unwrap().is_none());
        assert!(there.start(kind, strings(&[subject]), stopped(world)).await.unwrap());
        assert!(!there.start(kind, strings(&[subject]), stopped(world)).await.unwrap());
        tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
        assert_eq!(standing(&there, &issued, iat, world), Standing::Revoked, "old tokens stay dead");
    }
    let tool = strings(&["https://mcp.example.com/mcp/notes look"]);
    assert!(here.stop(StopKind::Tool, tool, stopped(world)).await.unwrap().is_some());
    tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
    for store in [&here, &there] {
        assert!(store.revocations().is_tool_stopped("https://mcp.example.com/mcp/notes", "look"));
        assert!(!store.revocations().is_tool_stopped("https://mcp.example.com/mcp/notes", "looks"));
    }
}

async fn a_stop_survives_a_restart_and_what_is_older_than_a_start_stays_dead(world: &World) {
    let store = world.open().await;
    let (issued, _, _) = family(&store, world.now()).await;
    let iat = Timestamp::from_seconds(world.now().seconds());
    store.stop(StopKind::Agent, strings(&["a"]), stopped(world)).await.unwrap();
    store.close().await;

    let store = world.open().await;
    assert_eq!(standing(&store, &issued, iat, world), Standing::Revoked);
    let stops = store.stops().await.unwrap();
    assert_eq!((stops.len(), stops[0].kind, stops[0].subject.as_str()), (1, StopKind::Agent, "a"));
    world.pass(Duration::from_secs(10));
    store.start(StopKind::Agent, strings(&["a"]), stopped(world)).await.unwrap();
    let started = world.now();
    store.close().await;

    let store = world.open().await;
    assert!(store.stops().await.unwrap().is_empty());
    assert_eq!(standing(&store, &issued, iat, world), Standing::Revoked);
    assert_eq!(
        standing(&store, &issued, started, world),
        Standing::Revoked,
        "the second of the start is not told apart"
    );
    assert_eq!(standing(&store, &issued, started.after(Duration::from_secs(1)), world), Standing::Live);
}

async fn a_stop_outlives_the_feed(world: &World) {
    let store = world.open().await;
    let (issued, _, _) = family(&store, world.now()).await;
    store.stop(StopKind::Agent, strings(&["a"]), stopped(world)).await.unwrap();
    store.stop(StopKind::Tool, strings(&["https://x look"]), stopped(world)).await.unwrap();
    store.close().await;
    world.run("DELETE FROM feed").await;
    world.pass(Duration::from_hours(48));

    let store = world.open().await;

    assert_eq!(standing(&store, &issued, world.now(), world), Standing::Revoked);
    assert!(store.revocations().is_tool_stopped("https://x", "look"));
}

/// A chain below the front-door token: `a` for `b`, `b` for `c`, `c` toward a server.
async fn chain(world: &World, front: &TokenRow) -> Vec<TokenId> {
    let mut parent = front.jti.clone();
    let mut made = vec![parent.clone()];
    for (hop, (actor, audience)) in
        [("agent:a", "https://b.example"), ("agent:b", "https://c.example"), ("agent:c", "https://x.example/mcp")]
            .into_iter()
            .enumerate()
    {
        let jti = TokenId::draw(&Dice);
        let audience = Resource::from_stored(audience);
        world
            .run(&format!(
                "INSERT INTO access_tokens (jti, grant_id, parent, hop, actor, audience, scope, issued_at, expires_at)
                 VALUES ('{jti}', '{}', '{parent}', {}, '{actor}', '{}', 'x', {}, {})",
                front.grant,
                hop + 1,
                audience.as_str(),
                world.now().millis(),
                front.expires_at.millis() - i64::try_from(hop).unwrap()
            ))
            .await;
        parent.clone_from(&jti);
        made.push(jti);
    }
    made
}

async fn a_stop_says_what_died(world: &World) {
    let store = world.open().await;
    let (_, _, front) = family(&store, world.now()).await;
    chain(world, &front).await;
    let last = |hop: i64| Some(Timestamp::from_millis(front.expires_at.millis() - hop));
    for (kind, subjects, tokens, last_token) in [
        (StopKind::Agent, strings(&["a"]), 3, last(0)),
        (StopKind::Agent, strings(&["b"]), 2, last(1)),
        (StopKind::Agent, strings(&["unheard-of"]), 0, None),
        (StopKind::Edge, strings(&["agent:b->agent:c", "agent:b->https://c.example"]), 2, last(1)),
        (StopKind::Edge, strings(&["agent:c->https://x.example/mcp"]), 1, last(2)),
        (StopKind::Edge, strings(&["agent:a->https://x.example/mcp"]), 0, None),
        (StopKind::Tool, strings(&["https://x.example/mcp look"]), 0, None),
    ] {
        let died = store.stop(kind, subjects.clone(), stopped(world)).await.unwrap();
        assert_eq!(died, Some(Died { tokens, last_token }), "{subjects:?}");
    }
}

async fn a_token_ends_with_everything_below_it(world: &World) {
    let [here, there] = world.open_two().await;
    let (issued, _, front) = family(&here, world.now()).await;
    let made = chain(world, &front).await;
    let mut heard = there.revocations().subscribe();
    let event = event(AuditKind::TokenRevoked, world.now());

    let died = here.revoke_token(&made[2], event.clone()).await.unwrap().unwrap();

    assert_eq!(died.tokens, 2);
    assert!(here.revoke_token(&made[2], event.clone()).await.unwrap().is_none());
    assert!(here.revoke_token(&TokenId::from_stored("at_unknown"), event.clone()).await.unwrap().is_none());
    tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
    let approval = &issued.code_grant.approval;
    for (depth, expected) in [(1, Standing::Live), (2, Standing::Live), (3, Standing::Revoked), (4, Standing::Revoked)]
    {
        let line: Vec<&TokenId> = made[..depth].iter().rev().collect();
        let at = Coordinates::front_door(&approval.grant, line[0], approval.user.as_str(), &approval.client);
        let at = Coordinates { tokens: line, ..at };
        assert_eq!(there.revocations().standing(&at, world.now()), expected, "at depth {depth}");
    }
    assert_eq!(
        here.revoke_token(&made[0], event).await.unwrap().unwrap().tokens,
        2,
        "what was dead does not die again"
    );
}

async fn two_stops_at_once_are_one(world: &World) {
    let stores = world.open_two().await;
    let ends = crate::world::race(8, |n| {
        let (store, event) = (stores[n % 2].clone(), stopped(world));
        async move { store.stop(StopKind::Agent, vec!["a".to_owned()], event).await.unwrap() }
    })
    .await;

    assert_eq!(ends.iter().filter(|end| end.is_some()).count(), 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM feed WHERE kind = 'agent'").await, 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM audit WHERE kind = 'agent_stopped'").await, 1);
}

/// A token that the agent `a` derives from `parent`.
fn derivation(parent: &TokenRow, world: &World) -> Derivation {
    let issued_at = Timestamp::from_seconds(world.now().seconds());
    let steps = vec![
        Step { kind: StopKind::Agent, subject: "a".to_owned(), issued_at },
        Step { kind: StopKind::Edge, subject: "agent:a->https://x.example/mcp".to_owned(), issued_at },
    ];
    let token = TokenRow {
        jti: TokenId::draw(&Dice),
        parent: Some(parent.jti.clone()),
        hop: 1,
        actor: Some("agent:a".to_owned()),
        ..parent.clone()
    };
    Derivation { line: vec![parent.jti.clone()], steps, actors: vec!["agent:a".to_owned()], token, now: world.now() }
}

async fn derive(store: &Store, derivation: Derivation) -> Derived {
    let event = event(AuditKind::TokenExchanged, derivation.now);
    store.derive(derivation, event).await.unwrap()
}

async fn nothing_is_derived_through_what_is_stopped(world: &World) {
    let [here, there] = world.open_two().await;
    let (_, _, front) = family(&here, world.now()).await;
    assert_eq!(derive(&there, derivation(&front, world)).await, Derived::Fresh);
    for (kind, subject) in [(StopKind::Agent, "a"), (StopKind::Edge, "agent:a->https://x.example/mcp")] {
        here.stop(kind, strings(&[subject]), stopped(world)).await.unwrap();
        assert_eq!(derive(&there, derivation(&front, world)).await, Derived::Revoked, "{subject} is stopped");

        here.start(kind, strings(&[subject]), stopped(world)).await.unwrap();
        let early = derive(&there, derivation(&front, world)).await;
        assert_eq!(early, Derived::Revoked, "a token of that second would be dead");
        world.pass(Duration::from_secs(2));
        assert_eq!(derive(&there, derivation(&front, world)).await, Derived::Fresh);
    }
}

async fn deriving_against_stopping_leaves_nothing_alive(world: &World) {
    let [here, there] = world.open_two().await;
    let mut heard = here.revocations().subscribe();
    for _ in 0..20 {
        let (issued, _, front) = family(&here, world.now()).await;
        let iat = Timestamp::from_seconds(world.now().seconds());
        let child = derivation(&front, world);

        let (derived, died) =
            tokio::join!(derive(&there, child.clone()), here.stop(StopKind::Agent, strings(&["a"]), stopped(world)));

        assert!(died.unwrap().is_some());
        assert!(matches!(derived, Derived::Fresh | Derived::Revoked));
        assert_eq!(derive(&there, derivation(&front, world)).await, Derived::Revoked);
        assert_eq!(standing(&here, &issued, iat, world), Standing::Revoked);
        there.start(StopKind::Agent, strings(&["a"]), stopped(world)).await.unwrap();
        while tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap().kind
            != ChangeKind::AgentBack
        {}
        assert_eq!(standing(&here, &issued, iat, world), Standing::Revoked, "what slipped through is dead for good");
        world.pass(Duration::from_secs(2));
    }
}

async fn deriving_and_revoking_stand_in_one_order(world: &World) {
    let [here, there] = world.open_two().await;
    for _ in 0..20 {
        let (_, _, front) = family(&here, world.now()).await;
        let event = event(AuditKind::TokenRevoked, world.now());

        let (derived, died) =
            tokio::join!(derive(&there, derivation(&front, world)), here.revoke_token(&front.jti, event));

        // Either the new token was there in time to die, or it was never made.
        let expected = if derived == Derived::Fresh { 2 } else { 1 };
        assert_eq!(died.unwrap().unwrap().tokens, expected, "{derived:?}");
        assert_eq!(derive(&there, derivation(&front, world)).await, Derived::Revoked);
    }
}

async fn a_stopped_agent_gets_nothing_on_its_own_account(world: &World) {
    let store = world.open().await;
    let approval = approval(&UserId::from_stored("agent:a"), &client("a"), world.now());
    let own = || store.machine_token(approval.clone(), token(&approval, world.now()), stopped(world));
    store.stop(StopKind::Agent, strings(&["a"]), stopped(world)).await.unwrap();

    assert!(!own().await.unwrap());

    store.start(StopKind::Agent, strings(&["a"]), stopped(world)).await.unwrap();
    world.pass(Duration::from_secs(2));
    let own = store.machine_token(approval.clone(), token(&approval, world.now()), stopped(world));
    assert!(own.await.unwrap());
    assert_eq!(world.number("SELECT COUNT(*) FROM access_tokens").await, 1);
}
