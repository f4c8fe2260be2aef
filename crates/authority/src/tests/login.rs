//! Signing in, and the first account.

use super::world::*;
use http::StatusCode;

async fn try_login(browser: &mut Browser<'_>, name: &str, password: &str) -> Seen {
    let page = browser.get("/login").await;
    browser.submit(&page, &[("name", name), ("password", password)]).await
}

#[tokio::test]
async fn the_right_password_signs_in_with_a_new_cookie() {
    let world = World::new().await;
    let first = world.signed_in().await;
    let mut browser = world.browser();

    let seen = try_login(&mut browser, "Alice", PASSWORD).await;

    assert_eq!((seen.status, seen.location()), (StatusCode::SEE_OTHER, "/account"));
    assert_ne!(first.cookies["bw_session"], browser.cookies["bw_session"]);
    assert!(browser.get("/account").await.body.contains("alice"));
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_read_the_same() {
    let world = World::new().await;
    let _ = world.signed_in().await;
    let mut browser = world.browser();

    for (name, password) in [("alice", "wrong password"), ("nobody", PASSWORD), ("<b>", PASSWORD)] {
        let seen = try_login(&mut browser, name, password).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN);
        assert!(seen.body.contains("The user name or the password is wrong."));
        assert!(!seen.body.contains("<b>"));
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_by_account_and_by_address() {
    let world = World::new().await;
    let _ = world.signed_in().await;
    let mut guesser = world.browser();
    guesser.peer = ([10, 0, 0, 9], 1).into();
    for _ in 0..6 {
        try_login(&mut guesser, "alice", "wrong password").await;
    }

    let by_account = try_login(&mut world.browser(), "alice", PASSWORD).await;
    assert_eq!(by_account.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(by_account.header("retry-after").parse::<u64>().unwrap() > 0);
    let by_address = try_login(&mut guesser, "someone", "wrong password").await;
    assert_eq!(by_address.status, StatusCode::TOO_MANY_REQUESTS);

    world.pass(901);
    assert_eq!(try_login(&mut world.browser(), "alice", PASSWORD).await.location(), "/account");
}

#[tokio::test]
async fn a_login_form_from_elsewhere_is_refused() {
    let world = World::new().await;
    let _ = world.signed_in().await;
    let mut browser = world.browser();
    let page = browser.get("/login").await;

    let mut fresh = world.browser();
    assert_eq!(fresh.submit(&page, &[("name", "alice"), ("password", PASSWORD)]).await.status, StatusCode::FORBIDDEN);
    browser.origin = Some("null");
    assert_eq!(browser.submit(&page, &[("name", "alice"), ("password", PASSWORD)]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn elsewhere_than_on_this_machine_the_link_makes_the_first_account() {
    let world = World::plan(Plan { far: true, ..Plan::default() }).await;
    let mut browser = world.browser();
    let page = browser.open("/login").await;
    assert!(page.body.contains("Set-up link"));
    let account = [("name", "alice"), ("password", PASSWORD), ("again", PASSWORD)];

    for link in ["", "bw_su_AAAA"] {
        let refused = browser.submit(&page, &[&account[..], &[("link", link)][..]].concat()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
    let link = world.setup.link(&bailiwick_domain::uri::Issuer::parse(BASE).unwrap());
    let made = browser.submit(&page, &[&account[..], &[("link", link.as_str())][..]].concat()).await;
    assert_eq!(made.location(), "/account", "{}", made.body);

    let again = world.browser().get(link.strip_prefix(BASE).unwrap()).await;
    assert_eq!(again.location(), "/login", "it works once");
}

#[tokio::test]
async fn a_weak_or_mistyped_first_password_asks_again() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = browser.get("/setup").await;

    for (password, again) in [("short", "short"), (PASSWORD, "something else"), ("", "")] {
        let seen = browser.submit(&page, &[("name", "alice"), ("password", password), ("again", again)]).await;
        assert_eq!(seen.status, StatusCode::BAD_REQUEST, "{password}");
    }
    assert!(!world.store.any_user().await.unwrap());
}

#[tokio::test]
async fn a_visitor_from_this_machine_to_a_public_house_needs_the_link_too() {
    let world = World::plan(Plan { far: true, ..Plan::default() }).await;
    let mut browser = world.browser();
    let page = browser.get("/setup").await;

    let seen = browser.submit(&page, &[("name", "alice"), ("password", PASSWORD), ("again", PASSWORD)]).await;

    assert_eq!(seen.status, StatusCode::BAD_REQUEST);
}
