//! Long jobs: what a person agrees to once, and what agents obtain for it long after.

use super::world::*;
use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::chain::{Agent, Assurance, Directory, Edge, MOST_HOPS};
use bailiwick_domain::client::{AuthMethod, Client, ClientSource, GrantType, secret_digest};
use bailiwick_domain::grant::{ACCESS_TOKEN, GRANT};
use bailiwick_domain::ids::{ClientId, GrantId};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::{Resource, ServerName};
use bailiwick_store::AuditFilter;
use http::StatusCode;
use serde_json::Value;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const HOUR: u64 = 3600;
/// What Alice ticks: one tool that reads, one that writes, and the researcher.
const TICKED: [(&str, &str); 7] = [
    ("agent", "orchestrator"),
    ("tool", "mcp/list_notes"),
    ("tool", "mcp/add_note"),
    ("company", "researcher"),
    ("duration", "8h"),
    ("budget", "20"),
    ("reason", "Sort <the> mail"),
];

fn agent(name: &str, calls: &[&str]) -> Agent {
    Agent {
        name: ServerName::parse(name).unwrap(),
        title: format!("The {name}"),
        resource: Resource::parse(&format!("{BASE}/agent/{name}")).unwrap(),
        behind: None,
        assurance: Assurance::ClientSecret,
        floor: Assurance::None,
        acts_for: None,
        scopes: None,
        own: ScopeSet::default(),
        max_depth: MOST_HOPS,
        edges: calls.iter().map(|to| Edge::to(*to)).collect(),
    }
}

fn client(agent: &Agent) -> Client {
    Client {
        id: ClientId::parse(agent.name.as_str()).unwrap(),
        name: agent.title.clone(),
        source: ClientSource::Agent,
        redirect_uris: Vec::new(),
        grant_types: vec![GrantType::TokenExchange],
        auth: AuthMethod::ClientSecretPost,
        scope: None,
        uri: None,
        secret: Some(secret_digest(agent.name.as_str())),
        assertion: None,
        issued_at: Timestamp::from_millis(0),
    }
}

/// An orchestrator, whom it may ask, somebody it may ask as well, and a stranger who may call the same server.
async fn house() -> World {
    let agents = vec![
        agent("orchestrator", &["mcp", "researcher", "writer"]),
        agent("researcher", &["mcp"]),
        agent("writer", &["mcp"]),
        agent("stranger", &["mcp"]),
    ];
    let clients = agents.iter().map(client).collect();
    World::plan(Plan { clients, directory: Directory { agents, ..Directory::default() }, ..Plan::default() }).await
}

/// Gives the job of [`TICKED`]; answers the grant's id.
async fn given(browser: &mut Browser<'_>) -> String {
    let page = browser.get("/account/job?agent=orchestrator").await;
    let answer = browser.submit(&page, &TICKED).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    answer.location().strip_prefix("/account/job/").unwrap().to_owned()
}

/// The token endpoint, as the agent of that name.
async fn exchange(world: &World, who: &str, (class, subject): (&str, &str), to: &str) -> Seen {
    let fields = [
        ("grant_type", EXCHANGE),
        ("client_id", who),
        ("client_secret", who),
        ("subject_token_type", class),
        ("subject_token", subject),
        ("audience", to),
    ];
    world.post("/token", &fields).await
}

async fn mint(world: &World, who: &str, grant: &str, to: &str) -> Seen {
    exchange(world, who, (GRANT, grant), to).await
}

/// A token that was obtained for a job.
async fn minted(world: &World, who: &str, grant: &str, to: &str) -> Value {
    let seen = mint(world, who, grant, to).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    seen.json()
}

#[tokio::test]
async fn the_pages_say_what_an_agent_may_reach_and_what_was_agreed() {
    let world = house().await;
    let mut browser = world.signed_in().await;
    assert!(browser.get("/account").await.body.contains("href=\"/account/job\""));
    let choice = browser.get("/account/job").await.body;
    for shown in ["The orchestrator", "/account/job?agent=researcher", "Look things up"] {
        assert!(choice.contains(shown), "{shown}\n{choice}");
    }
    let terms = browser.get("/account/job?agent=orchestrator").await.body;
    for shown in [
        "value=\"mcp/list_notes\" checked",
        "value=\"mcp/delete_note\">",
        "name=\"company\" value=\"writer\" checked",
        "value=\"1d\" checked",
        "name=\"budget\" value=\"100\"",
    ] {
        assert!(terms.contains(shown), "{shown}\n{terms}");
    }
    assert!(!terms.contains("stranger"), "only whom it reaches");

    let grant = given(&mut browser).await;

    let page = browser.get(&format!("/account/job/{grant}")).await.body;
    for shown in
        ["Sort &#60;the&#62; mail", &grant, "0 of 20 made", "1 tool</dd>", "audience=mcp", "<code>researcher</code>"]
    {
        assert!(page.contains(shown), "{shown}\n{page}");
    }
    assert!(!page.contains("<code>writer</code>"), "{page}");
    let account = browser.get("/account").await.body;
    assert!(account.contains(&format!("/account/job/{grant}")) && account.contains("0 of 20 made"), "{account}");
    assert!(account.contains("not yet"), "nobody used it yet");
}

#[tokio::test]
async fn a_job_goes_on_for_hours_on_tokens_of_minutes_and_ends_with_its_grant() {
    let world = house().await;
    let grant = given(&mut world.signed_in().await).await;
    let first = minted(&world, "orchestrator", &grant, "researcher").await;
    assert_eq!(first["expires_in"], 300);

    world.pass(2 * HOUR);
    let old = exchange(&world, "researcher", (ACCESS_TOKEN, word(&first, "access_token")), "mcp").await;
    assert_eq!(old.error(), "invalid_grant", "the first token is long over");
    let second = minted(&world, "orchestrator", &grant, "researcher").await;
    let third = exchange(&world, "researcher", (ACCESS_TOKEN, word(&second, "access_token")), "mcp").await.json();

    let claims = claims(&third);
    assert_eq!(claims["act"]["sub"], "agent:researcher");
    assert_eq!(claims["act"]["act"]["sub"], "agent:orchestrator");
    assert_eq!((&claims["dlg"]["gid"], &claims["dlg"]["hop"]), (&Value::from(grant.as_str()), &Value::from(2)));
    assert_eq!(claims["dlg"]["job"]["counted"], true);
    assert_eq!(claims["scope"], "mcp:read mcp:write");
    assert_eq!(claims["authorization_details"][0]["tools"], serde_json::json!(["list_notes", "add_note"]));

    world.pass(6 * HOUR - 60);
    assert_eq!(minted(&world, "orchestrator", &grant, "mcp").await["expires_in"], 60, "never beyond the grant");
    world.pass(60);
    assert_eq!(mint(&world, "orchestrator", &grant, "mcp").await.error(), "invalid_grant");
}

#[tokio::test]
async fn stopping_a_job_stops_it_at_once() {
    let world = house().await;
    let mut browser = world.signed_in().await;
    let grant = given(&mut browser).await;
    let token = minted(&world, "orchestrator", &grant, "researcher").await;
    let page = browser.get(&format!("/account/job/{grant}")).await;

    let stopped =
        browser.post("/account/stop", &[("form_token", &page.field("form_token").unwrap()), ("grant", &grant)]).await;

    assert_eq!(stopped.location(), "/account?done=stopped");
    assert_eq!(mint(&world, "orchestrator", &grant, "mcp").await.error(), "invalid_grant");
    let onward = exchange(&world, "researcher", (ACCESS_TOKEN, word(&token, "access_token")), "mcp").await;
    assert_eq!(onward.error(), "invalid_grant");
    assert!(browser.get(&format!("/account/job/{grant}")).await.body.contains("It has ended."));
}

#[tokio::test]
async fn only_agents_of_the_job_take_part() {
    let world = house().await;
    let grant = given(&mut world.signed_in().await).await;

    // The researcher is one of them, and proves itself as well as any.
    let own = minted(&world, "researcher", &grant, "mcp").await;
    assert_eq!((&claims(&own)["act"]["sub"], &claims(&own)["dlg"]["hop"]), (&"agent:researcher".into(), &1.into()));

    for outsider in ["stranger", "writer"] {
        let refused = mint(&world, outsider, &grant, "mcp").await;
        assert_eq!(refused.error(), "invalid_grant", "{outsider}");
        let unknown = mint(&world, outsider, "gr_nothing", "mcp").await;
        assert_eq!(unknown.body, refused.body, "it learns nothing of it");
    }
    let refused = mint(&world, "orchestrator", &grant, "writer").await;
    assert_eq!((refused.status, refused.error().as_str()), (StatusCode::BAD_REQUEST, "actor_unauthorized"));
    let mut rules = Vec::new();
    for _ in 0..200 {
        let filter = AuditFilter { limit: 50, kind: Some(AuditKind::TokenExchanged), ..AuditFilter::default() };
        let rows = world.store.audit_rows(&filter).await.unwrap();
        rules = rows.into_iter().filter_map(|row| row.event.rule).filter(|rule| rule != "exchange:subject").collect();
        if rules.len() >= 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(rules, ["job:agent", "job:agent", "job:agent"]);
}

#[tokio::test]
async fn what_the_person_may_hold_binds_when_it_is_given_and_at_every_token() {
    let world = house().await;
    world.allow("mcp:write", &["user:bob"]);
    let mut browser = world.signed_in().await;
    assert!(!browser.get("/account/job?agent=orchestrator").await.body.contains("add_note"));
    let grant = given(&mut browser).await;
    let row = world.store.grant(&GrantId::from_stored(grant.as_str())).await.unwrap().unwrap();
    assert_eq!(row.approval.scope.to_string(), "mcp:read", "a tick that was not on the page counts for nothing");

    world.allow("mcp:write", &["user:alice"]);
    assert_eq!(minted(&world, "orchestrator", &grant, "mcp").await["scope"], "mcp:read", "no more than was agreed");
    world.allow("mcp:read", &["user:bob"]);
    assert_eq!(mint(&world, "orchestrator", &grant, "mcp").await.error(), "invalid_scope");
}

#[tokio::test]
async fn a_form_that_is_not_complete_comes_back_as_it_was() {
    let world = house().await;
    let mut browser = world.signed_in().await;
    let page = browser.get("/account/job?agent=orchestrator").await;
    let cases: [(&str, &[&str], &str); 6] = [
        ("reason", &[""], "Say in a few words"),
        ("budget", &["0"], "whole number"),
        ("budget", &["many"], "whole number"),
        ("duration", &["90d"], "for how long"),
        ("company", &["stranger"], "not among those"),
        ("tool", &[], "Nothing is ticked"),
    ];
    for (field, values, says) in cases {
        let mut fields: Vec<(&str, &str)> = TICKED.into_iter().filter(|(name, _)| *name != field).collect();
        fields.extend(values.iter().map(|value| (field, *value)));
        let again = browser.submit(&page, &fields).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST, "{field}");
        assert!(again.body.contains(says) && again.body.contains("role=\"alert\""), "{field}\n{}", again.body);
        assert!(again.body.contains("name=\"company\" value=\"writer\">"), "what was unticked stays so: {field}");
    }
    assert!(browser.get("/account").await.body.contains("Nothing at the moment"));
}

#[tokio::test]
async fn nobody_gives_a_job_for_somebody_else_or_sees_it() {
    let world = house().await;
    let mut browser = world.signed_in().await;
    let page = browser.get("/account/job?agent=orchestrator").await;
    let mut forged: Vec<(&str, &str)> = TICKED.to_vec();
    forged.push(("form_token", "AAAA"));
    assert_eq!(browser.post("/account/job", &forged).await.status, StatusCode::FORBIDDEN);
    browser.origin = Some("https://evil.example");
    assert_eq!(browser.submit(&page, &TICKED).await.status, StatusCode::FORBIDDEN);
    browser.origin = Some(BASE);
    let grant = given(&mut browser).await;

    let mut outside = world.browser();
    for path in ["/account/job", "/account/job?agent=orchestrator", &format!("/account/job/{grant}")] {
        assert_eq!(outside.get(path).await.location(), "/login", "{path}");
    }
    assert_eq!(browser.get("/account/job/gr_nothing").await.location(), "/account");
}

#[tokio::test]
async fn the_person_gives_a_job_more_calls() {
    let world = house().await;
    let mut browser = world.signed_in().await;
    let grant = given(&mut browser).await;
    let page = browser.get(&format!("/account/job/{grant}")).await;
    let token = page.field("form_token").unwrap();

    let wrong = browser.post("/account/budget", &[("form_token", &token), ("grant", &grant), ("calls", "0")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let raised = browser.post("/account/budget", &[("form_token", &token), ("grant", &grant), ("calls", "50")]).await;

    assert_eq!(raised.location(), format!("/account/job/{grant}?done=raised"));
    assert!(browser.get(raised.location()).await.body.contains("0 of 50 made"));
    let unknown = browser.post("/account/budget", &[("form_token", &token), ("grant", "gr_x"), ("calls", "50")]).await;
    assert_eq!(unknown.location(), "/account");
}

#[tokio::test]
async fn a_grant_for_an_app_is_no_job() {
    let world = house().await;
    let mut browser = world.signed_in().await;
    let app = world.app().await;
    let resource = format!("{BASE}/agent/orchestrator");
    let page = browser.open(&app.request(&[("resource", &resource), ("scope", "mcp:read")])).await;
    let fields = [("tool", "mcp/list_notes"), ("decision", "allow"), ("duration", "30d")];
    let answered = browser.submit(&page, &fields).await;
    let tokens = app.redeem(&answered.parameter("code").unwrap()).await.json();
    let grant = claims(&tokens)["dlg"]["gid"].as_str().unwrap().to_owned();

    assert_eq!(mint(&world, "orchestrator", &grant, "mcp").await.error(), "invalid_grant");
}
