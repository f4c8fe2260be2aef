//! What `/authorize` refuses, and where it says so.

use super::world::*;
use http::StatusCode;

#[tokio::test]
async fn who_asks_or_where_it_leads_is_refused_on_a_page() {
    let world = World::approving().await;
    let app = world.app().await;
    let long = "x".repeat(9000);

    for changes in [
        ("client_id", ""),
        ("client_id", "nobody"),
        ("client_id", "bwc_<script>alert(1)</script>"),
        ("redirect_uri", "https://evil.example/cb"),
        ("redirect_uri", "http://127.0.0.1:7171/callback/../x"),
        ("redirect_uri", "http://127.0.0.1:7171/callback?more=1"),
        ("state", &long),
    ] {
        let seen = world.get(&app.request(&[changes])).await;
        assert_eq!((seen.status, seen.location()), (StatusCode::BAD_REQUEST, ""), "{changes:?}");
        assert!(seen.header("content-type").starts_with("text/html"));
        assert!(seen.body.contains("<code>co_"), "a reference: {}", seen.body);
        assert!(!seen.body.contains("evil") && !seen.body.contains("<script"), "nothing is reflected");
    }
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", app.request(&[]));
    assert_eq!(world.get(&twice).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_else_is_wrong_goes_back_with_state_and_iss() {
    let world = World::new().await;
    let app = world.app().await;

    for (changes, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("response_mode", "fragment"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("resource", "http://localhost:8787/mcp/nowhere"), "invalid_target"),
        (("resource", "not a uri"), "invalid_target"),
        (("scope", "openid profile"), "invalid_scope"),
        (("prompt", "none"), "login_required"),
        (("request_uri", "https://x.example/r"), "invalid_request"),
    ] {
        let seen = world.get(&app.request(&[changes])).await;
        assert_eq!(seen.status, StatusCode::FOUND, "{changes:?}");
        assert!(seen.location().starts_with(CALLBACK));
        assert_eq!(seen.parameter("error").as_deref(), Some(error), "{changes:?}");
        assert_eq!(seen.parameter("state").as_deref(), Some("st ate"));
        assert_eq!(seen.parameter("iss").as_deref(), Some(BASE));
        assert_eq!(seen.parameter("code"), None);
    }
}

#[tokio::test]
async fn a_stranger_on_the_internet_gets_no_redirect_before_a_person_is_there() {
    let world = World::new().await;
    let app = world.app_at("https://stranger.example/cb").await;
    let malformed = app.request(&[("response_type", "token")]);

    let seen = world.get(&malformed).await;
    assert_eq!((seen.status, seen.location()), (StatusCode::BAD_REQUEST, ""));
    assert!(seen.body.contains("stranger.example"), "the page says where it would lead");

    let mut browser = world.signed_in().await;
    assert_eq!(browser.get(&malformed).await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn a_missing_resource_means_the_only_server() {
    let one = World::approving().await;
    let app = one.app().await;
    assert!(one.get(&app.request(&[("resource", "")])).await.parameter("code").is_some());

    let two = World::plan(Plan { dev_approve: Some("alice"), two_servers: true, ..Plan::default() }).await;
    let app = two.app().await;
    let seen = two.get(&app.request(&[("resource", "")])).await;
    assert_eq!(seen.parameter("error").as_deref(), Some("invalid_target"));
    let named = two.get(&app.request(&[("resource", "http://localhost:8787/mcp/crm")])).await;
    let tokens = app.redeem(&named.parameter("code").unwrap()).await.json();
    assert_eq!(word(&claims(&tokens), "aud"), "http://localhost:8787/mcp/crm");
    assert_eq!(word(&tokens, "scope"), "crm:read crm:write");
}

#[tokio::test]
async fn on_loopback_the_port_may_differ() {
    let world = World::approving().await;
    let app = world.app().await;

    let seen = world.get(&app.request(&[("redirect_uri", "http://127.0.0.1:50123/callback")])).await;

    assert!(seen.location().starts_with("http://127.0.0.1:50123/callback?code="), "{}", seen.location());
}

#[tokio::test]
async fn unknown_scopes_are_dropped_and_said() {
    let world = World::approving().await;
    let app = world.app().await;

    let seen = world.get(&app.request(&[("scope", "offline_access openid mcp:destructive")])).await;
    let tokens = app.redeem(&seen.parameter("code").unwrap()).await.json();

    assert_eq!(word(&tokens, "scope"), "mcp:destructive");
}

#[tokio::test]
async fn a_redirect_leaves_no_trace() {
    let world = World::approving().await;
    let app = world.app().await;

    let seen = world.get(&app.request(&[])).await;

    assert_eq!((seen.header("cache-control"), seen.header("referrer-policy")), ("no-store", "no-referrer"));
    assert_eq!(seen.parameter("iss").as_deref(), Some(BASE));
    assert_eq!(seen.parameter("state").as_deref(), Some("st ate"));
}
