//! The page of consent: who asks, where access goes, and every tool behind every scope, each to be left out.

use std::collections::BTreeSet;
use std::time::Duration;

use askama::Template;
use bailiwick_domain::policy::{Risk, Server, Tool};
use bailiwick_domain::scope::{Scope, ScopeSet};

/// The page that asks a person.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage<'a> {
    /// The application's name.
    pub(crate) client: &'a str,
    /// The application's home page, where somebody vouches for it: a stranger's would only lend it a good name.
    pub(crate) client_uri: Option<&'a str>,
    /// True when nobody vouches for the name.
    pub(crate) unverified: bool,
    /// The host whose holder describes the application.
    pub(crate) vouching_host: Option<String>,
    /// The application's `client_id`, for one that is its document.
    pub(crate) client_id: &'a str,
    /// Where access goes.
    pub(crate) host: &'a str,
    /// True when it goes to a program on the person's own machine.
    pub(crate) loopback: bool,
    /// The server's title.
    pub(crate) server: &'a str,
    /// The server's resource.
    pub(crate) resource: &'a str,
    /// What that is.
    pub(crate) kind: Kind,
    /// True when the server answers.
    pub(crate) reachable: bool,
    /// Who is signed in.
    pub(crate) user: &'a str,
    /// What is asked for.
    pub(crate) groups: Vec<Group>,
    /// What is asked for and may not be given by this person.
    pub(crate) withheld: Vec<String>,
    /// How long it may last.
    pub(crate) durations: Vec<Choice>,
    /// What was wrong the last time.
    pub(crate) problem: Option<&'a str>,
    /// The form's token.
    pub(crate) form_token: &'a str,
    /// The authorization request.
    pub(crate) request: &'a str,
}

/// What access is asked to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A server.
    Server,
    /// An agent, which acts for the person elsewhere.
    Agent,
}

impl Kind {
    pub(crate) fn is_agent(self) -> bool {
        self == Self::Agent
    }
}

/// One scope in words.
pub(crate) struct Group {
    pub(crate) scope: String,
    pub(crate) says: String,
    pub(crate) risk: RiskWords,
    pub(crate) tools: Vec<Row>,
    pub(crate) ticked: bool,
    /// True when its tools stand under another scope.
    pub(crate) shared: bool,
}

/// One tool.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) says: String,
    pub(crate) risk: RiskWords,
    pub(crate) ticked: bool,
}

/// A risk as a person reads it.
#[derive(Clone, Copy)]
pub(crate) struct RiskWords(pub(crate) Risk);

impl RiskWords {
    pub(crate) fn class(self) -> &'static str {
        self.0.as_str()
    }

    pub(crate) fn is_destructive(self) -> bool {
        self.0 == Risk::Destructive
    }

    pub(crate) fn word(self) -> &'static str {
        match self.0 {
            Risk::Read => "only reads",
            Risk::Write => "changes things",
            Risk::Destructive => "destructive",
        }
    }

    pub(crate) fn mark(self) -> &'static str {
        match self.0 {
            Risk::Read => "good",
            Risk::Write => "warn",
            Risk::Destructive => "danger",
        }
    }
}

/// One duration to choose.
pub(crate) struct Choice {
    pub(crate) value: &'static str,
    pub(crate) words: &'static str,
    pub(crate) chosen: bool,
}

const HOUR: u64 = 3600;
const DURATIONS: [(&str, &str, u64); 4] = [
    ("1h", "1 hour", HOUR),
    ("1d", "1 day", 24 * HOUR),
    ("30d", "30 days", 30 * 24 * HOUR),
    ("90d", "90 days", 90 * 24 * HOUR),
];
const USUAL: &str = "30d";

/// The durations, with the one chosen, or else the usual one, marked.
pub(crate) fn durations(chosen: Option<&str>) -> Vec<Choice> {
    let chosen = chosen.filter(|value| life(value).is_some()).unwrap_or(USUAL);
    DURATIONS.iter().map(|&(value, words, _)| Choice { value, words, chosen: value == chosen }).collect()
}

/// How long the choice of that value lasts.
pub(crate) fn life(value: &str) -> Option<Duration> {
    DURATIONS.iter().find(|(known, _, _)| *known == value).map(|&(_, _, seconds)| Duration::from_secs(seconds))
}

/// The usual duration.
pub(crate) fn usual_life() -> Duration {
    life(USUAL).unwrap_or(Duration::from_secs(HOUR))
}

/// What was ticked; `None` means that nothing was answered yet, so everything is.
pub(crate) type Ticked<'a> = Option<(&'a BTreeSet<String>, &'a BTreeSet<String>)>;

/// The groups of `scope` at `server`; a tool that several scopes open stands under the first.
pub(crate) fn groups(server: &Server, scope: &ScopeSet, ticked: Ticked<'_>) -> Vec<Group> {
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    let asked = server.groups.iter().filter(|group| scope.contains(&group.scope));
    asked
        .map(|group| {
            let behind: Vec<&Tool> = server.tools_behind(&group.scope).collect();
            let tools: Vec<Row> =
                behind.iter().filter(|tool| shown.insert(&tool.name)).map(|tool| row(tool, ticked)).collect();
            Group {
                scope: group.scope.to_string(),
                says: group.says.clone(),
                risk: RiskWords(group.risk),
                shared: tools.is_empty() && !behind.is_empty(),
                ticked: ticked.is_none_or(|(_, scopes)| scopes.contains(group.scope.as_str())),
                tools,
            }
        })
        .collect()
}

fn row(tool: &Tool, ticked: Ticked<'_>) -> Row {
    Row {
        name: tool.name.clone(),
        title: tool.label().to_owned(),
        says: tool.description.clone().unwrap_or_default(),
        risk: RiskWords(tool.risk),
        ticked: ticked.is_none_or(|(tools, _)| tools.contains(&tool.name)),
    }
}

/// What a person's ticks come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// The scopes that remain.
    pub(crate) scope: ScopeSet,
    /// The tools that remain, when any was left out.
    pub(crate) only: Option<Vec<String>>,
}

/// Turns ticks into scopes and tools. A scope all of whose tools were left out goes; one without tools of its own stays
/// when it is ticked itself. A tool that was not on the page counts as left out: nobody saw it.
pub(crate) fn choose(server: &Server, scope: &ScopeSet, tools: &BTreeSet<String>, scopes: &BTreeSet<String>) -> Chosen {
    let open = |tool: &&Tool| tool.scopes.iter().any(|opening| scope.contains(opening));
    let offered: Vec<&Tool> = server.tools.iter().filter(open).collect();
    let kept: Vec<&Tool> = offered.iter().copied().filter(|tool| tools.contains(&tool.name)).collect();
    let remains = |wanted: &Scope| {
        let mut behind = server.tools_behind(wanted).peekable();
        if behind.peek().is_none() {
            scopes.contains(wanted.as_str())
        } else {
            behind.any(|tool| tools.contains(&tool.name))
        }
    };
    let left_out = kept.len() < offered.len();
    Chosen {
        scope: scope.iter().filter(|wanted| remains(wanted)).cloned().collect(),
        only: left_out.then(|| kept.iter().map(|tool| tool.name.clone()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_domain::policy::ToolFacts;
    use bailiwick_domain::uri::Issuer;

    fn server() -> Server {
        let resource = Issuer::parse("http://localhost:8787").unwrap().resource(None);
        let mut server = Server::new(None, "Notes".to_owned(), resource, None);
        for (name, read_only, destructive) in
            [("list", Some(true), None), ("read", Some(true), None), ("add", None, None), ("delete", None, Some(true))]
        {
            let facts = ToolFacts { name: name.to_owned(), read_only, destructive, ..ToolFacts::default() };
            server.tools.push(server.classify(facts));
        }
        server
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn everything_ticked_leaves_no_detail() {
        let server = server();

        let chosen = choose(&server, &server.baseline(), &set(&["list", "read", "add"]), &set(&[]));

        assert_eq!(chosen, Chosen { scope: server.baseline(), only: None });
    }

    #[test]
    fn a_tool_left_out_is_a_detail_and_an_empty_scope_goes() {
        let server = server();

        let chosen = choose(&server, &server.baseline(), &set(&["list"]), &set(&[]));

        assert_eq!(chosen.scope.to_string(), "mcp:read");
        assert_eq!(chosen.only, Some(vec!["list".to_owned()]));
    }

    #[test]
    fn a_tool_beyond_the_scopes_asked_for_cannot_be_ticked_in() {
        let server = server();

        let chosen =
            choose(&server, &server.baseline(), &set(&["list", "read", "add", "delete"]), &set(&["mcp:destructive"]));

        assert_eq!(chosen, Chosen { scope: server.baseline(), only: None });
    }

    #[test]
    fn a_scope_without_tools_is_ticked_itself() {
        let mut server = server();
        server.tools.clear();

        let chosen = choose(&server, &server.baseline(), &set(&[]), &set(&["mcp:read"]));

        assert_eq!((chosen.scope.to_string().as_str(), chosen.only), ("mcp:read", None));
    }

    #[test]
    fn nothing_ticked_is_nothing() {
        let server = server();

        assert!(choose(&server, &server.baseline(), &set(&[]), &set(&[])).scope.is_empty());
    }
}
