//! What a person may hold is asked at every call, whatever their token says.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::ids::UserId;
use http_body_util::BodyExt as _;
use serde_json::json;

use crate::calls::chunk;
use crate::fixture::{call, list};
use crate::world::{Answer, World};

fn rule(answer: &Answer) -> String {
    let message = answer.message();
    message["result"]["_meta"]["bailiwick/rule"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_group_taken_away_counts_at_the_next_call_and_one_given_back_too() {
    let world = World::new().await;
    world.allow("json", "json:write", &["group:dev"]);
    let token = world.token("json", "json:read json:write").await;
    world.set_groups("us_alice", &["dev"]).await;
    assert_eq!(world.say("json", &token, &call("write_note")).await.message()["result"]["isError"], json!(null));
    assert!(world.say("json", &token, &list()).await.tools().contains(&"write_note".to_owned()));
    let reached = world.behind.seen().len();

    world.set_groups("us_alice", &["ops"]).await;

    let refused = world.say("json", &token, &call("write_note")).await;
    assert_eq!((refused.status.as_u16(), rule(&refused).as_str()), (200, "allow:json:write"));
    assert!(refused.text().contains("json:write"), "{}", refused.text());
    let record = &world.audited(AuditKind::ToolRefused).await[0];
    assert_eq!(record.rule.as_deref(), Some("allow:json:write"));
    assert_eq!(world.behind.seen().len(), reached, "the server behind heard nothing");
    assert!(!world.say("json", &token, &list()).await.tools().contains(&"write_note".to_owned()));
    assert_eq!(rule(&world.say("json", &token, &call("read_note")).await), "", "the rest still works");

    world.set_groups("us_alice", &["dev", "ops"]).await;
    assert_eq!(rule(&world.say("json", &token, &call("write_note")).await), "");
}

#[tokio::test]
async fn a_list_that_changes_counts_at_the_next_call() {
    let world = World::new().await;
    let token = world.token("json", "json:read json:write").await;
    assert_eq!(rule(&world.say("json", &token, &call("write_note")).await), "");

    world.allow("json", "json:write", &["user:bob"]);
    assert_eq!(rule(&world.say("json", &token, &call("write_note")).await), "allow:json:write");

    world.allow("json", "json:write", &["user:Alice"]);
    assert_eq!(rule(&world.say("json", &token, &call("write_note")).await), "");
}

#[tokio::test]
async fn a_scope_that_may_not_be_held_is_not_asked_for() {
    let world = World::new().await;
    world.allow("json", "json:write", &["user:bob"]);
    let token = world.token("json", "json:read").await;

    let refused = world.say("json", &token, &call("write_note")).await;

    assert_eq!((refused.status.as_u16(), rule(&refused).as_str()), (200, "allow:json:write"));
    assert!(refused.header("www-authenticate").is_none());
}

#[tokio::test]
async fn whoever_may_hold_nothing_any_more_is_refused_everything_and_what_is_open_closes() {
    let world = World::new().await;
    for scope in ["sse:read", "sse:write", "sse:destructive"] {
        world.allow("sse", scope, &["group:dev"]);
    }
    let token = world.token("sse", "sse:read").await;
    world.set_groups("us_alice", &["dev"]).await;
    let response = world.open(world.post("sse", &token), call("read_note").to_string()).await;
    let mut body = response.into_body();
    chunk(&mut body).await;

    world.set_groups("us_alice", &[]).await;

    let rest = tokio::time::timeout(Duration::from_secs(5), body.frame()).await.expect("the stream ends");
    assert!(rest.is_none_or(|frame| frame.is_err()));
    let prompts = json!({ "jsonrpc": "2.0", "id": 7, "method": "prompts/list" });
    let refused = world.say("sse", &token, &prompts).await.message();
    assert_eq!(refused["error"]["code"], -32603, "{refused}");
    assert_eq!(refused["error"]["data"]["rule"], "allow:sse:read", "{refused}");
}

#[tokio::test]
async fn a_token_of_an_account_that_is_unknown_or_disabled_is_refused() {
    let world = World::new().await;
    let token = world.token("json", "json:read").await;
    assert_eq!(world.say("json", &token, &call("read_note")).await.status, 200);

    world.disable("us_alice").await;

    assert_eq!(world.say("json", &token, &call("read_note")).await.status, 401);
    let nobody = world.unaccounted("us_nobody", "json", "json:read").await;
    assert_eq!(world.say("json", &nobody, &call("read_note")).await.status, 401);
}

#[tokio::test]
async fn a_machine_is_bounded_by_its_client_and_not_by_the_list() {
    let world = World::new().await;
    world.allow("json", "json:write", &[]);
    let token = world.unaccounted("mc_ci", "json", "json:write").await;

    assert_eq!(rule(&world.say("json", &token, &call("write_note")).await), "");
    assert!(world.store.user(&UserId::from_stored("mc_ci")).await.unwrap().is_none());
}
