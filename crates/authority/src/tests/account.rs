//! What a person sees and stops.

use super::world::*;
use http::StatusCode;

async fn connected<'a>(world: &'a World, browser: &mut Browser<'a>) -> (App<'a>, serde_json::Value) {
    let app = world.app().await;
    let page = browser.open(&app.request(&[])).await;
    let fields = [("tool", "list_notes"), ("tool", "add_note"), ("decision", "allow"), ("duration", "30d")];
    let answered = browser.submit(&page, &fields).await;
    let tokens = app.redeem(&answered.parameter("code").unwrap()).await.json();
    (app, tokens)
}

#[tokio::test]
async fn an_app_is_shown_and_stopped() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    let (app, tokens) = connected(&world, &mut browser).await;

    let page = browser.get("/account").await;
    for shown in ["<h3>Probe</h3>", "Sample notes", "Look things up", "1 tool</dd>", "15 January 2027", "this browser"]
    {
        assert!(page.body.contains(shown), "{shown}\n{}", page.body);
    }
    let (token, grant) = (page.field("form_token").unwrap(), page.field("grant").unwrap());
    let stopped = browser.post("/account/stop", &[("form_token", &token), ("grant", &grant)]).await;

    assert_eq!(stopped.location(), "/account?done=stopped");
    assert!(browser.get("/account").await.body.contains("Nothing at the moment"));
    assert_eq!(app.refresh(word(&tokens, "refresh_token")).await.error(), "invalid_grant");
}

#[tokio::test]
async fn nobody_acts_on_an_account_from_outside() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    let (app, tokens) = connected(&world, &mut browser).await;
    let page = browser.get("/account").await;
    let (token, grant) = (page.field("form_token").unwrap(), page.field("grant").unwrap());

    assert_eq!(world.browser().get("/account").await.location(), "/login");
    let forged = browser.post("/account/stop", &[("form_token", "AAAA"), ("grant", &grant)]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    browser.origin = Some("https://evil.example");
    let foreign = browser.post("/account/stop", &[("form_token", &token), ("grant", &grant)]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);

    assert_eq!(app.refresh(word(&tokens, "refresh_token")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    let page = browser.get("/account").await;
    let kept = browser.clone();

    let out = browser.post("/logout", &[("form_token", &page.field("form_token").unwrap())]).await;

    assert_eq!(out.location(), "/");
    assert_eq!(kept.clone().get("/account").await.location(), "/login", "the cookie alone is worth nothing");
}

#[tokio::test]
async fn a_session_elsewhere_can_be_closed() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    let mut elsewhere = world.browser();
    let page = elsewhere.get("/login").await;
    elsewhere.submit(&page, &[("name", "alice"), ("password", PASSWORD)]).await;

    let page = browser.get("/account").await;
    let (token, session) = (page.field("form_token").unwrap(), page.field("session").unwrap());
    let closed = browser.post("/account/session", &[("form_token", &token), ("session", &session)]).await;

    assert_eq!(closed.location(), "/account?done=closed");
    assert_eq!(elsewhere.get("/account").await.location(), "/login");
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_changed_password_signs_out_everywhere_else() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    let mut elsewhere = world.browser();
    let page = elsewhere.get("/login").await;
    elsewhere.submit(&page, &[("name", "alice"), ("password", PASSWORD)]).await;
    let page = browser.get("/account").await;
    let token = page.field("form_token").unwrap();
    let change = |old: &'static str, new: &'static str| {
        [
            ("form_token", token.clone()),
            ("password", old.to_owned()),
            ("new", new.to_owned()),
            ("again", new.to_owned()),
        ]
    };
    let fields = change("wrong password", "a new long password");
    let wrong = browser.post("/account/password", &fields.each_ref().map(|(k, v)| (*k, v.as_str()))).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);

    let fields = change(PASSWORD, "a new long password");
    let changed = browser.post("/account/password", &fields.each_ref().map(|(k, v)| (*k, v.as_str()))).await;

    assert_eq!(changed.location(), "/account?done=changed");
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    assert_eq!(elsewhere.get("/account").await.location(), "/login");
    let page = elsewhere.get("/login").await;
    let old = elsewhere.submit(&page, &[("name", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(old.status, StatusCode::FORBIDDEN);
}
