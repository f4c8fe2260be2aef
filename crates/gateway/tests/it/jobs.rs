//! Calls under a job: its agents, its budget, and what that costs everybody else.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::chain::{Actor, Agent, Assurance, Chain, Delegation, Directory, Edge, JobBounds, MOST_HOPS};
use bailiwick_domain::client::{AuthMethod, Client, ClientSource, GrantType};
use bailiwick_domain::grant::{Approval, Job};
use bailiwick_domain::ids::{ClientId, GrantId, TokenId, TransactionId, UserId};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::{Clock as _, Timestamp};
use bailiwick_domain::token::{FrontDoor, Handover, mint_handover};
use bailiwick_domain::uri::{Resource, ServerName};
use bailiwick_store::Budget;
use serde_json::json;

use crate::fixture::{call, list};
use crate::world::{Dice, Held, Now, World};

const WORKER: &str = "agent:worker";

fn worker() -> Agent {
    Agent {
        name: ServerName::parse("worker").unwrap(),
        title: "Worker".to_owned(),
        resource: Resource::from_stored("https://worker.example.com"),
        behind: None,
        assurance: Assurance::ClientSecret,
        floor: Assurance::None,
        acts_for: None,
        scopes: None,
        own: ScopeSet::default(),
        max_depth: MOST_HOPS,
        edges: vec![Edge::to("json")],
    }
}

fn client() -> Client {
    Client {
        id: ClientId::parse("worker").unwrap(),
        name: "Worker".to_owned(),
        source: ClientSource::Agent,
        redirect_uris: Vec::new(),
        grant_types: vec![GrantType::TokenExchange],
        auth: AuthMethod::ClientSecretBasic,
        scope: None,
        uri: None,
        secret: None,
        assertion: None,
        issued_at: Timestamp::from_millis(0),
    }
}

fn approval(world: &World, budget: Option<u32>, now: Timestamp) -> Approval {
    Approval {
        grant: GrantId::draw(&Dice),
        user: UserId::from_stored("us_alice"),
        client: client().id,
        client_name: "Worker".to_owned(),
        resource: world.resource("json"),
        scope: ScopeSet::parse("json:read json:write").unwrap(),
        details: Vec::new(),
        transaction: TransactionId::draw(&Dice),
        created_at: now,
        expires_at: now.after(Duration::from_hours(1)),
        job: Some(Job { reason: "Work".to_owned(), agents: ["worker".to_owned()].into(), budget }),
    }
}

/// Alice's worker, on a token for `json` under a job of so many calls that says these `bounds`.
async fn hired(world: &World, budget: Option<u32>, bounds: impl Fn(&Job) -> JobBounds) -> Held {
    world.directory.store(Arc::new(Directory { agents: vec![worker()], ..Directory::default() }));
    world.account("us_alice").await;
    let now = Now.now();
    let approval = approval(world, budget, now);
    let event = AuditEvent::new(AuditKind::ConsentGiven, now).approval(&approval);
    world.store.give_job(approval.clone(), client(), event).await.unwrap();
    let front = FrontDoor { approval: &approval, scope: &approval.scope, agent: None };
    let actor = Actor { iss: world.issuer.as_str().to_owned(), sub: WORKER.to_owned(), sub_profile: None, act: None };
    let chain = Chain::default().wrap(actor).unwrap();
    let handover = Handover {
        from: &front.claims(&world.issuer, TokenId::draw(&Dice), now),
        place: Delegation {
            hop: 1,
            job: approval.job.as_ref().map(bounds),
            ..Delegation::front_door(approval.grant.clone())
        },
        chain: &chain,
        client: &approval.client,
        target: &approval.resource,
        agent: None,
        scope: &approval.scope,
        details: Vec::new(),
        expires_at: approval.expires_at,
    };
    let minted = mint_handover(world.key.as_ref(), &world.issuer, handover, TokenId::draw(&Dice), now).unwrap();
    Held { raw: minted.raw.to_string(), grant: approval.grant }
}

#[tokio::test]
async fn every_call_of_a_tool_takes_one_and_nothing_else_does() {
    let world = World::new().await;
    let job = hired(&world, Some(2), Job::bounds).await;
    world.say("json", &job.raw, &list()).await.tools();
    world.say("json", &job.raw, &call("nothing_of_that_name")).await;
    for tool in ["read_note", "write_note"] {
        assert_eq!(
            world.say("json", &job.raw, &call(tool)).await.message()["result"]["isError"],
            json!(null),
            "{tool}"
        );
    }
    let reached = world.behind.seen().len();

    let refused = world.say("json", &job.raw, &call("read_note")).await;

    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, None));
    assert_eq!(refused.message()["error"]["data"]["rule"], "job:budget");
    assert!(refused.text().contains(&format!("/account/job/{}", job.grant)), "{}", refused.text());
    assert_eq!(world.behind.seen().len(), reached, "the server behind heard nothing");
    assert_eq!(world.store.budget(&job.grant).await.unwrap(), Some(Budget { calls: 2, spent: 2 }));
    let called = world.audited_all(AuditKind::ToolCalled, 2).await;
    assert_eq!(called.iter().filter(|event| event.grant.as_ref() == Some(&job.grant)).count(), 2);
    let refusals = world.audited_all(AuditKind::ToolRefused, 2).await;
    let last = refusals.iter().find(|event| event.rule.as_deref() == Some("job:budget")).unwrap();
    assert_eq!((last.actors.as_slice(), last.tool.as_deref()), ([WORKER.to_owned()].as_slice(), Some("read_note")));
}

#[tokio::test]
async fn an_agent_that_the_job_does_not_name_is_refused_at_the_call() {
    let world = World::new().await;
    let others = |_: &Job| JobBounds { agents: ["somebody".to_owned()].into(), counted: false };
    let job = hired(&world, None, others).await;
    let reached = world.behind.seen().len();

    let refused = world.say("json", &job.raw, &call("read_note")).await;

    assert_eq!(refused.message()["result"]["_meta"]["bailiwick/rule"], "job:agent");
    assert_eq!(world.behind.seen().len(), reached);
    assert_eq!(world.audited(AuditKind::ToolRefused).await[0].rule.as_deref(), Some("job:agent"));
}
