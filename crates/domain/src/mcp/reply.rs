//! The answers the gateway gives in its own name.

use serde::Serialize;
use serde_json::{Value, json};

use super::Id;

/// The `_meta` member that names the rule an answer follows from.
pub const META_RULE: &str = "bailiwick/rule";

#[derive(Serialize)]
struct Reply<'a> {
    jsonrpc: &'static str,
    // MCP leaves the id of an unreadable request out; it knows no null.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault<'a>>,
}

#[derive(Serialize)]
struct Fault<'a> {
    code: i64,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

/// An error response; `id` is the request's, where it could be read.
pub fn error_body(id: Option<&Id>, code: i64, message: &str) -> Vec<u8> {
    error_with(id, code, message, None)
}

/// An error response with `data`.
pub fn error_with(id: Option<&Id>, code: i64, message: &str, data: Option<Value>) -> Vec<u8> {
    spell(&Reply { jsonrpc: "2.0", id, result: None, error: Some(Fault { code, message, data }) })
}

/// A response with a result.
pub fn result_body(id: &Id, result: Value) -> Vec<u8> {
    spell(&Reply { jsonrpc: "2.0", id: Some(id), result: Some(result), error: None })
}

/// The refusal of a `tools/call` that a model can read: a result that says it is an error, and by which rule.
pub fn tool_error(id: &Id, text: &str, rule: &str) -> Vec<u8> {
    let result = json!({
        "resultType": "complete",
        "content": [{ "type": "text", "text": text }],
        "isError": true,
        "_meta": { META_RULE: rule },
    });
    result_body(id, result)
}

/// The question of a `tools/call` that somebody must answer at a URL before the same call can go on (since 2026-07-28).
pub fn url_needed(id: &Id, (name, ask): (&str, &UrlAsk<'_>), state: &str) -> Vec<u8> {
    let request = json!({
        "method": "elicitation/create",
        "params": { "mode": "url", "message": ask.message, "url": ask.url },
    });
    let result = json!({
        "resultType": "input_required",
        "inputRequests": { name: request },
        "requestState": state,
        "_meta": { META_RULE: ask.rule },
    });
    result_body(id, result)
}

/// What somebody is asked to do at a URL.
#[derive(Clone, Copy, Debug)]
pub struct UrlAsk<'a> {
    /// In words.
    pub message: &'a str,
    /// Where.
    pub url: &'a str,
    /// The rule that asks.
    pub rule: &'a str,
}

const BARE: &[u8] = br#"{"jsonrpc":"2.0","error":{"code":-32603,"message":"internal error"}}"#;

/// Text and numbers always have a spelling; were it otherwise, the answer would be a bare refusal.
fn spell(reply: &Reply<'_>) -> Vec<u8> {
    serde_json::to_vec(reply).unwrap_or_else(|_| BARE.to_vec())
}

#[cfg(test)]
mod tests;
