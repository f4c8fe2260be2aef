//! Connecting accounts: for the person a link was made for, once, from one browser.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::{ClientId, SessionId, UserId};
use bailiwick_domain::opaque::{ConnectTicket, Opaque, SessionCookie};
use bailiwick_store::{AuditFilter, ConnectionKey, NO_PASSWORD, NewSession, NewUser, Ticket};
use http::StatusCode;
use zeroize::Zeroizing;

use super::connector::Fake;
use super::world::*;

async fn world() -> World {
    World::plan(Plan { connector: Some(|store| Arc::new(Fake::new(store))), ..Plan::default() }).await
}

async fn id(world: &World, name: &str) -> UserId {
    world.store.user_by_name(name).await.unwrap().unwrap().id
}

/// A link that was made when a call of this person's needed it.
async fn link(world: &World, user: &str, provider: &str, seed: u8) -> String {
    let ticket = Ticket {
        user: id(world, user).await,
        provider: provider.to_owned(),
        client: ClientId::parse("app").unwrap(),
        server: "Sample notes".to_owned(),
        tool: Some("list_notes".to_owned()),
        expires_at: world.now().after(Duration::from_mins(15)),
    };
    let new = Opaque::<ConnectTicket>::from_bytes(Zeroizing::new([seed; 32]));
    let link = world.store.open_ticket(new, ticket, world.now()).await.unwrap();
    format!("/connect/{}", link.as_str())
}

/// The browser of somebody else.
async fn bob(world: &World) -> Browser<'_> {
    let user = UserId::from_stored("us_bob");
    let event = || AuditEvent::new(AuditKind::UserCreated, world.now());
    let new = NewUser::new(user.clone(), "bob".to_owned(), NO_PASSWORD.to_owned(), world.now());
    world.store.create_user(new, event()).await.unwrap();
    let cookie = Opaque::<SessionCookie>::from_bytes(Zeroizing::new([77; 32]));
    let until = world.now().after(Duration::from_hours(1));
    let session = NewSession {
        id: SessionId::from_stored("si_bob"),
        digest: cookie.digest(),
        user,
        auth_time: world.now(),
        idle_until: until,
        expires_at: until,
        agent: "Firefox".to_owned(),
        origin: None,
    };
    world.store.open_session(session, event()).await.unwrap();
    let mut browser = world.browser();
    browser.cookies.insert("bw_session".to_owned(), cookie.expose().as_str().to_owned());
    browser
}

async fn kept(world: &World, user: &str, provider: &str) -> Option<String> {
    let key = ConnectionKey { user: id(world, user).await, provider: provider.to_owned() };
    world.store.connection(&key).await.unwrap().map(|found| found.secret.as_str().to_owned())
}

async fn refused_by(world: &World, rule: &str) -> Option<AuditEvent> {
    for _ in 0..200 {
        let filter = AuditFilter { limit: 50, kind: Some(AuditKind::RequestRefused), ..AuditFilter::default() };
        let rows = world.store.audit_rows(&filter).await.unwrap();
        if let Some(row) = rows.into_iter().find(|row| row.event.rule.as_deref() == Some(rule)) {
            return Some(row.event);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    None
}

/// Where the page leads whoever goes on to the provider.
fn state_of(seen: &Seen) -> String {
    let url = seen.body.split_once("content=\"0; url=").unwrap().1.split('"').next().unwrap();
    url.split_once("state=").unwrap().1.to_owned()
}

#[tokio::test]
async fn a_key_is_left_once_and_never_shown() {
    let world = world().await;
    let mut browser = world.signed_in().await;
    let link = link(&world, "alice", "crm", 1).await;

    let page = browser.get(&link).await;
    for shown in ["Connect your CRM account", "list_notes", "API key", "type=\"password\"", "not shown again"] {
        assert!(page.body.contains(shown), "{shown}\n{}", page.body);
    }
    assert!(page.header("content-security-policy").contains("form-action 'self'"));
    let empty = browser.submit(&page, &[]).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
    let odd = browser.submit(&page, &[("key", "a\nb")]).await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    assert!(!odd.body.contains("a\nb"));
    let done = browser.submit(&page, &[("key", " k-1234567890 \n")]).await;

    assert_eq!(done.location(), "/connect/done?provider=crm", "{}", done.body);
    assert_eq!(kept(&world, "alice", "crm").await.as_deref(), Some("key=k-1234567890"));
    let end = browser.get(done.location()).await;
    assert!(end.body.contains("CRM is connected") && !end.body.contains("k-123"));
    let account = browser.get("/account").await;
    assert!(account.body.contains("ada-at-provider") && !account.body.contains("k-123"));
    let again = browser.submit(&page, &[("key", "k-2")]).await;
    assert_eq!((again.status, browser.get(&link).await.status), (StatusCode::GONE, StatusCode::GONE));
    assert_eq!(kept(&world, "alice", "crm").await.as_deref(), Some("key=k-1234567890"));
}

#[tokio::test]
async fn whoever_is_not_signed_in_signs_in_and_comes_back() {
    let world = world().await;
    let _ = world.signed_in().await;
    let link = link(&world, "alice", "crm", 1).await;
    let mut browser = world.browser();

    let page = browser.open(&link).await;
    assert!(page.body.contains("An account of yours is to be connected"), "{}", page.body);
    let seen = browser.submit(&page, &[("name", "alice"), ("password", PASSWORD)]).await;

    assert_eq!(seen.location(), link);
    assert_eq!(browser.get(&link).await.status, StatusCode::OK);
}

#[tokio::test]
async fn anothers_link_connects_nothing() {
    let world = world().await;
    let mut alice = world.signed_in().await;
    let mut bob = bob(&world).await;
    let link = link(&world, "alice", "crm", 1).await;
    let page = alice.get(&link).await;

    assert_eq!(bob.get(&link).await.status, StatusCode::FORBIDDEN);
    let posted = bob.submit(&page, &[("key", "bobs-key")]).await;

    assert_eq!(posted.status, StatusCode::FORBIDDEN);
    assert!(posted.body.contains("made for somebody else"), "{}", posted.body);
    assert_eq!((kept(&world, "alice", "crm").await, kept(&world, "bob", "crm").await), (None, None));
    let event = refused_by(&world, "connect.other-person").await.unwrap();
    assert_eq!((event.user.unwrap().as_str(), event.client.unwrap().as_str()), ("us_bob", "app"));
    assert_eq!(alice.get(&link).await.status, StatusCode::OK, "the visit burnt the link");
}

#[tokio::test]
async fn a_link_that_is_unknown_old_or_of_a_provider_that_is_gone_leads_nowhere() {
    let world = world().await;
    let mut browser = world.signed_in().await;
    let old = link(&world, "alice", "crm", 1).await;
    let gone = link(&world, "alice", "gone", 2).await;
    let never = Opaque::<ConnectTicket>::from_bytes(Zeroizing::new([9; 32])).expose();

    for path in ["/connect/x".to_owned(), format!("/connect/{}", never.as_str()), gone] {
        assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    world.pass(901);
    assert_eq!(browser.get(&old).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_form_from_elsewhere_leaves_nothing() {
    let world = world().await;
    let mut browser = world.signed_in().await;
    let (first, second) = (link(&world, "alice", "crm", 1).await, link(&world, "alice", "erp", 2).await);
    let (page, other) = (browser.get(&first).await, browser.get(&second).await);
    let anothers = other.field("form_token").unwrap();

    for token in ["AAAA", &anothers] {
        let forged = browser.post(&first, &[("form_token", token), ("key", "k")]).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN);
    }
    browser.origin = Some("https://evil.example");
    assert_eq!(browser.submit(&page, &[("key", "k")]).await.status, StatusCode::FORBIDDEN);

    assert_eq!(kept(&world, "alice", "crm").await, None);
}

#[tokio::test]
async fn keys_are_not_tried_without_end() {
    let world = world().await;
    let mut browser = world.signed_in().await;
    for seed in 0..10 {
        let link = link(&world, "alice", "crm", seed).await;
        let page = browser.get(&link).await;
        assert_eq!(browser.submit(&page, &[("key", "k")]).await.status, StatusCode::SEE_OTHER);
    }
    let link = link(&world, "alice", "crm", 99).await;
    let page = browser.get(&link).await;

    let seen = browser.submit(&page, &[("key", "k")]).await;

    assert_eq!((seen.status, seen.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "60"));
    assert_eq!(browser.get(&link).await.status, StatusCode::OK, "the link was spent");
}

#[tokio::test]
async fn a_sign_in_at_the_provider_comes_back_once_to_the_browser_that_left() {
    let world = world().await;
    let mut browser = world.signed_in().await;
    let mut bob = bob(&world).await;
    bob.get("/login").await;
    bob.cookies.entry("bw_browser".to_owned()).or_insert_with(|| "none".to_owned());
    let link = link(&world, "alice", "code", 1).await;
    let page = browser.get(&link).await;
    assert!(page.body.contains("code.example") && page.body.contains("<code>repo</code>"), "{}", page.body);
    let away = browser.submit(&page, &[]).await;
    let state = state_of(&away);
    let back = format!("/connect/callback/code?code=c-1&iss=https://code.example&state={state}");

    assert_eq!(bob.get(&back).await.status, StatusCode::BAD_REQUEST, "another browser");
    assert_eq!(world.browser().get(&back).await.status, StatusCode::BAD_REQUEST, "a bare browser");
    assert_eq!(browser.get("/connect/callback/code?code=c&state=made-up").await.status, StatusCode::BAD_REQUEST);
    let done = browser.get(&back).await;

    assert_eq!(done.location(), "/connect/done?provider=code", "{}", done.body);
    assert_eq!(kept(&world, "alice", "code").await.as_deref(), Some("c-1"));
    let replayed = browser.get(&back.replace("c-1", "c-2")).await;
    assert_eq!(replayed.status, StatusCode::BAD_REQUEST);
    assert_eq!(kept(&world, "alice", "code").await.as_deref(), Some("c-1"));
}

#[tokio::test]
async fn who_signs_in_as_somebody_else_meanwhile_connects_nothing() {
    let world = world().await;
    let mut browser = world.signed_in().await;
    let bob = bob(&world).await;
    let link = link(&world, "alice", "code", 1).await;
    let page = browser.get(&link).await;
    let state = state_of(&browser.submit(&page, &[]).await);
    browser.cookies.insert("bw_session".to_owned(), bob.cookies["bw_session"].clone());

    let back = browser.get(&format!("/connect/callback/code?code=c-1&iss=https://code.example&state={state}")).await;

    assert_eq!(back.status, StatusCode::FORBIDDEN);
    assert_eq!((kept(&world, "alice", "code").await, kept(&world, "bob", "code").await), (None, None));
}

#[tokio::test]
async fn an_answer_by_another_provider_is_refused_and_a_no_leaves_the_link_open() {
    let world = world().await;
    let mut browser = world.signed_in().await;
    let link = link(&world, "alice", "code", 1).await;
    let page = browser.get(&link).await;

    let denied = state_of(&browser.submit(&page, &[]).await);
    let denied = format!("/connect/callback/code?error=access_denied&iss=https://code.example&state={denied}");
    assert_eq!(browser.get(&denied).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get(&link).await.status, StatusCode::OK);

    let state = state_of(&browser.submit(&page, &[]).await);
    let mixed = format!("/connect/callback/code?code=c-1&iss=https://evil.example&state={state}");
    assert_eq!(browser.get(&mixed).await.status, StatusCode::FORBIDDEN);
    assert!(refused_by(&world, "connect.issuer").await.is_some());
    assert_eq!(kept(&world, "alice", "code").await, None);
}

#[tokio::test]
async fn a_person_agrees_to_the_name_they_are_told_by() {
    let world = world().await;
    let mut browser = world.signed_in().await;
    let link = link(&world, "alice", "erp", 1).await;

    let page = browser.get(&link).await;
    assert!(page.body.contains("https://erp.example") || page.body.contains("https:&#x2F;&#x2F;erp.example"));
    assert!(page.body.contains("<strong>alice</strong>"), "{}", page.body);

    assert_eq!(browser.submit(&page, &[]).await.location(), "/connect/done?provider=erp");
    assert_eq!(kept(&world, "alice", "erp").await.as_deref(), Some("name=alice"));
}

#[tokio::test]
async fn who_has_no_name_of_that_kind_cannot_agree() {
    let world = world().await;
    let mut browser = world.signed_in().await;
    let (erp, hr) = (link(&world, "alice", "erp", 1).await, link(&world, "alice", "hr", 2).await);
    let token = browser.get(&erp).await.field("form_token").unwrap();

    let page = browser.get(&hr).await;
    assert!(page.body.contains("your account here has none") && !page.body.contains("<form"), "{}", page.body);
    browser.post(&hr, &[("form_token", &token)]).await;

    assert_eq!(kept(&world, "alice", "hr").await, None);
}

#[tokio::test]
async fn connections_are_shown_tested_made_anew_and_ended_on_the_account_page() {
    let world = world().await;
    let mut browser = world.signed_in().await;
    let page = browser.get("/account").await;
    let token = page.field("form_token").unwrap();
    let about = |provider: &'static str| [("form_token", token.clone()), ("provider", provider.to_owned())];
    macro_rules! act {
        ($path:expr, $provider:expr) => {{
            let fields = about($provider);
            let fields: Vec<_> = fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
            browser.post($path, &fields).await
        }};
    }
    assert!(page.body.contains("Connect Code Host") && page.body.contains("not connected"), "{}", page.body);

    let begun = act!("/account/connections/begin", "crm");
    let form = browser.get(begun.location()).await;
    assert!(form.body.contains("Sample notes works with your own access to CRM"), "{}", form.body);
    browser.submit(&form, &[("key", "stale")]).await;
    assert!(browser.get("/account").await.body.contains("Disconnect CRM"));
    assert_eq!(act!("/account/connections/test", "crm").location(), "/account?done=broken");

    let begun = act!("/account/connections/begin", "crm");
    let form = browser.get(begun.location()).await;
    browser.submit(&form, &[("key", "fine")]).await;
    assert_eq!(act!("/account/connections/test", "crm").location(), "/account?done=works");
    assert_eq!(act!("/account/connections/test", "erp").location(), "/account?done=broken");

    assert_eq!(act!("/account/connections/end", "crm").location(), "/account?done=ended");
    assert_eq!(kept(&world, "alice", "crm").await, None);
    let forged = browser.post("/account/connections/end", &[("form_token", "AAAA"), ("provider", "crm")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
}
