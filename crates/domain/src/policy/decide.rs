//! The one answer: may this token use this tool? It serves `tools/list` and `tools/call` alike, so that what is shown
//! is what can be called. Silence is refusal.

use super::{Server, Tool};
use crate::control::{Control, holds};
use crate::scope::ScopeSet;
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

/// Decides over one tool.
///
/// A missing scope is said before a tool left out: the consent that adds the scope can also tick the tool.
pub fn decide(scope: &ScopeSet, details: &[ToolsDetail], ask: &Ask<'_>) -> Decision {
    let Some(tool) = ask.server.tool(ask.tool) else {
        return denied("tool:unknown", "this server has no such tool".to_owned());
    };
    let Some(mildest) = tool.scopes.first() else {
        return denied("tool:unclassified", format!("no scope of this server opens the tool {}", tool.name));
    };
    let held = tool.scopes.iter().find(|opening| scope.contains(opening));
    if held.is_none() && holds(Control::Scope) {
        let scopes = std::iter::once(mildest.clone()).collect();
        return Decision::Missing { scopes, rule: format!("scope:{mildest}") };
    }
    if left_out(details, ask.server, tool) && holds(Control::LeftOut) {
        return denied("consent:left-out", format!("the tool {} was left out when access was approved", tool.name));
    }
    Decision::Permit { rule: format!("scope:{}", held.unwrap_or(mildest)) }
}

/// True when the tool belongs in this token's listing: exactly when it may be called.
pub fn visible(scope: &ScopeSet, details: &[ToolsDetail], ask: &Ask<'_>) -> bool {
    matches!(decide(scope, details, ask), Decision::Permit { .. })
}

/// Decides over a method that names no tool (prompts, resources, completions): any scope of the server opens it.
pub fn enter(scope: &ScopeSet, server: &Server) -> Decision {
    if let Some(held) = scope.meet(&server.all_scopes()).iter().next() {
        return Decision::Permit { rule: format!("scope:{held}") };
    }
    if !holds(Control::Scope) {
        return Decision::Permit { rule: "scope:any".to_owned() };
    }
    Decision::Missing { scopes: server.baseline(), rule: "scope:any".to_owned() }
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
