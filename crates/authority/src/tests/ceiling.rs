//! What `allow` keeps from somebody reaches them by no page and no token.

use super::world::*;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::UserId;
use bailiwick_domain::policy::Role;
use bailiwick_store::{NO_PASSWORD, NewUser};
use http::StatusCode;

const EVERY_TOOL: [(&str, &str); 6] = [
    ("tool", "list_notes"),
    ("tool", "read_note"),
    ("tool", "add_note"),
    ("scope", "mcp:write"),
    ("decision", "allow"),
    ("duration", "1d"),
];

async fn set_groups(world: &World, groups: &[&str]) {
    let alice = world.store.user_by_name("alice").await.unwrap().unwrap();
    let groups = groups.iter().map(|&group| group.to_owned()).collect();
    let event = AuditEvent::new(AuditKind::UserChanged, world.now());
    assert!(world.store.set_groups(&alice.id, groups, event).await.unwrap());
}

#[tokio::test]
async fn consent_offers_what_may_be_held_and_says_what_may_not() {
    let world = World::new().await;
    world.allow("mcp:write", &["user:bob"]);
    let app = world.app().await;
    let mut browser = world.signed_in().await;

    let page = browser.open(&app.request(&[])).await;
    assert!(page.body.contains("value=\"list_notes\" checked") && !page.body.contains("add_note"), "{}", page.body);
    assert!(page.body.contains("does not get it: <code>mcp:write</code>"), "{}", page.body);
    let answered = browser.submit(&page, &EVERY_TOOL).await;

    let tokens = app.redeem(&answered.parameter("code").unwrap()).await.json();
    assert_eq!(word(&tokens, "scope"), "mcp:read", "a tick that was not on the page counts for nothing");
}

#[tokio::test]
async fn whoever_may_hold_none_of_it_gets_a_page_with_the_way_back() {
    let world = World::new().await;
    world.allow("mcp:read", &["group:dev"]);
    let app = world.app().await;
    let mut browser = world.signed_in().await;

    let page = browser.open(&app.request(&[("scope", "mcp:read")])).await;

    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("Your account may not use this"), "{}", page.body);
    assert!(page.body.contains("error=access_denied") && page.body.contains("Return to 127.0.0.1"), "{}", page.body);
    assert!(!page.body.contains("<form"), "there is nothing to be allowed");
}

#[tokio::test]
async fn approving_at_once_stops_at_the_ceiling() {
    let world = World::approving().await;
    world.allow("mcp:write", &["group:dev"]);
    let app = world.app().await;
    assert_eq!(word(&app.tokens().await, "scope"), "mcp:read");

    let refused = world.get(&app.request(&[("scope", "mcp:write")])).await;

    assert_eq!(refused.parameter("error").as_deref(), Some("access_denied"));
    assert!(refused.parameter("code").is_none());
}

#[tokio::test]
async fn who_comes_from_a_provider_holds_nothing_unless_named() {
    let world = World::approving().await;
    let alice = NewUser {
        provider: Some("corp".to_owned()),
        groups: vec!["dev".to_owned()],
        ..NewUser::new(UserId::from_stored("us_1"), "alice".to_owned(), NO_PASSWORD.to_owned(), world.now())
    };
    assert!(world.store.create_user(alice, AuditEvent::new(AuditKind::UserCreated, world.now())).await.unwrap());
    let app = world.app().await;
    assert_eq!(world.get(&app.request(&[])).await.parameter("error").as_deref(), Some("access_denied"));

    world.allow("mcp:read", &["user:alice"]);
    assert_eq!(world.get(&app.request(&[])).await.parameter("error").as_deref(), Some("access_denied"));

    world.allow("mcp:read", &["group:dev"]);
    assert_eq!(word(&app.tokens().await, "scope"), "mcp:read");
}

#[tokio::test]
async fn a_code_is_worth_what_may_be_held_when_it_is_redeemed() {
    let world = World::approving().await;
    let app = world.app().await;
    let code = app.code().await;

    world.allow("mcp:write", &[]);

    assert_eq!(word(&app.redeem(&code).await.json(), "scope"), "mcp:read");
}

#[tokio::test]
async fn a_refreshed_token_shrinks_with_the_groups_and_grows_no_further_than_was_approved() {
    let world = World::approving().await;
    let app = world.app().await;
    let first = app.tokens().await;
    world.allow("mcp:write", &["group:dev"]);

    let second = app.refresh(word(&first, "refresh_token")).await.json();
    assert_eq!((word(&second, "scope"), claims(&second)["scope"].as_str()), ("mcp:read", Some("mcp:read")));

    set_groups(&world, &["dev"]).await;
    let third = app.refresh(word(&second, "refresh_token")).await.json();
    assert_eq!(word(&third, "scope"), "mcp:read mcp:write");
}

#[tokio::test]
async fn a_refresh_with_nothing_left_is_refused_and_spends_nothing() {
    let world = World::approving().await;
    let app = world.app().await;
    let tokens = app.tokens().await;
    for scope in ["mcp:read", "mcp:write"] {
        world.allow(scope, &["group:dev"]);
    }
    let old = word(&tokens, "refresh_token");
    let refused = app.refresh(old).await;
    assert_eq!((refused.status, refused.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"));
    assert!(refused.body.contains("no longer hold"), "{}", refused.body);

    set_groups(&world, &["dev"]).await;

    assert_eq!(app.refresh(old).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_answer_is_not_given_again_to_hold_more_than_may_be_held_by_now() {
    let world = World::approving().await;
    let app = world.app().await;
    let first = app.tokens().await;
    let old = word(&first, "refresh_token");
    assert_eq!(app.refresh(old).await.status, StatusCode::OK);

    world.allow("mcp:write", &["user:bob"]);

    assert_eq!(app.refresh(old).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_machine_is_bounded_by_its_own_scope() {
    let world = World::plan(Plan { clients: vec![machine()], ..Plan::default() }).await;
    world.allow("mcp:write", &[]);

    let tokens = world.post_as(Some(MACHINE), "/token", &[("grant_type", "client_credentials")]).await.json();

    assert_eq!(word(&tokens, "scope"), "mcp:read mcp:write");
}

#[tokio::test]
async fn the_account_of_a_demo_leaves_the_set_up_door_open() {
    let world = World::new().await;
    let demo = NewUser::new(UserId::from_stored("us_1"), "alice".to_owned(), NO_PASSWORD.to_owned(), world.now());
    world.store.create_user(demo, AuditEvent::new(AuditKind::UserCreated, world.now())).await.unwrap();
    let mut browser = world.browser();
    let page = browser.open("/login").await;
    assert!(page.body.contains("Make the first account"), "{}", page.body);
    let fill = |name| [("name", name), ("password", PASSWORD), ("again", PASSWORD)];

    let taken = browser.submit(&page, &fill("Alice")).await;
    assert!(taken.status == StatusCode::BAD_REQUEST && taken.body.contains("Choose another name"), "{}", taken.body);
    let made = browser.submit(&taken, &fill("bob")).await;

    assert_eq!(made.location(), "/account", "{}", made.body);
    assert_eq!(world.store.user_by_name("bob").await.unwrap().unwrap().role, Role::Admin);
}
