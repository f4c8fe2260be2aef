//! How an account is renewed, and what comes of it where that fails.

use super::*;

#[tokio::test]
async fn what_an_answer_to_a_refresh_means() {
    for (status, body, state) in [
        (400, json!({ "error": "invalid_grant" }), ConnectionState::NeedsReconnect),
        // It registered us by itself, and knows us no more.
        (401, json!({ "error": "invalid_client" }), ConnectionState::NeedsReconnect),
        (429, json!({}), ConnectionState::Retryable),
        (503, json!({ "error": "temporarily_unavailable" }), ConnectionState::Retryable),
        (200, json!({ "no": "token" }), ConnectionState::NeedsReconnect),
    ] {
        let world = World::new().await;
        world.connect().await;
        world.pass(Duration::from_hours(1));
        world.answers(status, body);

        let refused = world.shown().await.unwrap_err();

        let view = world.view().await.unwrap();
        assert_eq!(view.state, state, "{status}: {refused}");
        let lost = matches!(refused, BrokerError::Lost { .. });
        assert_eq!(lost, state == ConnectionState::NeedsReconnect, "{status}: {refused}");
        world.book.lock().unwrap().says = None;
        world.pass(Duration::from_secs(5));
        assert_eq!(world.shown().await.is_ok(), !lost, "{status}: it is tried again where that can help");
    }
}

#[tokio::test]
async fn who_is_no_client_any_more_is_registered_anew() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));
    world.answers(401, json!({ "error": "invalid_client" }));
    assert!(matches!(world.shown().await, Err(BrokerError::Lost { .. })));
    world.book.lock().unwrap().says = None;

    world.connect().await;

    assert!(world.shown().await.is_ok());
    assert_eq!(world.book.lock().unwrap().registered, 2);
}

#[tokio::test]
async fn a_provider_that_does_not_say_where_to_ask_takes_no_refresh_from_anybody() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));
    world.book.lock().unwrap().hangs = true;
    let accounts = Arc::clone(&world.accounts);
    let (settings, key) = (Arc::clone(&world.settings), world.key.clone());
    let waiting = tokio::spawn(async move {
        let account = Account { settings: &settings, key: &key, destination: Some(DESTINATION) };
        accounts.usable(&account, None).await.map(|usable| usable.generation)
    });
    tokio::time::sleep(Duration::from_millis(200)).await;

    assert_eq!(world.view().await.unwrap().state, ConnectionState::Fresh, "nothing is begun yet");
    waiting.abort();
}

#[tokio::test]
async fn what_a_provider_repeats_of_our_secrets_is_told_to_nobody() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));
    let says = json!({ "error": "invalid_grant", "error_description": "no such token: refresh-1" });
    world.answers(400, says);

    assert!(world.shown().await.is_err());

    let trouble = world.view().await.unwrap().trouble.unwrap();
    assert!(trouble.contains("no such token") && !trouble.contains("refresh-1"), "{trouble}");
}

#[tokio::test]
async fn a_token_renewed_early_is_shown_while_the_provider_cannot_answer() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_secs(3580));
    world.answers(503, json!({}));

    assert_eq!(world.shown().await.unwrap(), "access-1");
    assert_eq!(world.view().await.unwrap().state, ConnectionState::Retryable);

    world.pass(Duration::from_secs(20));
    assert!(matches!(world.shown().await, Err(BrokerError::Later(_))), "not past its end");
}

#[tokio::test]
async fn renewed_tokens_are_kept_before_they_are_judged() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));
    let greedy = json!({
        "access_token": "a2", "refresh_token": "r2", "token_type": "Bearer", "expires_in": 60,
        "scope": "crm.read crm.admin",
    });
    world.answers(200, greedy);

    assert!(matches!(world.shown().await, Err(BrokerError::Overgrant(_))), "it is shown to nobody");

    assert_eq!(world.view().await.unwrap().scope.to_string(), "crm.admin crm.read");
    world.pass(Duration::from_mins(1));
    world.book.lock().unwrap().says = None;
    assert!(world.shown().await.is_ok(), "and the refresh token was not lost");
    assert_eq!(world.forms().last().unwrap()["refresh_token"], "r2");
}

#[tokio::test]
async fn whoever_leaves_does_not_cut_a_refresh_off() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));

    let asked = tokio::time::timeout(Duration::from_millis(1), world.shown()).await;

    assert!(asked.is_err(), "they left at once");
    world.accounts.tasks.close();
    world.accounts.tasks.wait().await;
    assert!(world.shown().await.is_ok());
    assert!(world.forms().len() <= 1, "and the provider was asked once");
}

#[tokio::test]
async fn what_ends_at_once_is_not_renewed_for_ever() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));
    let brief = json!({ "access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 0 });
    world.answers(200, brief);

    let refused = world.shown().await;

    assert!(matches!(refused, Err(BrokerError::Later(_))), "{refused:?}");
    assert!(world.forms().len() < 8);
}

#[tokio::test]
async fn scopes_that_cannot_be_read_cost_no_refresh_token() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));
    let odd = json!({
        "access_token": "a2", "refresh_token": "r2", "token_type": "Bearer", "expires_in": 60, "scope": "crm.read \u{e9}",
    });
    world.answers(200, odd);
    assert!(matches!(world.shown().await, Err(BrokerError::Overgrant(_))));
    world.pass(Duration::from_mins(1));
    world.book.lock().unwrap().says = None;

    assert!(world.shown().await.is_ok());

    assert_eq!(world.forms().last().unwrap()["refresh_token"], "r2");
}
