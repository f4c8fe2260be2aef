use std::sync::Arc;

use super::*;
use crate::uri::Resource;

fn local(name: &str) -> Person {
    Person { name: name.to_owned(), ..Person::default() }
}

fn federated(name: &str, email: Option<&str>, groups: &[&str]) -> Person {
    Person {
        name: name.to_owned(),
        email: email.map(str::to_owned),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        provider: Some("corp".to_owned()),
    }
}

fn means(entry: &str, person: &Person) -> bool {
    Named::parse(entry).unwrap().means(person)
}

fn server(allow: &[(&str, &[&str])]) -> Server {
    let mut server = Server::new(None, "Notes".to_owned(), Resource::from_stored("http://localhost:8787/mcp"), None);
    for (scope, entries) in allow {
        let named = entries.iter().map(|entry| Named::parse(entry).unwrap()).collect();
        server.allow.insert(Scope::parse(scope).unwrap(), named);
    }
    server
}

fn may_hold(person: Person, server: &Server) -> String {
    ceiling(Stage::Call, &Holder::Person(Arc::new(person)), server).to_string()
}

#[test]
fn an_account_made_here_is_named_by_its_name_in_any_case() {
    assert!(means("user:alice", &local("Alice")));
    assert!(means("user:alice@example.com", &local("alice@example.com")));
    assert!(!means("user:alice", &local("alice2")));
    assert!(!means("domain:example.com", &local("alice@example.com")), "a name is no address");
}

#[test]
fn a_name_chosen_elsewhere_names_nobody() {
    assert!(!means("user:alice", &federated("alice", None, &[])));
    assert!(!means("user:alice@example.com", &federated("alice@example.com", None, &[])));
}

#[test]
fn addresses_domains_and_groups_are_taken_exactly() {
    let alice = federated("al", Some("Alice@Example.com"), &["dev"]);
    for entry in ["user:alice@example.com", "domain:EXAMPLE.com", "group:dev"] {
        assert!(means(entry, &alice), "{entry}");
    }
    for entry in ["user:al@example.com", "domain:ample.com", "domain:com", "group:Dev", "group:de", "user:al"] {
        assert!(!means(entry, &alice), "{entry}");
    }
    let guest = federated("g", Some("alice@example.com@evil.example"), &[]);
    assert!(!means("domain:example.com", &guest));
    assert!(!means("domain:example.com", &federated("s", Some("s@sub.example.com"), &[])));
    // The Kelvin sign is a letter of its own in an address, whatever it looks like in lower case.
    assert!(!means("domain:kk.example", &federated("k", Some("a@\u{212a}k.example"), &[])));
}

#[test]
fn an_entry_that_names_nobody_is_refused() {
    let wrong = ["alice", "users:alice", "user:", "group: dev", "domain:a@b", "domain:*.example.com", "user:a\nb", "*"];
    for raw in wrong {
        assert!(Named::parse(raw).is_err(), "{raw:?}");
    }
    assert!(Named::parse(&format!("group:{}", "x".repeat(MOST))).is_err());
    assert_eq!(Named::parse("group:a:b").unwrap().to_string(), "group:a:b");
}

#[test]
fn a_scope_without_a_list_is_for_accounts_made_here_only() {
    let server = server(&[]);
    assert_eq!(may_hold(local("alice"), &server), "mcp:destructive mcp:read mcp:write");
    assert_eq!(may_hold(federated("alice", Some("a@example.com"), &["dev"]), &server), "");
}

#[test]
fn a_scope_with_a_list_is_for_those_on_it_only() {
    let server = server(&[("mcp:write", &["user:alice", "group:dev"]), ("mcp:destructive", &[])]);
    assert_eq!(may_hold(local("alice"), &server), "mcp:read mcp:write");
    assert_eq!(may_hold(local("bob"), &server), "mcp:read");
    assert_eq!(may_hold(federated("eve", None, &["dev"]), &server), "mcp:write");
}

#[test]
fn a_machine_is_bounded_elsewhere() {
    let server = server(&[("mcp:write", &[])]);
    assert_eq!(ceiling(Stage::Call, &Holder::Machine, &server), server.all_scopes());
}
