//! Registration, client authentication and machines.

use super::world::*;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::json;

async fn with_machine() -> World {
    World::plan(Plan { dev_approve: Some("alice"), clients: vec![machine()], ..Plan::default() }).await
}

#[tokio::test]
async fn a_machine_gets_a_token_of_its_own_and_no_refresh() {
    let world = with_machine().await;

    let seen =
        world.post_as(Some(MACHINE), "/token", &[("grant_type", "client_credentials"), ("scope", "mcp:read")]).await;

    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    let tokens = seen.json();
    assert!(tokens.get("refresh_token").is_none());
    let claims = claims(&tokens);
    assert!(word(&claims, "sub").starts_with("mc_"));
    assert_eq!((word(&claims, "aud"), word(&claims, "scope")), ("http://localhost:8787/mcp", "mcp:read"));
}

#[tokio::test]
async fn a_machine_gets_no_more_than_its_ceiling() {
    let world = with_machine().await;
    let ask = |scope: &'static str, resource: &'static str| {
        let fields = [("grant_type", "client_credentials"), ("scope", scope), ("resource", resource)];
        let world = &world;
        async move { world.post_as(Some(MACHINE), "/token", &fields).await }
    };

    assert_eq!(ask("mcp:destructive", "").await.error(), "invalid_scope");
    assert_eq!(ask("mcp:read", "http://localhost:8787/mcp/x").await.error(), "invalid_target");
    assert_eq!(word(&ask("", "").await.json(), "scope"), "mcp:read mcp:write");
}

#[tokio::test]
async fn client_authentication_is_one_method_the_registered_one() {
    let world = with_machine().await;
    let cc = ("grant_type", "client_credentials");

    let wrong = world.post_as(Some("Basic Y2k6d3Jvbmc="), "/token", &[cc]).await;
    assert_eq!((wrong.status, wrong.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    assert!(wrong.header("www-authenticate").starts_with("Basic"));
    let post = world.post("/token", &[cc, ("client_id", "ci"), ("client_secret", "machine secret")]).await;
    assert_eq!((post.status, post.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    assert_eq!(post.header("www-authenticate"), "");
    let both = world.post_as(Some(MACHINE), "/token", &[cc, ("client_id", "ci"), ("client_secret", "x")]).await;
    assert_eq!(both.error(), "invalid_request");
    let none = world.post("/token", &[cc, ("client_id", "ci")]).await;
    assert_eq!(none.error(), "invalid_client");
    let unknown = world.post("/token", &[cc, ("client_id", "bwc_unknown")]).await;
    assert_eq!((unknown.status, unknown.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    let broken = world.post_as(Some("Basic ###"), "/token", &[cc]).await;
    assert_eq!(broken.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_confidential_registration_redeems_with_its_derived_secret_only() {
    let world = World::approving().await;
    let metadata = json!({
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "client_secret_post",
        "scope": "mcp:basic offline_access",
        "application_type": "native",
    });
    let answer = world.register(&metadata).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::CREATED, "no-store"));
    let answer = answer.json();
    assert_eq!(answer["client_secret_expires_at"], 0);
    let app = App { world: &world, id: word(&answer, "client_id").to_owned(), callback: CALLBACK.to_owned() };
    assert!(app.id.len() <= 1024);
    let code = app.code().await;

    assert_eq!(app.redeem(&code).await.error(), "invalid_client");
    assert_eq!(app.redeem_with(&code, &[("client_secret", "bw_cs_wrong")]).await.error(), "invalid_client");
    let seen = app.redeem_with(&code, &[("client_secret", word(&answer, "client_secret"))]).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
}

#[tokio::test]
async fn bad_registrations_say_what_is_wrong() {
    let world = World::approving().await;

    for (metadata, error) in [
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://evil.example/cb"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
        (
            json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "private_key_jwt" }),
            "invalid_client_metadata",
        ),
        (json!({ "redirect_uris": [CALLBACK], "grant_types": ["client_credentials"] }), "invalid_client_metadata"),
        (json!([]), "invalid_client_metadata"),
    ] {
        let seen = world.register(&metadata).await;
        assert_eq!((seen.status, seen.error().as_str()), (StatusCode::BAD_REQUEST, error), "{metadata}");
    }
}

#[tokio::test]
async fn registration_is_limited_per_address() {
    let world = World::approving().await;
    let body = json!({ "redirect_uris": [CALLBACK] }).to_string();
    let register = || {
        let request = Request::post("/register").header("content-type", "application/json");
        let request = request.extension(bailiwick_net::Peer(([10, 0, 0, 1], 1).into()));
        world.send(request.body(Body::from(body.clone())).unwrap())
    };
    for _ in 0..60 {
        assert_eq!(register().await.status, StatusCode::CREATED);
    }

    let seen = register().await;

    assert_eq!(seen.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(seen.header("retry-after"), "60");
}

#[tokio::test]
async fn a_house_without_public_clients_neither_lists_nor_registers_them() {
    let world = World::plan(Plan { confidential_only: true, ..Plan::default() }).await;

    let listed = world.get("/.well-known/oauth-authorization-server").await.json();
    let public = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
    let refused = world.register(&public).await;

    let methods = json!(["client_secret_basic", "client_secret_post"]);
    assert_eq!(listed["token_endpoint_auth_methods_supported"], methods);
    assert_eq!(refused.error(), "invalid_client_metadata");
}

#[tokio::test]
async fn a_disabled_client_is_unknown_everywhere() {
    let world = World::approving().await;
    let app = world.app().await;
    let tokens = app.tokens().await;
    let id = bailiwick_domain::ids::ClientId::parse(&app.id).unwrap();
    let audit = bailiwick_domain::audit::AuditEvent::new(bailiwick_domain::audit::AuditKind::GrantRevoked, world.now());
    assert!(world.store.disable_client(&id, audit).await.unwrap());

    assert_eq!(app.refresh(word(&tokens, "refresh_token")).await.error(), "invalid_client");
    let page = world.get(&app.request(&[])).await;
    assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, ""));
}

#[tokio::test]
async fn browsers_may_read_programs_answers_but_not_pages() {
    let world = World::approving().await;

    for path in ["/token", "/register", "/revoke", "/jwks.json", "/.well-known/openid-configuration"] {
        let request = Request::builder().method(Method::OPTIONS).uri(path).header("origin", "https://app.example");
        let seen = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!((seen.status, seen.header("access-control-allow-origin")), (StatusCode::NO_CONTENT, "*"), "{path}");
        assert_eq!(seen.header("access-control-allow-credentials"), "");
    }
    for path in ["/", "/login", "/account", "/authorize"] {
        assert_eq!(world.get(path).await.header("access-control-allow-origin"), "", "{path}");
    }
}
