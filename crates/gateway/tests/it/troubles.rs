//! Servers behind that do not do their part.

use bailiwick_domain::audit::{AuditKind, Outcome};

use crate::fixture::{call, initialize, list};
use crate::world::World;

#[tokio::test]
async fn a_server_that_is_down_is_a_502_and_others_go_on() {
    let world = World::new().await;
    let (gone, json) = (world.token("gone", "gone:read").await, world.token("json", "json:read").await);

    for message in [initialize(), list(), call("read_note")] {
        let answer = world.say("gone", &gone, &message).await;

        assert_eq!(answer.status, 502, "{message}");
        assert_eq!(answer.message()["error"]["code"], -32603);
        assert_eq!(answer.message()["id"], message["id"]);
        assert!(answer.message()["error"]["data"]["correlation_id"].is_string());
        // How things stand inside is not the caller's to know.
        assert!(!answer.text().contains("127.0.0.1"), "{}", answer.text());
    }
    assert_eq!(world.say("json", &json, &list()).await.status, 200);
}

#[tokio::test]
async fn each_misbehaviour_has_its_answer() {
    let world = World::new().await;
    let token = world.token("json", "json:read").await;
    let cases = [("closed", 502), ("moved", 502), ("page", 502), ("picky", 406)];
    for (mood, status) in cases {
        let mut message = call("read_note");
        message["params"]["arguments"]["mood"] = mood.into();

        let answer = world.say("json", &token, &message).await;

        assert_eq!(answer.status, status, "{mood}");
        assert_eq!(answer.header("www-authenticate"), None, "{mood}");
        assert_eq!(answer.header("location"), None, "{mood}");
        if mood == "picky" {
            assert_eq!(answer.text(), r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"no"}}"#);
        }
    }
    // Four were allowed, and three of them came to nothing.
    let called = world.audited_all(AuditKind::ToolCalled, 7).await;
    let failed = called.iter().filter(|event| event.outcome == Outcome::Failed);
    let mut ends: Vec<_> = failed.map(|event| event.upstream.unwrap().status).collect();
    ends.sort_unstable();
    assert_eq!(ends, [None, Some(307), Some(401)], "what made no sense answered nothing worth a status");
}
