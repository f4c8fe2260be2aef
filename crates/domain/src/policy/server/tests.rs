use super::*;
use crate::policy::{Catalogue, Pattern};

fn server(groups: Option<Vec<ScopeGroup>>) -> Server {
    let name = ServerName::parse("notes");
    Server::new(name, "Notes".to_owned(), Resource::from_stored("http://localhost:8787/mcp/notes"), groups)
}

fn facts(name: &str, read_only: Option<bool>, destructive: Option<bool>) -> ToolFacts {
    ToolFacts { name: name.to_owned(), read_only, destructive, ..ToolFacts::default() }
}

fn group(scope: &str, risk: Risk, patterns: &[&str]) -> ScopeGroup {
    ScopeGroup {
        scope: Scope::parse(scope).unwrap(),
        says: String::new(),
        risk,
        patterns: patterns.iter().map(|raw| Pattern::parse(raw).unwrap()).collect(),
    }
}

fn scopes(tool: &Tool) -> Vec<&str> {
    tool.scopes.iter().map(Scope::as_str).collect()
}

#[test]
fn annotations_choose_among_the_default_scopes() {
    let server = server(None);
    let table = [
        (Some(true), None, Risk::Read, "notes:read"),
        (Some(true), Some(true), Risk::Read, "notes:read"),
        (None, None, Risk::Write, "notes:write"),
        (Some(false), Some(false), Risk::Write, "notes:write"),
        (None, Some(true), Risk::Destructive, "notes:destructive"),
    ];
    for (read_only, destructive, risk, scope) in table {
        let tool = server.classify(facts("any", read_only, destructive));
        assert_eq!((tool.risk, scopes(&tool)), (risk, vec![scope]), "{read_only:?} {destructive:?}");
    }
}

#[test]
fn the_unnamed_server_has_scopes_of_mcp() {
    let server = Server::new(None, "Demo".to_owned(), Resource::from_stored("http://localhost:8787/mcp"), None);
    assert_eq!(server.all_scopes().to_string(), "mcp:destructive mcp:read mcp:write");
    assert_eq!(server.baseline().to_string(), "mcp:read mcp:write");
}

#[test]
fn the_operators_patterns_outrank_the_servers_claims() {
    let groups =
        vec![group("n:look", Risk::Read, &["get_*"]), group("n:change", Risk::Write, &["set_*", "get_rid_of_*"])];
    let server = server(Some(groups));

    let plain = server.classify(facts("set_owner", Some(true), None));
    assert_eq!((plain.risk, scopes(&plain)), (Risk::Write, vec!["n:change"]));

    let both = server.classify(facts("get_rid_of_all", None, None));
    assert_eq!((both.risk, scopes(&both)), (Risk::Write, vec!["n:look", "n:change"]));
}

#[test]
fn a_tool_no_group_takes_in_stays_shut() {
    let server = server(Some(vec![group("n:look", Risk::Read, &["get_*"])]));
    assert!(server.classify(facts("format_disk", Some(true), None)).scopes.is_empty());
}

#[test]
fn a_group_without_patterns_takes_what_no_pattern_claims() {
    let groups = vec![group("n:look", Risk::Read, &["get_*"]), group("n:rest", Risk::Write, &[])];
    let server = server(Some(groups));
    assert_eq!(scopes(&server.classify(facts("get_x", None, None))), vec!["n:look"]);
    assert_eq!(scopes(&server.classify(facts("other", None, None))), vec!["n:rest"]);
}

#[test]
fn a_name_listed_twice_counts_at_its_worst() {
    let mut server = server(None);
    server.learn([facts("x", Some(true), None), facts("y", None, None), facts("x", None, Some(true))]);

    let known: Vec<(&str, Risk)> = server.tools.iter().map(|tool| (tool.name.as_str(), tool.risk)).collect();
    assert_eq!(known, [("x", Risk::Destructive), ("y", Risk::Write)]);
}

#[test]
fn words_of_a_server_are_made_fit_to_be_shown() {
    let tool = server(None).classify(ToolFacts {
        title: Some("\u{202e}evil\u{0007}".to_owned()),
        description: Some("\n\u{200b}".to_owned()),
        ..facts("x", None, None)
    });
    assert_eq!((tool.label(), tool.description.as_deref()), ("evil", None));
}

#[test]
fn servers_are_found_by_audience_and_by_path() {
    let catalogue = Catalogue { servers: vec![server(None)] };
    assert!(catalogue.by_path("/mcp/notes").is_some());
    assert!(catalogue.by_path("/mcp/note").is_none());
    assert!(catalogue.by_resource(&Resource::from_stored("http://localhost:8787/mcp/notes")).is_some());
    assert!(catalogue.by_resource(&Resource::from_stored("http://localhost:8787/mcp/notes/")).is_none());
}
