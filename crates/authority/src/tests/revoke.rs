//! Revocation and introspection.

use super::world::*;
use http::StatusCode;
use serde_json::json;

async fn world() -> World {
    World::plan(Plan { dev_approve: Some("alice"), clients: vec![machine()], ..Plan::default() }).await
}

async fn active(world: &World, token: &str) -> serde_json::Value {
    let seen = world.post_as(Some(MACHINE), "/introspect", &[("token", token)]).await;
    assert_eq!((seen.status, seen.header("cache-control")), (StatusCode::OK, "no-store"));
    seen.json()
}

#[tokio::test]
async fn a_refresh_token_takes_the_grant_with_it() {
    let world = world().await;
    let app = world.app().await;
    let tokens = app.tokens().await;

    let seen = world.post("/revoke", &[("client_id", &app.id), ("token", word(&tokens, "refresh_token"))]).await;

    assert_eq!(seen.status, StatusCode::OK);
    assert_eq!(app.refresh(word(&tokens, "refresh_token")).await.error(), "invalid_grant");
    assert_eq!(active(&world, word(&tokens, "access_token")).await, json!({ "active": false }));
}

#[tokio::test]
async fn an_access_token_goes_alone() {
    let world = world().await;
    let app = world.app().await;
    let tokens = app.tokens().await;

    world.post("/revoke", &[("client_id", &app.id), ("token", word(&tokens, "access_token"))]).await;

    assert_eq!(active(&world, word(&tokens, "access_token")).await, json!({ "active": false }));
    assert_eq!(app.refresh(word(&tokens, "refresh_token")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_ones_own_stays_and_nobody_learns_of_it() {
    let world = world().await;
    let (app, other) = (world.app().await, world.app_at("http://127.0.0.1/other").await);
    let tokens = app.tokens().await;

    for token in [word(&tokens, "access_token"), word(&tokens, "refresh_token"), "nonsense", "bw_rt_nonsense"] {
        let seen = world.post("/revoke", &[("client_id", &other.id), ("token", token)]).await;
        assert_eq!((seen.status, seen.body.as_str()), (StatusCode::OK, ""));
    }

    assert_eq!(active(&world, word(&tokens, "access_token")).await["active"], true);
    assert_eq!(app.refresh(word(&tokens, "refresh_token")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn introspection_tells_a_confidential_client_what_a_token_is_worth() {
    let world = world().await;
    let app = world.app().await;
    let tokens = app.tokens().await;

    let access = active(&world, word(&tokens, "access_token")).await;
    assert_eq!((access["active"].as_bool(), word(&access, "token_type")), (Some(true), "Bearer"));
    assert_eq!((word(&access, "client_id"), word(&access, "scope")), (app.id.as_str(), "mcp:read mcp:write"));
    let refresh = active(&world, word(&tokens, "refresh_token")).await;
    assert_eq!(word(&refresh, "token_type"), "refresh_token");
    world.pass(301);
    assert_eq!(active(&world, word(&tokens, "access_token")).await, json!({ "active": false }));
    assert_eq!(active(&world, "nonsense").await, json!({ "active": false }));
}

#[tokio::test]
async fn strangers_learn_nothing_by_introspection() {
    let world = world().await;
    let app = world.app().await;
    let tokens = app.tokens().await;
    let token = word(&tokens, "access_token");

    let public = world.post("/introspect", &[("client_id", &app.id), ("token", token)]).await;
    assert_eq!((public.status, public.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    let metadata = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "client_secret_post" });
    let answer = world.register(&metadata).await.json();
    let fields = [
        ("client_id", word(&answer, "client_id")),
        ("client_secret", word(&answer, "client_secret")),
        ("token", token),
    ];
    assert_eq!(world.post("/introspect", &fields).await.json(), json!({ "active": false }));
}
