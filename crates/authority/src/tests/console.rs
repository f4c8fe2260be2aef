//! The console: to whom it opens, what it shows, and who is heard.

use super::world::*;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::policy::Role;
use bailiwick_store::User;
use http::StatusCode;

const PAGES: [&str; 5] = ["/console", "/console/people", "/console/servers", "/console/agents", "/console/record"];

async fn alice(world: &World) -> User {
    world.store.user_by_name("alice").await.unwrap().unwrap()
}

async fn give(world: &World, role: Role) {
    let event = AuditEvent::new(AuditKind::UserChanged, world.now());
    assert!(world.store.set_role(&alice(world).await.id, role, event).await.unwrap());
}

#[tokio::test]
async fn it_opens_to_administrators_and_auditors_and_hears_only_the_first() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    let own = browser.get("/account").await;
    assert!(own.body.contains(r#"href="/console""#));
    let token = own.field("form_token").unwrap();
    let tool = [
        ("form_token", token.as_str()),
        ("what", "tool"),
        ("id", "add_note"),
        ("resource", "http://localhost:8787/mcp"),
    ];
    let servers = browser.get("/console/servers").await;
    assert!(servers.body.contains("Stop add_note for everybody"), "{}", servers.body);
    for page in PAGES {
        assert_eq!(browser.get(page).await.status, StatusCode::OK, "{page}");
        assert_eq!(world.browser().get(page).await.location(), "/login", "{page}");
    }

    give(&world, Role::Auditor).await;
    for page in PAGES {
        let seen = browser.get(page).await;
        assert_eq!(seen.status, StatusCode::OK, "{page}");
        assert!(!seen.body.contains("/console/stop") && !seen.body.contains("/console/start"), "{page} {}", seen.body);
    }
    for path in ["/console/stop", "/console/start"] {
        assert_eq!(browser.post(path, &tool).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(world.store.stops().await.unwrap().is_empty());

    give(&world, Role::User).await;
    for page in PAGES.iter().chain(&["/console/live"]) {
        assert_eq!(browser.get(page).await.status, StatusCode::FORBIDDEN, "{page}");
    }
    assert_eq!(browser.post("/console/stop", &tool).await.status, StatusCode::FORBIDDEN);
    assert!(!browser.get("/account").await.body.contains(r#"href="/console""#));

    give(&world, Role::Admin).await;
    assert_eq!(browser.post("/console/stop", &tool).await.location(), "/console/servers?done=stopped");
    assert_eq!(browser.post("/console/stop", &tool).await.location(), "/console/servers?done=nothing");
    assert!(browser.get("/console/servers").await.body.contains("Start add_note"));
    assert_eq!(browser.post("/console/start", &tool).await.location(), "/console/servers?done=started");
    let forged = browser.post("/console/stop", &[("form_token", "AAAA"), ("what", "tool")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let elsewhere =
        [("form_token", token.as_str()), ("what", "tool"), ("id", "x"), ("resource", "https://elsewhere.example")];
    assert_eq!(browser.post("/console/stop", &elsewhere).await.location(), "/console/servers?done=nothing");
}

#[tokio::test]
async fn it_shows_grants_of_everybody_and_stops_them() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    let app = world.app().await;
    let page = browser.open(&app.request(&[])).await;
    let answered = browser.submit(&page, &[("tool", "list_notes"), ("decision", "allow"), ("duration", "30d")]).await;
    let tokens = app.redeem(&answered.parameter("code").unwrap()).await.json();

    let console = browser.get("/console").await;

    assert!(console.body.contains("for alice") && console.body.contains("<h3>Probe"), "{}", console.body);
    let policy = console.header("content-security-policy");
    assert!(policy.contains("script-src 'self'; connect-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let (token, grant) = (console.field("form_token").unwrap(), console.field("grant").unwrap());
    let record = browser.get(&format!("/console/record?grant={grant}")).await;
    assert!(record.body.contains("consent_given") && !record.body.contains("login_succeeded"), "{}", record.body);
    assert!(browser.get("/console/record?user=nobody").await.body.contains("No entry fits"));
    let me = alice(&world).await;
    let own = [("form_token", token.as_str()), ("what", "user"), ("id", me.id.as_str())];
    assert_eq!(browser.post("/console/stop", &own).await.location(), "/console/people?done=nothing", "not oneself");
    let stopped = browser.post("/console/stop", &[("form_token", &token), ("grant", &grant)]).await;
    assert_eq!(stopped.location(), "/console?done=stopped");
    assert_eq!(app.refresh(word(&tokens, "refresh_token")).await.error(), "invalid_grant");
    assert!(browser.get("/console").await.body.contains("Nobody lets anything act"));
}

#[tokio::test]
async fn the_stream_is_for_pages_of_ours_that_somebody_is_signed_in_to() {
    let world = World::new().await;
    let browser = world.signed_in().await;

    assert_eq!(world.browser().get("/account/live").await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.browser().get("/console/live").await.status, StatusCode::FORBIDDEN);
    let script = browser.clone().get("/assets/live.js").await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(
        browser.clone().get("/account").await.header("content-security-policy").matches("script-src").count(),
        1
    );
    assert!(!browser.clone().get("/").await.header("content-security-policy").contains("script-src"));
}
