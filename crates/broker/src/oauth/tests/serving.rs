//! What an account serves, how that is tried, and its end.

use super::*;

#[tokio::test]
async fn an_account_serves_only_what_its_person_connected_it_to() {
    let world = World::new().await;
    world.connect().await;
    assert_eq!(world.shown().await.unwrap(), "access-1", "and lies open now");
    let settings = || UserOauth::clone(&world.settings);
    let lost = |refused| matches!(refused, Err(BrokerError::Lost { .. }));

    let elsewhere = UserOauth { issuer: Some("https://other.example".to_owned()), ..settings() };
    assert!(lost(world.shown_by(&Arc::new(elsewhere), DESTINATION).await), "another provider");
    let url = Some("https://other.example/a".parse().unwrap());
    let written = UserOauth { issuer: None, authorization_url: url, ..settings() };
    assert!(lost(world.shown_by(&Arc::new(written), DESTINATION).await), "another provider, as written");
    let endpoint = UserOauth { token_url: Some("https://other.example/t".parse().unwrap()), ..settings() };
    assert!(lost(world.shown_by(&Arc::new(endpoint), DESTINATION).await), "another of the same host");
    let client = UserOauth { client_id: Some("another".to_owned()), ..settings() };
    assert!(lost(world.shown_by(&Arc::new(client), DESTINATION).await), "another client");
    assert!(lost(world.shown_by(&world.settings, "https://new.example").await), "another place");
    let less = UserOauth { scopes: ScopeSet::parse("crm.list").unwrap(), ..settings() };
    let less = world.shown_by(&Arc::new(less), DESTINATION).await;
    assert!(matches!(less, Err(BrokerError::Overgrant(_))), "less is asked for by now: {less:?}");
    assert_eq!(world.shown().await.unwrap(), "access-1", "nothing is lost when the settings are as they were");
}

#[tokio::test]
async fn an_end_is_told_to_the_provider_and_holds_in_memory() {
    let world = World::new().await;
    world.connect().await;
    assert!(world.shown().await.is_ok());
    let ended = AuditEvent::new(AuditKind::ConnectionEnded, world.clock.now());

    world.accounts.end(Some(&world.settings), &world.key, ended.clone()).await.unwrap();

    assert_eq!(world.forms()[0]["token"], "refresh-1");
    assert!(matches!(world.shown().await, Err(BrokerError::Unconnected { .. })));
    assert_eq!(world.accounts.end(None, &world.key, ended).await, Err(ConnectError::Missing));
}

#[tokio::test]
async fn a_test_renews_and_says_what_is_wrong() {
    let world = World::new().await;
    assert_eq!(world.test_at(DESTINATION).await, Err(ConnectError::Missing));
    world.connect().await;

    world.test_at(DESTINATION).await.unwrap();
    assert_eq!(world.forms()[0]["refresh_token"], "refresh-1");
    world.answers(400, json!({ "error": "invalid_grant" }));

    assert!(matches!(world.test_at(DESTINATION).await, Err(ConnectError::Refused(_))));
}

#[tokio::test]
async fn a_test_says_so_where_a_server_has_moved() {
    let world = World::new().await;
    world.connect().await;

    assert!(matches!(world.test_at("https://new.example").await, Err(ConnectError::Refused(_))));
    world.test_at(DESTINATION).await.unwrap();
}

#[tokio::test]
async fn where_another_took_the_providers_place_nothing_is_told_to_them() {
    let world = World::new().await;
    let departure = world.begin().await.unwrap();
    let moved = json!({ "token_endpoint": format!("{}/other", world.book.lock().unwrap().issuer) });
    world.pass(Duration::from_mins(9));
    world.book.lock().unwrap().metadata = moved;
    world.pass(Duration::from_mins(2));
    assert_eq!(world.finish(&departure, &world.iss()).await, Err(ConnectError::Issuer), "a code");
    world.book.lock().unwrap().metadata = Value::Null;
    world.pass(Duration::from_mins(11));
    world.connect().await;
    let another = UserOauth { client_id: Some("another".to_owned()), ..UserOauth::clone(&world.settings) };
    let ended = AuditEvent::new(AuditKind::ConnectionEnded, world.clock.now());

    world.accounts.end(Some(&another), &world.key, ended).await.unwrap();

    assert!(world.forms().is_empty(), "a token");
}
