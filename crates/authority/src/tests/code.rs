//! Codes: redeemed once, by whom they wait for.

use super::world::*;
use http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn a_code_becomes_tokens_that_say_what_was_approved() {
    let world = World::approving().await;
    let app = world.app().await;

    let code = app.code().await;
    let seen = app.redeem(&code).await;

    assert_eq!((seen.status, seen.header("cache-control")), (StatusCode::OK, "no-store"));
    let tokens = seen.json();
    assert_eq!((word(&tokens, "token_type"), &tokens["expires_in"]), ("Bearer", &json!(300)));
    assert_eq!(word(&tokens, "scope"), "mcp:read mcp:write");
    assert!(word(&tokens, "refresh_token").starts_with("bw_rt_"));
    let claims = claims(&tokens);
    assert_eq!((word(&claims, "iss"), word(&claims, "aud")), (BASE, "http://localhost:8787/mcp"));
    assert_eq!(word(&claims, "client_id"), app.id);
    assert!(claims["dlg"]["gid"].as_str().unwrap().starts_with("gr_"));
    assert!(claims.get("authorization_details").is_none());
}

#[tokio::test]
async fn a_wrong_guess_leaves_the_code_alive() {
    let world = World::approving().await;
    let (app, other) = (world.app().await, world.app_at("http://127.0.0.1/other").await);
    let code = app.code().await;

    let wrong = "x".repeat(43);
    let guesses: [(&[(&str, &str)], &str); 7] = [
        (&[("code_verifier", &wrong)], "invalid_grant"),
        (&[("code_verifier", "short")], "invalid_grant"),
        (&[("code_verifier", "")], "invalid_grant"),
        (&[("client_id", &other.id)], "invalid_grant"),
        (&[("redirect_uri", "http://127.0.0.1:7171/other")], "invalid_grant"),
        (&[("resource", "http://localhost:8787/mcp/other")], "invalid_target"),
        (&[("code", "bw_ac_nonsense")], "invalid_grant"),
    ];
    for (changes, error) in guesses {
        let seen = app.redeem_with(&code, changes).await;
        assert_eq!((seen.status, seen.error().as_str()), (StatusCode::BAD_REQUEST, error), "{changes:?}");
    }

    assert_eq!(app.redeem_with(&code, &[("redirect_uri", "")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_old_code_is_over() {
    let world = World::approving().await;
    let app = world.app().await;
    let code = app.code().await;
    world.pass(61);

    assert_eq!(app.redeem(&code).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_lost_race_is_refused_and_a_later_replay_ends_the_grant() {
    let world = World::approving().await;
    let app = world.app().await;
    let code = app.code().await;
    let tokens = app.redeem(&code).await.json();
    world.pass(9);

    assert_eq!(app.redeem(&code).await.error(), "invalid_grant");
    let next = app.refresh(word(&tokens, "refresh_token")).await;
    assert_eq!(next.status, StatusCode::OK, "a lost race changes nothing");

    world.pass(100);
    assert_eq!(app.redeem(&code).await.error(), "invalid_grant");
    assert_eq!(app.refresh(word(&next.json(), "refresh_token")).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_spent_code_in_other_hands_ends_nothing() {
    let world = World::approving().await;
    let (app, other) = (world.app().await, world.app_at("http://127.0.0.1/other").await);
    let code = app.code().await;
    let tokens = app.redeem(&code).await.json();
    world.pass(100);

    let wrong = "x".repeat(43);
    for changes in [("client_id", other.id.as_str()), ("code_verifier", &wrong)] {
        assert_eq!(app.redeem_with(&code, &[changes]).await.error(), "invalid_grant");
    }

    assert_eq!(app.refresh(word(&tokens, "refresh_token")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn of_many_at_once_one_redeems() {
    let world = World::approving().await;
    let app = world.app().await;
    let code = app.code().await;

    let (a, b, c, d) = tokio::join!(app.redeem(&code), app.redeem(&code), app.redeem(&code), app.redeem(&code));
    let all = [a, b, c, d];

    let won = all.iter().filter(|seen| seen.status == StatusCode::OK).count();
    assert_eq!(won, 1);
    assert!(all.iter().filter(|seen| seen.status != StatusCode::OK).all(|seen| seen.error() == "invalid_grant"));
}

#[tokio::test]
async fn a_malformed_form_is_an_invalid_request() {
    let world = World::approving().await;
    let app = world.app().await;
    let code = app.code().await;

    for changes in [
        [("code", code.as_str()), ("code", code.as_str())],
        [("scope", "a"), ("scope", "b")],
        [("code", ""), ("x", "y")],
        [("grant_type", ""), ("x", "y")],
    ] {
        assert_eq!(app.redeem_with(&code, &changes).await.error(), "invalid_request", "{changes:?}");
    }
    assert_eq!(app.redeem_with(&code, &[("grant_type", "password")]).await.error(), "unsupported_grant_type");
    assert_eq!(app.redeem_with(&code, &[("grant_type", "client_credentials")]).await.error(), "unauthorized_client");
}
