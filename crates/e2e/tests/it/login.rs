//! Signing in at a provider: who lands where, with which groups, and what is never believed.

use bailiwick_domain::ids::UserId;
use bailiwick_e2e::forge::open_store;
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::identity_provider::{IdentityProvider, Lie, Member};
use bailiwick_e2e::probe::login::{answer, house, signed_in};
use bailiwick_e2e::{App, Setup, Visitor, World};
use bailiwick_store::Identity;
use http::{Method, StatusCode};

use crate::reload::{recorded, until, write};

async fn sign_in(world: &World) -> Visitor {
    let mut visitor = Visitor::new(&world.base);
    let back = answer(world, &mut visitor).await.expect("an answer");
    let seen = visitor.once(Method::GET, &back, None).await;
    assert_eq!((seen.status, seen.location.as_deref()), (StatusCode::SEE_OTHER, Some("/account")), "{}", seen.body);
    visitor
}

async fn identity(world: World, name: &str) -> (UserId, Identity) {
    let ended = world.stop();
    let store = open_store(&ended).await;
    let user = store.user_by_name(name).await.unwrap().expect(name);
    let identity = store.identity_of(&user.id).await.unwrap().expect("a federated account");
    store.close().await;
    (user.id, identity)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_leads_through_the_provider_to_consent() {
    let provider = IdentityProvider::start(Member::new("u-1", "ada", &["dev"])).await;
    let upstream = Honeypot::start().await;
    let server =
        format!("[server.pot]\nupstream = \"{}\"\nallow = {{ \"pot:read\" = [\"group:dev\"] }}\n", upstream.url);
    let world = Setup::config(format!("{}{server}", provider.section("corp"))).start();
    Visitor::new(&world.base).set_up(&world.setup_link(), "admin", "correct horse battery").await;
    let app = App::register_for(&world.base, &world.url("/mcp/pot")).await;
    let mut ada = Visitor::new(&world.base);

    let login = ada.open(&app.authorize_url("pot:read pot:write")).await;
    assert!(login.body.contains("Sign in with Example Corp"), "{}", login.body);
    let href = login.body.split_once("href=\"/login/corp").unwrap().1.split('"').next().unwrap();
    let away = ada.once(Method::GET, &world.url(&format!("/login/corp{href}")), None).await;
    let there = away.location.unwrap();
    let back = Visitor::new(&there).once(Method::GET, &there, None).await.location.unwrap();
    let consent = ada.open(&back).await;

    assert!(consent.has_form("checkbox"), "{} {}", consent.status, consent.body);
    let done = ada.submit(&consent, &consent.form("checkbox"), Some(("decision", "allow"))).await;
    let tokens = app.redeem(&bailiwick_e2e::oauth::code_of(&done)).await.unwrap();
    assert_eq!(tokens.claims()["scope"], "pot:read", "nobody named corp/ada for more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_comes_and_goes_while_it_runs() {
    let provider = IdentityProvider::start(Member::new("u-1", "ada", &["dev"])).await;
    let world = Setup::config("").start();
    Visitor::new(&world.base).set_up(&world.setup_link(), "admin", "correct horse battery").await;
    let offered = async || Visitor::new(&world.base).open(&world.url("/login")).await.body.contains("Example Corp");
    assert!(!offered().await);

    write(&world, &provider.section("corp"));
    until("the provider is offered", offered).await;
    let mut ada = sign_in(&world).await;
    // Sent away, but not back yet.
    let mut late = Visitor::new(&world.base);
    let back = answer(&world, &mut late).await.expect("an answer");
    write(&world, "staleness = 5\n");
    until("the provider is gone", async || !offered().await).await;

    let seen = late.once(Method::GET, &back, None).await;
    assert!(seen.location.is_none() && !seen.status.is_success(), "{} {}", seen.status, seen.body);
    assert_eq!(signed_in(&world, &mut late).await, None);
    assert_eq!(signed_in(&world, &mut ada).await.as_deref(), Some("corp/ada"), "who is signed in stays so");
    until("both are on record", async || recorded(&world, "logins changed: corp") == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn issuer_and_subject_lead_to_one_account_whose_groups_follow_each_sign_in() {
    let provider = IdentityProvider::start(Member::new("u-1", "ada", &["dev", "ops"])).await;
    let world = house(&provider, &[]).await;
    let mut first = sign_in(&world).await;
    provider.now(Member::new("u-1", "countess", &["dev"]).by_userinfo());
    let mut second = sign_in(&world).await;

    assert_eq!(signed_in(&world, &mut first).await.as_deref(), Some("corp/ada"));
    assert_eq!(signed_in(&world, &mut second).await.as_deref(), Some("corp/ada"));
    let (_, identity) = identity(world, "corp/ada").await;
    assert_eq!((identity.subject.as_str(), identity.groups), ("u-1", vec!["dev".to_owned()]));
    assert_eq!(identity.email.as_deref(), Some("countess@example.com"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_or_an_address_opens_nobody_elses_account() {
    let provider = IdentityProvider::start(Member::new("u-1", "admin", &[])).await;
    let world = house(&provider, &[]).await;
    let mut first = sign_in(&world).await;
    provider.now(Member::new("u-2", "admin", &[]));
    let mut second = sign_in(&world).await;
    let page = second.open(&world.url("/account")).await;

    assert_eq!(signed_in(&world, &mut first).await.as_deref(), Some("corp/admin"), "not the local admin");
    assert_eq!(signed_in(&world, &mut second).await.as_deref(), Some("corp/admin-2"), "nor the other one");
    assert!(!page.has_form("password"), "there is no password to change");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unverified_address_is_not_kept() {
    let mut member = Member::new("u-1", "ada", &[]);
    member.claims["email_verified"] = false.into();
    let provider = IdentityProvider::start(member).await;
    let world = house(&provider, &[]).await;
    sign_in(&world).await;

    assert_eq!(identity(world, "corp/ada").await.1.email, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_provider_says_is_never_shown_and_its_tokens_are_never_kept() {
    let provider = IdentityProvider::lying(Lie::Denies, Member::new("u-1", "ada", &[])).await;
    let world = house(&provider, &[]).await;
    let mut visitor = Visitor::new(&world.base);
    let back = answer(&world, &mut visitor).await.unwrap();
    let seen = visitor.once(Method::GET, &back, None).await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN);
    assert!(!seen.body.contains("upstream says") && seen.body.contains("co_"), "{}", seen.body);

    let honest = IdentityProvider::start(Member::new("u-1", "ada", &["dev"]).by_userinfo()).await;
    let world = house(&honest, &[]).await;
    sign_in(&world).await;
    let log = world.log();
    let ended = world.stop();
    for secret in ["upstream-access", bailiwick_e2e::identity_provider::SECRET] {
        assert!(!log.contains(secret));
        for file in std::fs::read_dir(ended.data()).unwrap().map(|entry| entry.unwrap().path()) {
            // The test's own configuration names the secret; nothing else may.
            let ours = file.extension().is_some_and(|extension| extension == "toml");
            let bytes = std::fs::read(&file).unwrap_or_default();
            assert!(ours || !String::from_utf8_lossy(&bytes).contains(secret), "{secret} in {}", file.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn userinfo_about_somebody_else_is_refused() {
    let member = Member::new("u-1", "ada", &["admins"]).by_userinfo();
    let provider = IdentityProvider::lying(Lie::OtherUserinfo, member).await;
    let world = house(&provider, &[]).await;
    let mut visitor = Visitor::new(&world.base);
    let back = answer(&world, &mut visitor).await.unwrap();

    assert_eq!(visitor.once(Method::GET, &back, None).await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(signed_in(&world, &mut visitor).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_keys_do_not_make_us_hammer_the_provider() {
    let provider = IdentityProvider::lying(Lie::ForeignKey, Member::new("u-1", "ada", &[])).await;
    let world = house(&provider, &[]).await;
    for _ in 0..5 {
        let mut visitor = Visitor::new(&world.base);
        let back = answer(&world, &mut visitor).await.unwrap();
        assert_eq!(visitor.once(Method::GET, &back, None).await.status, StatusCode::FORBIDDEN);
    }

    assert_eq!(provider.keys_fetched(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_rotates_the_session() {
    let provider = IdentityProvider::start(Member::new("u-1", "ada", &[])).await;
    let world = house(&provider, &[]).await;
    let mut visitor = Visitor::new(&world.base);
    let back = answer(&world, &mut visitor).await.unwrap();
    let mut planted = Visitor::new(&world.base);
    let login = planted.open(&world.url("/login")).await;
    planted.sign_in(&login, "admin", "correct horse battery").await;
    visitor.adopt(&planted, "bw_session");

    visitor.once(Method::GET, &back, None).await;

    assert_eq!(signed_in(&world, &mut visitor).await.as_deref(), Some("corp/ada"));
    assert_eq!(signed_in(&world, &mut planted).await, None, "the planted session is closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_provider_and_a_house_without_accounts_lead_nowhere() {
    let provider = IdentityProvider::start(Member::new("u-1", "ada", &[])).await;
    let world = bailiwick_e2e::Setup::config(provider.section("corp")).start();
    let mut visitor = Visitor::new(&world.base);

    assert_eq!(visitor.once(Method::GET, &world.url("/login/corp"), None).await.location.as_deref(), Some("/setup"));
    assert_eq!(visitor.once(Method::GET, &world.url("/login/other"), None).await.status, StatusCode::NOT_FOUND);
    let seen = visitor.once(Method::GET, &world.url("/login/corp/callback?state=x&code=y"), None).await;
    assert_eq!(seen.status, StatusCode::BAD_REQUEST);
}
