//! What a server behind is shown to let us in.

use bailiwick_broker::{ApiKey, Credential, Credentials, Key, Place};
use bailiwick_client::Secret;
use bailiwick_domain::jose::{JwkSet, Signer as _, Unverified};
use serde_json::{Value, json};

use crate::behind::Reached;
use crate::fixture;
use crate::world::World;

/// What a server was shown with each request, verified with the published key.
fn shown(world: &World, seen: &[Reached]) -> Vec<(String, Value)> {
    let keys = JwkSet::new(vec![world.key.public()]);
    let one = |reached: &Reached| {
        let values: Vec<_> = reached.headers.get_all("authorization").iter().collect();
        assert_eq!(values.len(), 1, "{values:?}");
        let raw = values[0].to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
        let claims = Unverified::parse(&raw).unwrap().verify(&keys).unwrap().claims().unwrap();
        (raw, Value::Object(claims))
    };
    seen.iter().map(one).collect()
}

#[tokio::test]
async fn each_token_of_a_callers_becomes_one_of_ours_for_that_server() {
    let world = World::new().await;
    let (first, second) = (world.token("json", "json:read").await, world.token("json", "json:read").await);
    for token in [&first, &first, &second] {
        let answer = world.say("json", token, &fixture::call("read_note")).await;
        assert!(answer.status == 200 && answer.header("content-length").is_some(), "its length is said");
    }

    let shown = shown(&world, &world.behind.seen());

    assert_eq!(shown.len(), 3);
    assert_eq!(shown[0].0, shown[1].0, "minted once");
    assert_ne!(shown[0].0, shown[2].0, "another token, another one");
    let claims = &shown[0].1;
    assert_eq!(
        (&claims["aud"], &claims["sub"], &claims["client_id"], &claims["scope"]),
        (&json!("https://json.example/mcp"), &json!("us_alice"), &json!("app"), &json!("json:read"))
    );
    assert!(shown.iter().all(|(raw, _)| ![&first, &second].contains(&raw)), "the caller's token passed");
}

#[tokio::test]
async fn many_who_come_at_once_get_the_same() {
    let world = World::new().await;
    let token = world.token("json", "json:read").await;
    let message = fixture::call("read_note");
    let answers = futures_util::future::join_all((0..20).map(|_| world.say("json", &token, &message))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));

    let shown = shown(&world, &world.behind.seen());

    assert!(shown.len() == 20 && shown.iter().all(|(raw, _)| *raw == shown[0].0));
}

#[tokio::test]
async fn a_server_that_wants_nothing_is_shown_nothing() {
    let world = World::new().await;
    let token = world.token("sse", "sse:read").await;
    assert_eq!(world.say("sse", &token, &fixture::list()).await.status, 200);

    assert!(world.behind.seen().iter().all(|reached| !reached.headers.contains_key("authorization")));
}

#[tokio::test]
async fn looking_for_tools_the_gateway_speaks_for_itself() {
    let world = World::undiscovered().await;
    let gateway = std::sync::Arc::clone(&world.gateway);
    tokio::spawn(async move { gateway.discover().await });
    world.until(|catalogue| crate::world::server(catalogue, "json").reachable).await;

    let asked: Vec<Reached> =
        world.behind.seen().into_iter().filter(|reached| reached.headers.contains_key("authorization")).collect();
    let shown = shown(&world, &asked);

    assert!(!shown.is_empty());
    for (_, claims) in shown {
        assert_eq!((&claims["sub"], &claims["aud"]), (&json!(world.origin), &json!("https://json.example/mcp")));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
        assert!(claims.get("scope").is_none() && claims.get("dlg").is_none());
    }
}

#[tokio::test]
async fn what_the_configuration_writes_has_the_last_word() {
    let world = World::new().await;
    let token = world.token("json", "json:read").await;
    let mut servers = crate::world::servers(&world.behind.origin);
    let json = servers.iter_mut().find(|server| server.title == "The json server").unwrap();
    json.headers.insert("authorization", "Key of-the-operator".parse().unwrap());
    let before = world.behind.seen().len();

    assert_eq!(world.gateway.reload(servers).await.changed, ["json"]);
    assert_eq!(world.say("json", &token, &fixture::call("read_note")).await.status, 200);

    let seen = world.behind.seen();
    let shown: Vec<_> = seen[before..].iter().flat_map(|reached| reached.headers.get_all("authorization")).collect();
    assert!(!shown.is_empty() && shown.iter().all(|value| *value == "Key of-the-operator"), "{shown:?}");
}

/// A key of those settings; one with a line break in it goes into no header.
fn key(key: &str) -> Credentials {
    let place = Place::Header { name: "x-api-key".to_owned(), prefix: String::new() };
    Credentials::only(Credential::ApiKey(ApiKey { place, key: Key::Shared(Secret::new(key.to_owned())) }))
}

#[tokio::test]
async fn a_credential_that_cannot_be_shown_any_more_closes_the_way_until_there_is_another() {
    let world = World::new().await;
    let token = world.token("json", "json:read").await;
    let reload = async |credential: Credentials| {
        let mut servers = crate::world::servers(&world.behind.origin);
        servers.iter_mut().find(|server| server.title == "The json server").unwrap().credential = credential;
        world.gateway.reload(servers).await;
        world.behind.forget();
        world.say("json", &token, &fixture::call("read_note")).await.status.as_u16()
    };
    // The gateway asks for the tools as well, and with the same key.
    let bare = |key: &str| {
        let with = |it: &&Reached| it.headers.get("x-api-key").is_some_and(|value| value == key);
        world.behind.seen().iter().filter(|it| !with(it)).count()
    };

    assert_eq!((reload(key("first")).await, bare("first")), (200, 0));
    assert_eq!((reload(key("se\ncond")).await, bare("first")), (502, 0), "nothing is sent without it");
    assert_eq!((reload(key("third")).await, bare("third")), (200, 0));
}
