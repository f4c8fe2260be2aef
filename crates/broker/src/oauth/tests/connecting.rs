//! How an account is connected, and as whom.

use super::*;

#[tokio::test]
async fn an_account_is_connected_by_code_and_pkce_and_we_register_once() {
    let world = World::new().await;
    let departure = world.begin().await.unwrap();
    let query: BTreeMap<_, _> = departure.url.query_pairs().into_owned().collect();
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "registered"),
        ("redirect_uri", CALLBACK),
        ("scope", "crm.read"),
        ("resource", "https://crm.example/mcp"),
        ("code_challenge_method", "S256"),
        ("state", &departure.state),
    ] {
        assert_eq!(query[name], value, "{name}");
    }

    world.finish(&departure, &world.iss()).await.unwrap();

    let form = &world.forms()[0];
    assert_eq!((form["grant_type"].as_str(), form["code"].as_str()), ("authorization_code", "c1"));
    assert!(form["code_verifier"].len() >= 43 && form["resource"] == "https://crm.example/mcp");
    let view = world.view().await.unwrap();
    assert_eq!((view.client.as_str(), view.scope.to_string().as_str()), ("registered", "crm.read"));
    assert_eq!(world.shown().await.unwrap(), "access-1");
    world.begin().await.unwrap();
    assert_eq!(world.book.lock().unwrap().registered, 1);
}

#[tokio::test]
async fn an_answer_by_somebody_else_connects_nothing() {
    let world = World::new().await;
    let departure = world.begin().await.unwrap();
    for more in ["&iss=https://evil.example", "", "&iss=https://evil.example&error=access_denied"] {
        assert_eq!(world.finish(&departure, more).await, Err(ConnectError::Issuer), "{more:?}");
    }
    let stranger = Departure { state: "another".to_owned(), ..world.begin().await.unwrap() };
    assert_eq!(world.finish(&stranger, &world.iss()).await, Err(ConnectError::Issuer));
    let other = UserOauth { connection: "other".to_owned(), ..UserOauth::clone(&world.settings) };
    let query = format!("state={}&code=c1{}", departure.state, world.iss());
    let answer = (departure.sealed.as_str(), query.as_str());
    let swapped = world.accounts.finish(&other, &world.key, answer, world.event()).await;

    assert_eq!(swapped, Err(ConnectError::Issuer), "a code of one provider is brought to no other");
    assert!(world.forms().is_empty() && world.view().await.is_none());
}

#[tokio::test]
async fn a_provider_that_is_not_who_it_says_or_knows_no_pkce_is_not_used() {
    for lie in [json!({ "issuer": "https://evil.example" }), json!({ "code_challenge_methods_supported": ["plain"] })] {
        let world = World::new().await;
        world.book.lock().unwrap().metadata = lie;

        assert!(matches!(world.begin().await, Err(ConnectError::Down(_))));
    }
}

#[tokio::test]
async fn where_a_provider_points_elsewhere_nobody_goes_inside() {
    let (world, inside) = (World::new().await, World::new().await);
    let token = format!("{}/token", inside.book.lock().unwrap().issuer);
    world.book.lock().unwrap().metadata = json!({ "token_endpoint": token });
    let departure = world.begin().await.unwrap();

    let refused = world.finish(&departure, &world.iss()).await;

    assert!(matches!(refused, Err(ConnectError::Down(_))), "{refused:?}");
    assert!(inside.forms().is_empty());
}

#[tokio::test]
async fn more_than_was_asked_for_is_not_kept_and_on_record() {
    let world = World::new().await;
    let departure = world.begin().await.unwrap();
    world.answers(200, json!({ "access_token": "a", "token_type": "Bearer", "scope": "crm.read crm.admin" }));

    let refused = world.finish(&departure, &world.iss()).await;

    assert!(matches!(&refused, Err(ConnectError::Refused(says)) if says.contains("crm.admin")), "{refused:?}");
    assert!(world.view().await.is_none());
}

#[tokio::test]
async fn what_was_consented_to_is_what_was_asked_for_by_that_name() {
    let mut world = World::new().await;
    let scopes = ScopeSet::parse("api://crm/.default offline_access").unwrap();
    world.settings = Arc::new(UserOauth { scopes, ..UserOauth::clone(&world.settings) });

    world.connect().await;

    assert_eq!(world.shown().await.unwrap(), "access-1");
}

#[tokio::test]
async fn an_account_is_called_by_its_name_and_stays_the_same() {
    let world = World::new().await;
    let said = |sub: &str| {
        let claims = json!({ "sub": sub, "aud": "registered", "preferred_username": "ada" });
        let id_token = format!("e30.{}.sig", bailiwick_domain::text::encode(claims.to_string().as_bytes()));
        json!({
            "access_token": format!("of {sub}"), "refresh_token": "r", "token_type": "Bearer", "expires_in": 60,
            "scope": "crm.read", "id_token": id_token,
        })
    };
    world.answers(200, said("42"));
    world.connect().await;
    assert_eq!(world.view().await.unwrap().account.as_deref(), Some("ada"));
    world.pass(Duration::from_mins(1));
    assert_eq!(world.shown().await.unwrap(), "of 42");

    world.answers(200, said("43"));
    world.pass(Duration::from_mins(1));

    assert!(matches!(world.shown().await, Err(BrokerError::Lost { .. })));
    assert_eq!(world.view().await.unwrap().state, ConnectionState::NeedsReconnect);
}

#[tokio::test]
async fn each_provider_that_reads_our_description_has_one_of_its_own() {
    let world = World::new().await;

    let document = world.accounts.document("crm/look up");

    assert_eq!(document["client_id"], "https://us.example/connect/client/crm/look%20up");
    assert_eq!(document["redirect_uris"], json!(["https://us.example/connect/callback/crm/look%20up"]));
}
