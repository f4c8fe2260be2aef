//! Signing in at a SAML provider, and trading in what it says.

use bailiwick_domain::audit::AuditKind;
use bailiwick_e2e::forge::open_store;
use bailiwick_e2e::probe::login::signed_in;
use bailiwick_e2e::saml_issuer::{SamlIssuer, around, for_login, for_token, post, trade, trade_as};
use bailiwick_e2e::{Visitor, World};
use bailiwick_saml::testing::Says;
use bailiwick_store::AuditFilter;
use http::{Method, StatusCode};

async fn sign_in(world: &World, issuer: &SamlIssuer, id: &str) -> Visitor {
    let mut visitor = Visitor::new(&world.base);
    let sent = issuer.sends(world, &mut visitor).await;
    let seen = post(&mut visitor, &sent, &around(&issuer.says(&for_login(world, &sent, id, "ada")), &sent)).await;
    assert_eq!((seen.status, seen.location.as_deref()), (StatusCode::SEE_OTHER, Some("/account")), "{}", seen.body);
    visitor
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_and_a_grant_lead_to_the_same_account() {
    let issuer = SamlIssuer::new();
    let world = issuer.house(&[]).await;
    let mut ada = sign_in(&world, &issuer, "_login").await;
    assert_eq!(signed_in(&world, &mut ada).await.as_deref(), Some("corp/ada"));

    let token = world.url("/token");
    let (status, body) = trade(&world, &issuer.says(&for_token(&world, &token, "_grant", "ada"))).await;

    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["scope"], "notes:read", "nobody named them for more");
    assert!(body["refresh_token"].is_null() && body["expires_in"].as_i64().unwrap() <= 300, "{body}");
    let claims = bailiwick_e2e::oauth::claims(body["access_token"].as_str().unwrap());
    let ended = world.stop();
    let store = open_store(&ended).await;
    let user = store.user_by_name("corp/ada").await.unwrap().expect("one account");
    let identity = store.identity_of(&user.id).await.unwrap().unwrap();
    assert_eq!(claims["sub"], user.id.as_str());
    assert_eq!((identity.subject.as_str(), identity.provider.as_str()), ("ada", "corp"));
    assert_eq!((identity.groups, identity.email.as_deref()), (vec!["dev".to_owned()], Some("ada@corp.example")));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_for_the_browser_that_was_sent_away_and_good_once() {
    let issuer = SamlIssuer::new();
    let world = issuer.house(&[]).await;
    let (mut thief, mut victim) = (Visitor::new(&world.base), Visitor::new(&world.base));
    victim.open(&world.url("/login")).await;
    let sent = issuer.sends(&world, &mut thief).await;
    let xml = around(&issuer.says(&for_login(&world, &sent, "_1", "mallory")), &sent);

    let seen = post(&mut victim, &sent, &xml).await;
    assert_eq!(seen.status, StatusCode::BAD_REQUEST, "begun in another browser");
    assert_eq!(signed_in(&world, &mut victim).await, None);
    let again = post(&mut thief, &sent, &xml).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "posted before");
    assert_eq!(signed_in(&world, &mut thief).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_asked_for_signs_nobody_in() {
    let issuer = SamlIssuer::new();
    let world = issuer.house(&[]).await;
    let mut visitor = Visitor::new(&world.base);
    let mut sent = issuer.sends(&world, &mut visitor).await;
    let unasked = Says { request: None, ..for_login(&world, &sent, "_1", "ada") };
    let seen = post(&mut visitor, &sent, &around(&issuer.says(&unasked), &sent)).await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN, "{}", seen.body);

    let xml = around(&issuer.says(&for_login(&world, &sent, "_2", "ada")), &sent);
    sent.relay = String::new();
    assert_eq!(post(&mut visitor, &sent, &xml).await.status, StatusCode::BAD_REQUEST, "no sign-in is under way");
    let by_get = visitor.once(Method::GET, &sent.acs, None).await;
    assert_eq!(by_get.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(signed_in(&world, &mut visitor).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_named_client_trades_in_and_all_of_it_is_on_record() {
    let issuer = SamlIssuer::new();
    let world = issuer.house(&[]).await;
    let token = world.url("/token");
    let good = issuer.says(&for_token(&world, &token, "_1", "ada"));

    assert_eq!(trade_as(&world, "other", &good).await.1["error"], "unauthorized_client");
    let nobody = Says { attributes: &[], ..for_token(&world, &token, "_2", "bob") };
    assert_eq!(
        trade(&world, &issuer.says(&nobody)).await.1["error"],
        "invalid_grant",
        "allow names nobody without groups"
    );
    let another = Says { issuer: "https://other.example", ..for_token(&world, &token, "_3", "ada") };
    assert_eq!(trade(&world, &issuer.says(&another)).await.1["error"], "invalid_grant");
    let stranger = SamlIssuer::new().says(&for_token(&world, &token, "_4", "ada"));
    assert_eq!(trade(&world, &stranger).await.1["error"], "invalid_grant");
    assert_eq!(trade(&world, &good).await.0, StatusCode::OK, "what was refused did not spend it");

    let ended = world.stop();
    let store = open_store(&ended).await;
    let filter = AuditFilter { limit: 100, kind: Some(AuditKind::TokenIssued), ..AuditFilter::default() };
    let rows = store.audit_rows(&filter).await.unwrap();
    let rules: Vec<&str> = rows.iter().filter_map(|row| row.event.rule.as_deref()).collect();
    assert_eq!(rules.iter().filter(|rule| **rule == "issuer.erp").count(), 1, "{rules:?}");
    assert_eq!(rules.iter().filter(|rule| **rule == "saml_bearer").count(), 4, "{rules:?}");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_told_who_we_are_and_a_client_what_we_take() {
    let issuer = SamlIssuer::new();
    let world = issuer.house(&[]).await;
    let mut visitor = Visitor::new(&world.base);

    let ours = visitor.open(&world.url("/login/corp/metadata")).await;
    let metadata = visitor.open(&world.url("/.well-known/oauth-authorization-server")).await;

    assert!(ours.body.contains(&format!("entityID=\"{}\"", world.base)), "{}", ours.body);
    assert!(ours.body.contains(&world.url("/login/corp/acs")), "{}", ours.body);
    assert!(metadata.body.contains("grant-type:saml2-bearer"), "{}", metadata.body);
}
