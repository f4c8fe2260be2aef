use super::*;
use crate::ids::WriterId;
use crate::jose::{Alg, JwkSet, JwsError, KeyPair, Signer as _};

#[test]
fn kinds_and_outcomes_keep_their_names() {
    for kind in AuditKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        assert_eq!(AuditKind::named(kind.as_str()), Some(kind));
        assert_eq!(AuditEvent::new(kind, Timestamp::default()).outcome, kind.outcome());
    }
    for outcome in [Outcome::Allowed, Outcome::Refused, Outcome::Failed] {
        assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        assert_eq!(Outcome::named(outcome.as_str()), Some(outcome));
    }
    assert_eq!(AuditKind::named("token"), None);
}

#[test]
fn an_event_says_what_it_was_told_and_comes_back_from_its_row() {
    let approval = crate::grant::sample_approval();

    let event = AuditEvent::new(AuditKind::ToolRefused, Timestamp::from_seconds(5))
        .approval(&approval)
        .correlation(&CorrelationId::from_stored("co_1"))
        .token(&TokenId::from_stored("at_2"))
        .derived_from(&TokenId::from_stored("at_1"), 1)
        .actors(["agent".to_owned()])
        .method("tools/call")
        .tool("delete_note")
        .rule("scope:missing")
        .says("the token may only read");

    assert_eq!(event.outcome, Outcome::Refused);
    assert_eq!((&event.user, &event.grant), (&Some(approval.user), &Some(approval.grant)));
    assert_eq!(event.scope.as_deref(), Some("mcp:read"));
    let row = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<AuditEvent>(&row).unwrap(), event);
}

/// A row's hash is of its text: what a later version adds must leave the text of an earlier one's rows alone.
#[test]
fn a_row_of_an_earlier_version_keeps_its_text() {
    let event = AuditEvent::new(AuditKind::ToolCalled, Timestamp::from_seconds(5)).actors(["agent:a".to_owned()]);
    let text = r#"{"at":5000,"kind":"tool_called","outcome":"allowed","correlation":null,"user":null,"client":null,"grant":null,"token":null,"parent_token":null,"transaction":null,"hop":0,"actors":["agent:a"],"resource":null,"method":null,"tool":null,"scope":null,"rule":null,"says":null}"#;

    assert_eq!(serde_json::to_string(&event).unwrap(), text);
    assert_eq!(serde_json::from_str::<AuditEvent>(text).unwrap(), event);
}

#[test]
fn what_came_later_stands_in_the_row_where_it_is_known() {
    let scope = ScopeSet::parse("mcp:read").unwrap();
    let event = AuditEvent::new(AuditKind::ToolCalled, Timestamp::from_seconds(5))
        .scope(&scope)
        .policy("e1")
        .client_auth("private_key_jwt")
        .requested(&ScopeSet::parse("mcp:read mcp:write").unwrap())
        .arguments("digest")
        .upstream(UpstreamEnd { status: Some(502), ms: 7 });

    let row = serde_json::to_string(&event).unwrap();

    assert!(row.ends_with(
        r#""policy":"e1","client_auth":"private_key_jwt","requested":"mcp:read mcp:write","arguments":"digest","upstream":{"status":502,"ms":7}}"#
    ), "{row}");
    assert_eq!(serde_json::from_str::<AuditEvent>(&row).unwrap(), event);
    assert_eq!(event.requested(&scope).requested, None, "what was given as asked is not said twice");
}

#[test]
fn a_checkpoint_is_read_only_as_it_was_signed() {
    let key = KeyPair::generate(Alg::Es256).unwrap();
    let keys = JwkSet::new(vec![key.public()]);
    let head =
        |n: usize| Head { writer: WriterId::from_stored(format!("wr_{n:0>26}")), seq: i64::MAX, hash: "h".repeat(43) };
    let heads = (0..MOST_HEADS).map(head).collect();
    let checkpoint = Checkpoint { number: 2, at: Timestamp::from_seconds(5), prev: "p".repeat(43), heads };

    let statement = checkpoint.sign(&key).unwrap();

    assert_eq!(Checkpoint::read(&statement, &keys), Ok(checkpoint), "with as many heads as it may have");
    let other = JwkSet::new(vec![KeyPair::generate(Alg::Es256).unwrap().public()]);
    assert_eq!(Checkpoint::read(&statement, &other), Err(JwsError::UnknownKey.into()));
    let token = crate::jose::sign_compact(&key, "at+jwt", &serde_json::json!({ "number": 2 })).unwrap();
    assert_eq!(Checkpoint::read(&token, &keys), Err(CheckpointError::Class), "an access token is none");
}
