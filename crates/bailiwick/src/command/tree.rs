//! The tree of a grant on a terminal: who acts for whom, with scopes that shrink, and what was called in the end.

use std::io::IsTerminal as _;

use serde_json::Value;

const RED: &str = "31";
const GREEN: &str = "32";
const DIM: &str = "2";

/// How it is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Brush {
    colour: bool,
}

impl Brush {
    /// With colours on a terminal, unless `NO_COLOR` is set.
    pub(crate) fn here() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: std::io::stdout().is_terminal() && !refused }
    }

    fn paint(self, text: &str, colour: &str) -> String {
        if self.colour { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Draws the tree that `bailiwick grants show` was told.
pub(crate) fn draw(told: &Value, brush: Brush) -> String {
    let mut lines = vec![text(told, "user").to_owned()];
    if let Some(root) = told.get("tree") {
        party(root, ("", true), brush, &mut lines);
    }
    let left_out = |field: &str, what: &str| {
        let count = told.get(field).and_then(Value::as_u64).unwrap_or(0);
        (count > 0).then(|| format!("not shown: {count} older {what}"))
    };
    lines.extend(left_out("tokens_left_out", "tokens"));
    lines.extend(left_out("calls_left_out", "calls"));
    lines.join("\n")
}

fn party(node: &Value, (before, last): (&str, bool), brush: Brush, lines: &mut Vec<String>) {
    let (branch, rest) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
    lines.push(format!("{before}{branch}{}", said(node, brush)));
    let before = format!("{before}{rest}");
    let parties: Vec<&Value> = list(node, "parties").collect();
    let line = if parties.is_empty() { "  " } else { "│ " };
    for call in list(node, "calls") {
        lines.push(brush.paint(&format!("{before}{line}{}", called(call)), DIM));
    }
    for (place, next) in parties.iter().enumerate() {
        party(next, (&before, place + 1 == parties.len()), brush, lines);
    }
}

/// One party in a line.
fn said(node: &Value, brush: Brush) -> String {
    let state = match text(node, "state") {
        "stopped" => brush.paint("■ stopped", RED),
        "over" => brush.paint("over", DIM),
        live => brush.paint(live, GREEN),
    };
    let lost = text(node, "lost");
    let scope = match (text(node, "scope"), lost) {
        ("", _) => None,
        (scope, "") => Some(scope.to_owned()),
        (scope, lost) => Some(format!("{scope} {}", brush.paint(&format!("(not {lost})"), DIM))),
    };
    let number = |field: &str| node.get(field).and_then(Value::as_u64).unwrap_or(0);
    let tokens = match (number("tokens"), number("live")) {
        (0, _) => None,
        (1, _) => Some("1 token".to_owned()),
        (tokens, live) if tokens == live || live == 0 => Some(format!("{tokens} tokens")),
        (tokens, live) => Some(format!("{tokens} tokens, {live} live")),
    };
    let left = node.get("seconds_left").and_then(Value::as_i64).map(|left| format!("{left} s left"));
    let facts = [Some(text(node, "kind").to_owned()), scope, tokens, left, Some(state)];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    format!("{}  {}", plain(text(node, "name")), facts.join(" · "))
}

fn called(call: &Value) -> String {
    let number = |field: &str| call.get(field).and_then(Value::as_u64).unwrap_or(0);
    let ends = [(number("failed"), "failed"), (number("refused"), "refused")];
    let ends: Vec<String> =
        ends.iter().filter(|(count, _)| *count > 0).map(|(count, end)| format!(", {count} {end}")).collect();
    format!("{} ×{}{}, last {}", plain(text(call, "tool")), number("allowed"), ends.concat(), text(call, "last_at"))
}

fn list<'a>(node: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    node.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(node: &'a Value, field: &str) -> &'a str {
    node.get(field).and_then(Value::as_str).unwrap_or("")
}

/// Names come from strangers; a terminal obeys control characters.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tree_is_drawn_with_scopes_that_shrink_and_ends_that_are_marked() {
        let notes = |state: &str| {
            json!({ "kind": "server", "name": "Notes", "state": state, "scope": "notes:read", "lost": "", "tokens": 3,
                "live": 1, "seconds_left": 281, "parties": [],
                "calls": [{ "tool": "look", "allowed": 2, "failed": 0, "refused": 1, "last_at": "12:00" }] })
        };
        let told = json!({ "user": "alice", "tokens_left_out": 7, "calls_left_out": 0, "tree": {
            "kind": "app", "name": "Web\u{1b}[2J", "state": "live", "scope": "notes:read notes:write", "tokens": 0,
            "parties": [{
                "kind": "agent", "name": "Orchestrator", "state": "live", "scope": "notes:read notes:write", "tokens": 1,
                "live": 1, "seconds_left": 290, "parties": [
                    { "kind": "agent", "name": "Researcher", "state": "stopped", "scope": "notes:read",
                      "lost": "notes:write", "tokens": 1, "live": 0, "parties": [notes("over")] },
                    notes("live"),
                ] }] } });

        let drawn = draw(&told, Brush { colour: false });

        let expected = "alice
└─ Web [2J  app · notes:read notes:write · live
   └─ Orchestrator  agent · notes:read notes:write · 1 token · 290 s left · live
      ├─ Researcher  agent · notes:read (not notes:write) · 1 token · ■ stopped
      │  └─ Notes  server · notes:read · 3 tokens, 1 live · 281 s left · over
      │       look ×2, 1 refused, last 12:00
      └─ Notes  server · notes:read · 3 tokens, 1 live · 281 s left · live
           look ×2, 1 refused, last 12:00
not shown: 7 older tokens";
        assert_eq!(drawn, expected);
        assert!(draw(&told, Brush { colour: true }).contains("\u{1b}[31m■ stopped\u{1b}[0m"));
    }
}
