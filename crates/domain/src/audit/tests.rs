use super::*;

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
