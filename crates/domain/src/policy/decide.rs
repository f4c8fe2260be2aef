//! The one answer: may this token use this tool? It serves `tools/list` and `tools/call` alike, so that what is shown
//! is what can be called. Silence is refusal.

use super::{Server, Tool};
use crate::control::{Control, holds};
use crate::scope::{Scope, ScopeSet};
use crate::token::ToolsDetail;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The server that has the tool.
    pub server: &'a Server,
    /// The tool's name, as the caller spells it.
    pub tool: &'a str,
}

/// What is answered, and by which rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Permit {
        /// The rule that says so.
        rule: String,
    },
    /// It may not with this token, but a token with these scopes would.
    Missing {
        /// The scopes this operation needs, all at once.
        scopes: ScopeSet,
        /// The rule that says so.
        rule: String,
    },
    /// It may not.
    Denied {
        /// The rule that says so.
        rule: String,
        /// Why, in words for the caller.
        says: String,
    },
}

/// What a caller brings.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// What whoever it acts for may hold at the server, whatever the token says.
    pub ceiling: &'a ScopeSet,
    /// The scopes of the token.
    pub scope: &'a ScopeSet,
    /// The tools the token names one by one.
    pub details: &'a [ToolsDetail],
}

/// Decides over one tool: first by what its person may hold at all, then by the token's scopes, then by its tools.
///
/// A missing scope is said before a tool left out: the consent that adds the scope can also tick the tool. A scope that
/// no consent could add is not asked for.
pub fn decide(held: &Held<'_>, ask: &Ask<'_>) -> Decision {
    let Some(tool) = ask.server.tool(ask.tool) else {
        return denied("tool:unknown", "this server has no such tool".to_owned());
    };
    let Some(mildest) = tool.scopes.first() else {
        return denied("tool:unclassified", format!("no scope of this server opens the tool {}", tool.name));
    };
    let within = || tool.scopes.iter().filter(|opening| held.ceiling.contains(opening));
    let Some(least) = within().next() else {
        let shown = tool.scopes.iter().find(|opening| held.scope.contains(opening));
        return beyond(shown.unwrap_or(mildest));
    };
    let opened = within().find(|opening| held.scope.contains(opening));
    if opened.is_none() && holds(Control::Scope) {
        return Decision::Missing { scopes: std::iter::once(least.clone()).collect(), rule: format!("scope:{least}") };
    }
    if left_out(held.details, ask.server, tool) && holds(Control::LeftOut) {
        return denied("consent:left-out", format!("the tool {} was left out when access was approved", tool.name));
    }
    Decision::Permit { rule: format!("scope:{}", opened.unwrap_or(least)) }
}

/// True when the tool belongs in this token's listing: exactly when it may be called.
pub fn visible(held: &Held<'_>, ask: &Ask<'_>) -> bool {
    matches!(decide(held, ask), Decision::Permit { .. })
}

/// Decides over a method that names no tool (prompts, resources, completions): any scope of the server opens it.
pub fn enter(held: &Held<'_>, server: &Server) -> Decision {
    let here = held.scope.meet(&server.all_scopes());
    if let Some(opening) = here.meet(held.ceiling).iter().next() {
        return Decision::Permit { rule: format!("scope:{opening}") };
    }
    if let Some(shown) = here.iter().next() {
        return beyond(shown);
    }
    if !holds(Control::Scope) {
        return Decision::Permit { rule: "scope:any".to_owned() };
    }
    let (mild, any) = (server.baseline().meet(held.ceiling), server.all_scopes().meet(held.ceiling));
    let scopes = if mild.is_empty() { any } else { mild };
    if scopes.is_empty() {
        return denied("allow:any", "this account may hold no scope of this server".to_owned());
    }
    Decision::Missing { scopes, rule: "scope:any".to_owned() }
}

/// No consent can give this, so none is asked for.
fn beyond(scope: &Scope) -> Decision {
    let says =
        format!("this account may not, or no longer, hold the scope {scope}: whoever runs this server decides that");
    denied(&super::allow::rule(scope), says)
}

/// True when the consent named this server's tools and did not name this one (RFC 9396: several details add up).
fn left_out(details: &[ToolsDetail], server: &Server, tool: &Tool) -> bool {
    let here = |detail: &&ToolsDetail| detail.locations.is_empty() || detail.locations.contains(&server.resource);
    let mut named = details.iter().filter(here).peekable();
    named.peek().is_some() && !named.any(|detail| detail.tools.contains(&tool.name))
}

fn denied(rule: &str, says: String) -> Decision {
    Decision::Denied { rule: rule.to_owned(), says }
}

#[cfg(test)]
mod tests;
