//! Parties out of ways and calls.

use std::collections::BTreeMap;

use bailiwick_domain::chain::{Agent, Assurance, Directory, Map};
use bailiwick_domain::grant::Approval;
use bailiwick_domain::ids::{ClientId, GrantId, TransactionId, UserId};
use bailiwick_domain::policy::{Catalogue, Server};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::{Resource, ServerName};
use bailiwick_store::{Calls, GrantRow, Tree, Way};

use crate::{Party, PartyKind, PartyState, grow};

const NOW: i64 = 1000;

fn resource(text: &str) -> Resource {
    Resource::from_stored(text.to_owned())
}

fn agent(name: &str) -> Agent {
    Agent {
        name: ServerName::parse(name).unwrap(),
        title: name.to_uppercase(),
        resource: resource(&format!("https://id.example/agent/{name}")),
        behind: None,
        assurance: Assurance::ClientSecret,
        floor: Assurance::None,
        acts_for: None,
        scopes: None,
        own: ScopeSet::default(),
        max_depth: 4,
        edges: Vec::new(),
    }
}

fn way(path: &[&str], audience: &str, scope: &str, live: u64) -> Way {
    Way {
        path: path.iter().map(|&sub| sub.to_owned()).collect(),
        audience: resource(audience),
        tokens: 2,
        live,
        scope: ScopeSet::parse(scope).unwrap(),
        issued_at: Timestamp::from_seconds(NOW),
        expires_at: Timestamp::from_seconds(NOW + 300),
    }
}

fn tree(client: &str, ways: Vec<Way>, stopped: &[&str]) -> Tree {
    let at = Timestamp::from_seconds(NOW);
    let approval = Approval {
        grant: GrantId::from_stored("gr_1"),
        user: UserId::from_stored("us_alice"),
        client: ClientId::parse(client).unwrap(),
        client_name: "App".to_owned(),
        resource: resource("https://id.example/agent/a"),
        scope: ScopeSet::parse("n:read n:write").unwrap(),
        details: Vec::new(),
        job: None,
        transaction: TransactionId::from_stored("tx_1"),
        created_at: at,
        expires_at: Timestamp::from_seconds(NOW + 9000),
    };
    let grant =
        GrantRow { approval, activated_at: Some(at), revoked_at: None, revoke_reason: None, last_used_at: None };
    let stopped: BTreeMap<_, _> = stopped.iter().map(|&party| (party.to_owned(), at)).collect();
    Tree { grant, live: true, ways, calls: Vec::new(), stopped, since: at, tokens_left_out: 0, calls_left_out: 0 }
}

fn grown(tree: &Tree) -> Party {
    let directory = Directory { agents: vec![agent("a"), agent("b")], ..Directory::default() };
    let notes =
        Server::new(ServerName::parse("notes"), "Notes".to_owned(), resource("https://id.example/mcp/notes"), None);
    let catalogue = Catalogue { servers: vec![notes] };
    grow(Map { directory: &directory, catalogue: &catalogue }, tree)
}

/// Every party in a line, each below the one before with one more point.
fn lines(party: &Party, depth: usize) -> Vec<String> {
    let own = format!("{}{} {} {}", ".".repeat(depth), party.name, party.state.as_str(), party.scope);
    std::iter::once(own).chain(party.parties.values().flat_map(|next| lines(next, depth + 1))).collect()
}

fn a_row() -> Vec<Way> {
    vec![
        way(&[], "https://id.example/agent/a", "n:read n:write", 2),
        way(&["agent:a"], "https://id.example/agent/b", "n:read", 1),
        way(&["agent:a"], "https://id.example/mcp/notes", "n:write", 1),
        way(&["agent:a", "agent:b"], "https://id.example/mcp/notes", "n:read", 0),
    ]
}

#[test]
fn what_one_was_handed_and_what_it_did_are_one_party() {
    let mut tree = tree("app", a_row(), &[]);
    tree.calls.push(Calls {
        path: vec!["agent:a".to_owned(), "agent:b".to_owned()],
        resource: resource("https://id.example/mcp/notes"),
        tool: "look".to_owned(),
        allowed: 3,
        failed: 0,
        refused: 0,
        last_at: Timestamp::from_seconds(NOW),
    });

    let app = grown(&tree);

    let expected = [
        "App live n:read n:write",
        ".A live n:read n:write",
        "..B live n:read",
        "...Notes over n:read",
        "..Notes live n:write",
    ];
    assert_eq!(lines(&app, 0), expected);
    assert!(app.is_chain());
    let b = &app.parties["agent:a"].parties["agent:b"];
    assert_eq!((b.lost.to_string(), b.kind), ("n:write".to_owned(), PartyKind::Agent));
    assert_eq!(b.parties.values().next().unwrap().calls.len(), 1);
    assert_eq!(app.next_end(Timestamp::from_seconds(NOW)), Some(Timestamp::from_seconds(NOW + 300)));
}

#[test]
fn a_stop_names_exactly_one_party() {
    let app = grown(&tree("app", a_row(), &[]));
    let names = |name: &str| app.stop_names(name).map(|names| names.join(" "));

    assert_eq!(names("agent:b").as_deref(), Some("agent:b https://id.example/agent/b"));
    let step = "agent:b->https://id.example/mcp/notes";
    assert_eq!(names(step).as_deref(), Some(step), "a calls the same and goes on");
    for stranger in ["agent:c", "https://id.example/mcp/notes", "app", ""] {
        assert_eq!(names(stranger), None, "{stranger}");
    }

    let app = grown(&tree("app", a_row(), &[step]));
    let a = &app.parties["agent:a"];
    assert_eq!(a.parties["https://id.example/mcp/notes"].state, PartyState::Live);
    assert_eq!(a.parties["agent:b"].state, PartyState::Live);
    assert_eq!(a.parties["agent:b"].parties.values().next().unwrap().state, PartyState::Stopped);
    let app = grown(&tree("app", a_row(), &["agent:b", "https://id.example/agent/b"]));
    assert_eq!(app.parties["agent:a"].parties["agent:b"].state, PartyState::Stopped);
}

#[test]
fn an_app_that_hands_its_user_on_and_an_agent_with_a_grant_are_the_root_themselves() {
    for (client, itself) in [("web", "client:web"), ("a", "agent:a")] {
        let app = grown(&tree(client, vec![way(&[itself], "https://id.example/agent/b", "n:read", 1)], &[]));

        assert_eq!(lines(&app, 0), ["App live n:read n:write", ".B live n:read"], "{client}");
    }
    let gone = grown(&tree("app", vec![way(&["agent:gone"], "https://gone.example", "n:read", 0)], &[]));
    assert_eq!(lines(&gone, 0), ["App live n:read n:write", ".gone over ", "..https://gone.example over n:read"]);
}

#[test]
fn a_server_that_goes_further_lives_by_what_it_obtained() {
    let ways = |live| {
        vec![
            way(&["agent:a"], "https://id.example/mcp/notes", "n:read", 1),
            way(&["agent:a", "agent:b"], "https://id.example/mcp/books", "n:read", live),
        ]
    };
    for (live, state) in [(1, PartyState::Live), (0, PartyState::Over)] {
        let app = grown(&tree("app", ways(live), &[]));
        assert_eq!(app.parties["agent:a"].parties["agent:b"].state, state);
    }
}
