use super::*;
use crate::policy::ToolFacts;
use crate::uri::Resource;

fn server() -> Server {
    let mut server = Server::new(None, "Notes".to_owned(), Resource::from_stored("http://localhost:8787/mcp"), None);
    let facts = |name: &str, read_only, destructive| ToolFacts {
        name: name.to_owned(),
        read_only,
        destructive,
        ..ToolFacts::default()
    };
    server.learn([
        facts("list_notes", Some(true), None),
        facts("add_note", Some(false), Some(false)),
        facts("delete_note", None, Some(true)),
    ]);
    server
}

fn scope(text: &str) -> ScopeSet {
    ScopeSet::parse(text).unwrap()
}

fn only(resource: &str, tools: &[&str]) -> ToolsDetail {
    ToolsDetail::only(Resource::from_stored(resource), tools.iter().map(|&tool| tool.to_owned()).collect())
}

fn decided(scopes: &str, details: &[ToolsDetail], tool: &str) -> Decision {
    let server = server();
    within(&server.all_scopes(), scopes, details, &Ask { server: &server, tool })
}

fn within(ceiling: &ScopeSet, scopes: &str, details: &[ToolsDetail], ask: &Ask<'_>) -> Decision {
    decide(&Held { ceiling, scope: &scope(scopes), details }, ask)
}

fn entered(ceiling: &str, scopes: &str) -> Decision {
    enter(&Held { ceiling: &scope(ceiling), scope: &scope(scopes), details: &[] }, &server())
}

fn rule(decision: &Decision) -> &str {
    match decision {
        Decision::Permit { rule } | Decision::Missing { rule, .. } | Decision::Denied { rule, .. } => rule,
    }
}

#[test]
fn the_scope_of_a_tool_opens_it() {
    assert_eq!(decided("mcp:read", &[], "list_notes"), Decision::Permit { rule: "scope:mcp:read".to_owned() });
}

#[test]
fn a_missing_scope_is_named() {
    let missing = Decision::Missing { scopes: scope("mcp:destructive"), rule: "scope:mcp:destructive".to_owned() };
    assert_eq!(decided("mcp:read mcp:write", &[], "delete_note"), missing);
}

#[test]
fn no_scope_opens_a_tool_nobody_knows() {
    let decision = decided("mcp:read mcp:write mcp:destructive", &[], "list_notes ");
    assert_eq!(rule(&decision), "tool:unknown");
}

#[test]
fn a_tool_without_a_scope_is_shut() {
    let mut server = server();
    server.groups.clear();
    server.learn([ToolFacts { name: "list_notes".to_owned(), ..ToolFacts::default() }]);

    let ask = Ask { server: &server, tool: "list_notes" };
    let decision = within(&scope("mcp:read mcp:write"), "mcp:read mcp:write", &[], &ask);

    assert_eq!(rule(&decision), "tool:unclassified");
}

#[test]
fn a_tool_left_out_at_consent_stays_out() {
    let details = [only("http://localhost:8787/mcp", &["list_notes"])];
    assert_eq!(rule(&decided("mcp:read mcp:write", &details, "list_notes")), "scope:mcp:read");
    assert_eq!(rule(&decided("mcp:read mcp:write", &details, "add_note")), "consent:left-out");
}

#[test]
fn a_detail_of_another_server_leaves_this_one_alone() {
    let details = [only("http://localhost:8787/mcp/other", &["x"])];
    assert_eq!(rule(&decided("mcp:read", &details, "list_notes")), "scope:mcp:read");
}

#[test]
fn details_that_name_no_tool_leave_none() {
    let nowhere = ToolsDetail { locations: Vec::new(), ..only("http://localhost:8787/mcp", &["add_note"]) };
    for details in [vec![only("http://localhost:8787/mcp", &[])], vec![nowhere]] {
        assert_eq!(rule(&decided("mcp:read", &details, "list_notes")), "consent:left-out");
    }
}

#[test]
fn several_details_of_one_server_add_up() {
    let here = "http://localhost:8787/mcp";
    let details = [only(here, &["list_notes"]), only(here, &["add_note"])];
    assert_eq!(rule(&decided("mcp:write", &details, "add_note")), "scope:mcp:write");
}

#[test]
fn the_consent_that_adds_a_scope_is_asked_for_before_a_tool_counts_as_left_out() {
    let details = [only("http://localhost:8787/mcp", &["list_notes"])];
    assert_eq!(rule(&decided("mcp:read", &details, "delete_note")), "scope:mcp:destructive");
}

#[test]
fn exactly_what_may_be_called_is_visible() {
    let (server, held) = (server(), scope("mcp:read mcp:write"));
    let details = [only("http://localhost:8787/mcp", &["list_notes", "delete_note"])];
    let held = Held { ceiling: &server.all_scopes(), scope: &held, details: &details };
    let seen = |tool: &&Tool| visible(&held, &Ask { server: &server, tool: &tool.name });

    let names: Vec<&str> = server.tools.iter().filter(seen).map(|tool| tool.name.as_str()).collect();

    assert_eq!(names, ["list_notes"]);
}

#[test]
fn any_scope_of_the_server_opens_what_is_no_tool() {
    let all = "mcp:read mcp:write mcp:destructive";
    assert_eq!(rule(&entered(all, "mcp:destructive")), "scope:mcp:destructive");
    let missing = Decision::Missing { scopes: scope("mcp:read mcp:write"), rule: "scope:any".to_owned() };
    assert_eq!(entered(all, "other:read"), missing);
}

#[test]
fn a_ceiling_stands_before_every_scope() {
    let server = server();
    let ask = Ask { server: &server, tool: "add_note" };
    let below = scope("mcp:read");

    assert_eq!(rule(&within(&below, "mcp:read mcp:write", &[], &ask)), "allow:mcp:write");
    assert_eq!(rule(&within(&below, "mcp:read", &[], &ask)), "allow:mcp:write", "no consent could add it");
    let listing = Ask { server: &server, tool: "list_notes" };
    assert_eq!(rule(&within(&below, "mcp:read mcp:write", &[], &listing)), "scope:mcp:read");
}

#[test]
fn of_several_scopes_that_open_a_tool_one_within_the_ceiling_is_enough() {
    let mut server = server();
    let both = ["mcp:read", "mcp:write"].map(|raw| Scope::parse(raw).unwrap());
    for tool in &mut server.tools {
        tool.scopes = both.to_vec();
    }
    let ask = Ask { server: &server, tool: "add_note" };

    assert_eq!(rule(&within(&scope("mcp:write"), "mcp:read mcp:write", &[], &ask)), "scope:mcp:write");
    let missing = Decision::Missing { scopes: scope("mcp:write"), rule: "scope:mcp:write".to_owned() };
    assert_eq!(within(&scope("mcp:write"), "mcp:read", &[], &ask), missing);
}

#[test]
fn whoever_may_hold_nothing_enters_nowhere() {
    assert_eq!(rule(&entered("", "mcp:read")), "allow:mcp:read");
    assert_eq!(rule(&entered("", "other:read")), "allow:any");
    assert_eq!(rule(&entered("mcp:read", "mcp:read mcp:write")), "scope:mcp:read");
    let missing = Decision::Missing { scopes: scope("mcp:destructive"), rule: "scope:any".to_owned() };
    assert_eq!(entered("mcp:destructive", "other:read"), missing);
}
