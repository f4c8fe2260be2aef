use super::*;
use crate::time::REFRESH_LIFE;

const USED: Timestamp = Timestamp::from_seconds(1_000);

#[test]
fn a_spent_token_gets_the_same_answer_for_thirty_seconds_while_the_successor_is_unused() {
    let table = [
        (-5_000, false, Reuse::SameAnswer),
        (0, false, Reuse::SameAnswer),
        (30_000, false, Reuse::SameAnswer),
        (30_001, false, Reuse::Theft("reuse_after_window")),
        (86_400_000, false, Reuse::Theft("reuse_after_window")),
        (0, true, Reuse::Theft("reuse_successor_used")),
        (30_000, true, Reuse::Theft("reuse_successor_used")),
        (30_001, true, Reuse::Theft("reuse_successor_used")),
    ];

    for (after, successor_used, verdict) in table {
        let now = Timestamp::from_millis(USED.millis() + after);
        assert_eq!(judge_reuse(USED, successor_used, now), verdict, "{after} ms, successor used: {successor_used}");
    }
}

#[test]
fn idle_time_slides_and_the_end_does_not() {
    let end = USED.after(REFRESH_LIFE);
    let near_the_end = end.before(Duration::from_mins(1));

    assert_eq!(idle_until(USED, end), USED.after(REFRESH_IDLE));
    assert_eq!(idle_until(near_the_end, end), end);
}

#[test]
fn an_access_token_may_be_narrower_and_never_wider() {
    let granted = ScopeSet::parse("mcp:read mcp:write").unwrap();
    let table = [
        (None, Some("mcp:read mcp:write")),
        (Some(""), Some("mcp:read mcp:write")),
        (Some("mcp:read"), Some("mcp:read")),
        (Some("mcp:write mcp:read"), Some("mcp:read mcp:write")),
        (Some("mcp:read mcp:destructive"), None),
        (Some("MCP:read"), None),
    ];

    for (asked, expected) in table {
        let asked = asked.map(|raw| ScopeSet::parse(raw).unwrap());
        assert_eq!(narrowed(&granted, asked.as_ref()).map(|scope| scope.to_string()).as_deref(), expected);
    }
}
