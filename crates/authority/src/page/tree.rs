//! The tree of a grant on a page, and the cards it stands in.

use askama::Template;
use bailiwick_domain::scope::Scope;
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{Calls, Tree};

use super::account::GrantCard;
use crate::moment::clock;
use crate::tree::{Party, PartyKind, PartyState};

/// Everything that can act, as one piece that is sent again when it changes.
#[derive(Template)]
#[template(path = "grants.html")]
pub(crate) struct GrantsPiece {
    /// The forms' token.
    pub(crate) form_token: String,
    /// Where a stop is sent; none for whoever may only look.
    pub(crate) stop_at: Option<&'static str>,
    /// What can act.
    pub(crate) grants: Vec<GrantCard>,
    /// Said where there is nothing.
    pub(crate) nothing: &'static str,
}

/// The tree in a card.
pub(crate) struct TreePiece {
    /// Whose authority it is.
    pub(crate) person: String,
    /// The app.
    pub(crate) root: PartyPiece,
    /// What is not shown, in words; empty when everything is.
    pub(crate) left_out: String,
}

/// One party with everybody after it.
#[derive(Template)]
#[template(path = "party.html")]
pub(crate) struct PartyPiece {
    key: String,
    party: Option<String>,
    grant: String,
    holder: String,
    name: String,
    place: String,
    kind: &'static str,
    state: &'static str,
    mark: &'static str,
    since: Option<String>,
    scopes: Vec<String>,
    lost: Vec<String>,
    tokens: String,
    left: Option<i64>,
    calls: Vec<CallLine>,
    form_token: String,
    stop_at: Option<&'static str>,
    parties: Vec<PartyPiece>,
}

struct CallLine {
    tool: String,
    count: u64,
    refused: u64,
    failed: u64,
    last: String,
}

/// Where a party stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    grant: &'a str,
    app: &'a str,
    /// Who turned to it.
    before: &'a str,
    /// The key of whoever did.
    key: &'a str,
}

/// What every party of a tree shares.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// The present moment.
    pub(crate) now: Timestamp,
    /// The forms' token.
    pub(crate) form_token: &'a str,
    /// Where a stop is sent.
    pub(crate) stop_at: Option<&'static str>,
    /// Whose authority it is.
    pub(crate) person: &'a str,
}

impl TreePiece {
    /// The tree of a grant.
    pub(crate) fn of(tree: &Tree, app: &Party, around: Around<'_>) -> Self {
        let mut left_out = Vec::new();
        for (count, what) in [(tree.tokens_left_out, "older token"), (tree.calls_left_out, "older call")] {
            match count {
                0 => {}
                1 => left_out.push(format!("1 {what}")),
                more => left_out.push(format!("{more} {what}s")),
            }
        }
        let grant = tree.grant.approval.grant.as_str();
        Self {
            person: around.person.to_owned(),
            root: PartyPiece::of(app, Place { grant, app: &app.name, before: "", key: grant }, around),
            left_out: left_out.join(" and "),
        }
    }
}

impl PartyPiece {
    fn of(party: &Party, place: Place<'_>, around: Around<'_>) -> Self {
        let is_app = party.kind == PartyKind::App;
        let elsewhere = party.kind == PartyKind::Api;
        let key = format!("{} {}", place.key, party.id);
        let stops = party.state != PartyState::Stopped && (party.state == PartyState::Live || !is_app);
        let names = |scopes: &bailiwick_domain::scope::ScopeSet| scopes.iter().map(Scope::to_string).collect();
        Self {
            party: party.stop.first().cloned(),
            grant: place.grant.to_owned(),
            holder: if party.kind == PartyKind::Agent { place.app } else { place.before }.to_owned(),
            name: party.name.clone(),
            place: party.resource.iter().filter(|_| elsewhere).map(ToString::to_string).collect(),
            kind: party.kind.as_str(),
            state: party.state.as_str(),
            mark: match party.state {
                PartyState::Live => "good",
                PartyState::Over => "",
                PartyState::Stopped => "danger",
            },
            since: party.stopped_at.map(clock),
            scopes: names(&party.scope),
            lost: names(&party.lost),
            tokens: tokens(party),
            left: party
                .expires_at
                .filter(|end| party.state == PartyState::Live && !is_app && *end > around.now)
                .map(|end| end.seconds() - around.now.seconds()),
            calls: party.calls.iter().map(CallLine::of).collect(),
            form_token: around.form_token.to_owned(),
            stop_at: around.stop_at.filter(|_| stops),
            parties: party
                .parties
                .values()
                .map(|next| Self::of(next, Place { before: &party.name, key: &key, ..place }, around))
                .collect(),
            key,
        }
    }
}

fn tokens(party: &Party) -> String {
    match (party.tokens, party.live) {
        (0, _) => String::new(),
        (1, 1) => "1 token".to_owned(),
        (1, _) => "1 token, over".to_owned(),
        (all, 0) => format!("{all} tokens, all over"),
        (all, live) if all == live => format!("{all} tokens"),
        (all, live) => format!("{all} tokens, {live} live"),
    }
}

impl CallLine {
    fn of(calls: &Calls) -> Self {
        Self {
            tool: calls.tool.clone(),
            count: calls.allowed,
            refused: calls.refused,
            failed: calls.failed,
            last: clock(calls.last_at),
        }
    }
}
