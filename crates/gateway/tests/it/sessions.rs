//! Sessions with servers over HTTP.

use http::Request;

use crate::fixture::{call, initialize, list};
use crate::world::World;

#[tokio::test]
async fn a_session_is_known_to_its_server_by_the_servers_own_id() {
    let world = World::new().await;
    let token = world.token("json", "json:read").await;

    let session = world.initialize("json", &token).await;
    let answer = world.say_in(&session, "json", &token, &call("read_note")).await;

    assert_eq!(answer.status, 200);
    assert!(!session.contains("behind"));
    let inner = world.behind.seen().pop().unwrap().headers["mcp-session-id"].clone();
    assert!(inner.to_str().unwrap().starts_with("behind-"));
}

#[tokio::test]
async fn another_users_session_is_not_there() {
    let world = World::new().await;
    let alice = world.token("json", "json:read").await;
    let mallory = world.hold("us_mallory", "app", "json", "json:read", Vec::new()).await.raw;
    let other_app = world.hold("us_alice", "other", "json", "json:read", Vec::new()).await.raw;
    let session = world.initialize("json", &alice).await;
    world.behind.forget();

    for (token, session) in [(&mallory, session.as_str()), (&other_app, &session), (&alice, "garbage")] {
        let answer = world.say_in(session, "json", token, &list()).await;

        assert_eq!(answer.status, 404);
        assert_eq!(answer.message()["id"], "list-1");
    }
    assert!(world.behind.seen().is_empty());
}

#[tokio::test]
async fn a_session_that_was_ended_is_gone() {
    let world = World::new().await;
    let token = world.token("json", "json:read").await;
    let session = world.initialize("json", &token).await;
    let end = Request::delete(format!("{}/mcp/json", world.origin))
        .header("authorization", format!("Bearer {token}"))
        .header("mcp-session-id", &session);

    assert_eq!(world.send(end, "").await.status, 200);

    let answer = world.say_in(&session, "json", &token, &list()).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.message()["error"]["code"], -32001);
}

#[tokio::test]
async fn what_a_server_sets_for_itself_stays_behind() {
    let world = World::new().await;
    let token = world.token("json", "json:read").await;

    let answer = world.say("json", &token, &initialize()).await;

    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(answer.message()["result"]["protocolVersion"], "2025-11-25");
}
