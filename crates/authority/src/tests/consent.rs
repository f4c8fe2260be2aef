//! Consent: what the page shows, and what an answer does.

use super::world::*;
use http::StatusCode;
use serde_json::json;

const ALL: [(&str, &str); 3] = [("tool", "list_notes"), ("tool", "read_note"), ("tool", "add_note")];
const YES: [(&str, &str); 2] = [("decision", "allow"), ("duration", "1d")];

#[tokio::test]
async fn a_newcomer_is_led_from_setup_over_consent_to_the_client() {
    let world = World::new().await;
    let app = world.app().await;
    let mut browser = world.browser();

    let setup = browser.open(&app.request(&[])).await;
    assert!(setup.body.contains("Make the first account"), "{}", setup.body);
    let made = browser.submit(&setup, &[("name", "alice"), ("password", PASSWORD), ("again", PASSWORD)]).await;
    let consent = browser.open(made.location()).await;
    let answered = browser.submit(&consent, &[&ALL[..], &YES[..]].concat()).await;

    assert_eq!(answered.status, StatusCode::SEE_OTHER, "{}", answered.body);
    assert_eq!(answered.parameter("state").as_deref(), Some("st ate"));
    assert_eq!(answered.parameter("iss").as_deref(), Some(BASE));
    let tokens = app.redeem(&answered.parameter("code").unwrap()).await.json();
    assert_eq!(word(&tokens, "scope"), "mcp:read mcp:write");
    assert!(word(&claims(&tokens), "sub").starts_with("us_"));
}

#[tokio::test]
async fn the_page_names_host_client_server_and_every_tool() {
    let world = World::new().await;
    let app = world.app().await;
    let mut browser = world.signed_in().await;

    let page = browser.open(&app.request(&[("scope", "mcp:read mcp:destructive")])).await;

    for shown in [
        "<span class=\"host\">127.0.0.1</span>",
        "Probe",
        "unverified",
        "computer you are using now",
        "Sample notes",
        "http://localhost:8787/mcp",
        "Look things up",
        "value=\"list_notes\" checked",
        "value=\"delete_note\" checked",
        "<fieldset class=\"destructive\">",
        "value=\"30d\" checked",
    ] {
        assert!(page.body.contains(shown), "{shown}\n{}", page.body);
    }
    assert!(!page.body.contains("add_note"), "only what was asked for");
    assert!(page.header("content-security-policy").ends_with("form-action 'self' http://127.0.0.1:*"));
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_tool_left_out_is_in_the_token() {
    let world = World::new().await;
    let app = world.app().await;
    let mut browser = world.signed_in().await;
    let page = browser.open(&app.request(&[])).await;

    let fields = [&[("tool", "list_notes"), ("tool", "add_note")][..], &YES[..]].concat();
    let answered = browser.submit(&page, &fields).await;
    let tokens = app.redeem(&answered.parameter("code").unwrap()).await.json();

    let details = json!([{
        "type": "mcp_tools",
        "locations": ["http://localhost:8787/mcp"],
        "tools": ["list_notes", "add_note"],
    }]);
    assert_eq!(claims(&tokens)["authorization_details"], details);
    assert_eq!(tokens["authorization_details"], details);
    let next = app.refresh(word(&tokens, "refresh_token")).await.json();
    assert_eq!(claims(&next)["authorization_details"], details, "a refresh does not bring it back");
}

#[tokio::test]
async fn a_scope_all_of_whose_tools_are_left_out_goes() {
    let world = World::new().await;
    let app = world.app().await;
    let mut browser = world.signed_in().await;
    let page = browser.open(&app.request(&[])).await;

    let fields = [&[("tool", "list_notes"), ("tool", "read_note")][..], &YES[..]].concat();
    let answered = browser.submit(&page, &fields).await;
    let tokens = app.redeem(&answered.parameter("code").unwrap()).await.json();

    assert_eq!(word(&tokens, "scope"), "mcp:read");
}

#[tokio::test]
async fn nothing_ticked_asks_again() {
    let world = World::new().await;
    let app = world.app().await;
    let mut browser = world.signed_in().await;
    let page = browser.open(&app.request(&[])).await;

    let again = browser.submit(&page, &YES).await;

    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert!(again.body.contains("Nothing is ticked") && again.body.contains("value=\"1d\" checked"));
    assert!(browser.submit(&again, &[&ALL[..], &YES[..]].concat()).await.parameter("code").is_some());
}

#[tokio::test]
async fn the_chosen_time_bounds_everything() {
    let world = World::new().await;
    let app = world.app().await;
    let mut browser = world.signed_in().await;
    let page = browser.open(&app.request(&[])).await;
    let fields = [&ALL[..], &[("decision", "allow"), ("duration", "1h")][..]].concat();
    let answered = browser.submit(&page, &fields).await;
    let tokens = app.redeem(&answered.parameter("code").unwrap()).await.json();

    world.pass(3590);
    let last = app.refresh(word(&tokens, "refresh_token")).await.json();
    assert_eq!(last["expires_in"], 10, "no token outlives the grant");
    world.pass(11);

    assert_eq!(app.refresh(word(&last, "refresh_token")).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_no_goes_back_as_one() {
    let world = World::new().await;
    let app = world.app().await;
    let mut browser = world.signed_in().await;

    for decision in ["deny", "", "maybe"] {
        let page = browser.open(&app.request(&[])).await;
        let answered =
            browser.submit(&page, &[&ALL[..], &[("decision", decision), ("duration", "1d")][..]].concat()).await;

        assert_eq!(answered.status, StatusCode::SEE_OTHER);
        assert_eq!(answered.parameter("error").as_deref(), Some("access_denied"), "{decision}");
        assert_eq!(answered.parameter("iss").as_deref(), Some(BASE));
    }
}

#[tokio::test]
async fn a_request_is_answered_once() {
    let world = World::new().await;
    let app = world.app().await;
    let mut browser = world.signed_in().await;
    let page = browser.open(&app.request(&[])).await;
    let fields = [&ALL[..], &YES[..]].concat();

    assert!(browser.submit(&page, &fields).await.parameter("code").is_some());
    let second = browser.submit(&page, &fields).await;

    assert_eq!((second.status, second.location()), (StatusCode::BAD_REQUEST, ""));
}

#[tokio::test]
async fn only_the_browser_that_began_may_answer() {
    let world = World::new().await;
    let app = world.app().await;
    let mut browser = world.signed_in().await;
    let page = browser.open(&app.request(&[])).await;
    let fields = [&ALL[..], &YES[..]].concat();

    let mut other = browser.clone();
    other.cookies.remove("bw_browser");
    assert_eq!(other.submit(&page, &fields).await.status, StatusCode::BAD_REQUEST);

    let mut stranger = browser.clone();
    stranger.cookies.remove("bw_session");
    let led = stranger.submit(&page, &fields).await;
    assert!(led.location().starts_with("/login?request="), "nobody is signed in there");

    let mut foreign = browser.clone();
    foreign.origin = Some("https://evil.example");
    assert_eq!(foreign.submit(&page, &fields).await.status, StatusCode::FORBIDDEN);

    let handle = page.field("request").unwrap();
    let bare = [&fields[..], &[("request", handle.as_str()), ("form_token", "AAAA")][..]].concat();
    assert_eq!(browser.post("/consent", &bare).await.status, StatusCode::FORBIDDEN);

    assert!(browser.submit(&page, &fields).await.parameter("code").is_some(), "and none of it used the request up");
}

#[tokio::test]
async fn a_request_begun_elsewhere_is_not_taken_over() {
    let world = World::new().await;
    let app = world.app().await;
    let mut victim = world.signed_in().await;
    let mut attacker = world.browser();
    let begun = attacker.get(&app.request(&[])).await;
    let handle = begun.location().rsplit_once('=').unwrap().1.to_owned();

    for page in ["consent", "login"] {
        let lured = victim.get(&format!("/{page}?request={handle}")).await;
        assert_eq!((lured.status, lured.location()), (StatusCode::BAD_REQUEST, ""), "{page}");
        assert!(lured.body.contains("another browser"));
    }
}

#[tokio::test]
async fn an_expired_request_says_so() {
    let world = World::new().await;
    let app = world.app().await;
    let mut browser = world.signed_in().await;
    let page = browser.open(&app.request(&[])).await;
    world.pass(601);

    let seen = browser.submit(&page, &[&ALL[..], &YES[..]].concat()).await;

    assert_eq!(seen.status, StatusCode::BAD_REQUEST);
    assert!(seen.body.contains("expired"));
}

#[tokio::test]
async fn asked_without_a_page_consent_is_required() {
    let world = World::new().await;
    let app = world.app().await;
    let mut browser = world.signed_in().await;

    let seen = browser.get(&app.request(&[("prompt", "none")])).await;

    assert_eq!(seen.parameter("error").as_deref(), Some("consent_required"));
}
