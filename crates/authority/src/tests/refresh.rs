//! Refresh: the same answer for who asks again at once, the end for who asks late.

use super::world::*;
use http::StatusCode;
use serde_json::Value;

/// A house, an application and the answer of its first refresh.
async fn refreshed(world: &World) -> (App<'_>, Value, Value) {
    let app = world.app().await;
    let first = app.tokens().await;
    let second = app.refresh(word(&first, "refresh_token")).await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.body);
    let second = second.json();
    (app, first, second)
}

#[tokio::test]
async fn whoever_asks_again_at_once_gets_the_same_answer() {
    let world = World::approving().await;
    let (app, first, second) = refreshed(&world).await;
    world.pass(20);

    let again = app.refresh(word(&first, "refresh_token")).await.json();

    assert_eq!(again["access_token"], second["access_token"]);
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    assert_eq!(again["expires_in"], 280);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
}

#[tokio::test]
async fn a_spent_token_after_its_successor_was_used_ends_the_grant() {
    let world = World::approving().await;
    let (app, first, second) = refreshed(&world).await;
    let third = app.refresh(word(&second, "refresh_token")).await.json();

    assert_eq!(app.refresh(word(&first, "refresh_token")).await.error(), "invalid_grant");
    assert_eq!(app.refresh(word(&third, "refresh_token")).await.error(), "invalid_grant", "the newest is dead too");
}

#[tokio::test]
async fn a_spent_token_after_the_window_ends_the_grant() {
    let world = World::approving().await;
    let (app, first, second) = refreshed(&world).await;
    world.pass(31);

    assert_eq!(app.refresh(word(&first, "refresh_token")).await.error(), "invalid_grant");
    assert_eq!(app.refresh(word(&second, "refresh_token")).await.error(), "invalid_grant");
}

#[tokio::test]
async fn many_at_once_get_one_successor() {
    let world = World::approving().await;
    let app = world.app().await;
    let first = app.tokens().await;
    let old = word(&first, "refresh_token");

    let (a, b, c, d) = tokio::join!(app.refresh(old), app.refresh(old), app.refresh(old), app.refresh(old));

    let one = a.json();
    for seen in [b, c, d] {
        assert_eq!(seen.json()["refresh_token"], one["refresh_token"]);
    }
}

#[tokio::test]
async fn another_client_can_neither_use_nor_end_it() {
    let world = World::approving().await;
    let (app, other) = (world.app().await, world.app_at("http://127.0.0.1/other").await);
    let tokens = app.tokens().await;

    assert_eq!(other.refresh(word(&tokens, "refresh_token")).await.error(), "invalid_grant");
    assert_eq!(app.refresh(word(&tokens, "refresh_token")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn scope_may_narrow_one_token_and_never_widen() {
    let world = World::approving().await;
    let app = world.app().await;
    let tokens = app.tokens().await;
    let old = word(&tokens, "refresh_token");

    for scope in ["mcp:destructive", "mcp:read mcp:destructive", "a\"b"] {
        assert_eq!(app.refresh_with(old, &[("scope", scope)]).await.error(), "invalid_scope", "{scope}");
    }
    assert_eq!(app.refresh_with(old, &[("resource", "http://localhost:8787/mcp/x")]).await.error(), "invalid_target");
    let narrow = app.refresh_with(old, &[("scope", "mcp:read")]).await.json();
    assert_eq!((word(&narrow, "scope"), claims(&narrow)["scope"].as_str()), ("mcp:read", Some("mcp:read")));
    let wide = app.refresh(word(&narrow, "refresh_token")).await.json();
    assert_eq!(word(&wide, "scope"), "mcp:read mcp:write", "the family stays as wide as it was");
}

#[tokio::test]
async fn a_family_ends_when_it_lies_idle_or_the_chosen_time_is_over() {
    let world = World::approving().await;
    let app = world.app().await;
    let tokens = app.tokens().await;

    world.pass(29 * 86_400);
    let next = app.refresh(word(&tokens, "refresh_token")).await;
    assert_eq!(next.status, StatusCode::OK, "{}", next.body);
    world.pass(2 * 86_400);

    assert_eq!(app.refresh(word(&next.json(), "refresh_token")).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_client_that_did_not_register_for_it_gets_none() {
    let world = World::approving().await;
    let metadata = serde_json::json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
    let id = world.register(&metadata).await.json()["client_id"].as_str().unwrap().to_owned();
    let app = App { world: &world, id, callback: CALLBACK.to_owned() };

    assert!(app.tokens().await.get("refresh_token").is_none());
}
