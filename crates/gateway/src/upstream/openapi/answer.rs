//! The answer of an API as the result of a tool: its text as it came, its object as structured content, and whatever is
//! no success as an error that a model can read.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use http::response::Parts;
use serde_json::{Value, json};

use super::operation::Operation;
use super::outcome;

/// How much of an error's text is given on, in characters.
const MOST_EXCERPT: usize = 2_000;

/// The result of a call that was answered.
pub(super) fn result(operation: &Operation, parts: &Parts, body: &[u8]) -> Value {
    if !parts.status.is_success() {
        return failed(parts, body);
    }
    let kind = media(parts);
    let value = if is_json(&kind) { serde_json::from_slice::<Value>(body).ok() } else { None };
    let mut result = json!({ "content": [content(&kind, parts.status, body)] });
    let structured = value.filter(Value::is_object);
    let structured = match &operation.outcome {
        // Whoever promised an object gives one, if an empty one: all of the answer stands in the text.
        Some(promise) => Some(structured.filter(|value| outcome::keeps(promise, value)).unwrap_or_else(|| json!({}))),
        None => structured,
    };
    if let (Some(structured), Some(result)) = (structured, result.as_object_mut()) {
        result.insert("structuredContent".to_owned(), structured);
    }
    result
}

/// The result of a call that came to nothing, in words.
pub(super) fn error(says: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": says }], "isError": true })
}

fn failed(parts: &Parts, body: &[u8]) -> Value {
    let mut says = format!("the API answered {}", parts.status);
    if parts.status.is_redirection() {
        let to = parts.headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
        // Writing to a text cannot fail.
        let _ = write!(says, " to {to:?}; redirects are not followed");
    } else if parts.status == StatusCode::UNAUTHORIZED {
        says.push_str(": it did not let the gateway in; whoever runs the gateway configures a credential for it");
    }
    let kind = media(parts);
    if let Some(text) = text(&kind, body) {
        let more = text.chars().nth(MOST_EXCERPT).is_some();
        says.push('\n');
        says.extend(text.chars().take(MOST_EXCERPT));
        says.push_str(if more { " …" } else { "" });
    }
    error(&says)
}

fn content(kind: &str, status: StatusCode, body: &[u8]) -> Value {
    if body.is_empty() {
        return json!({ "type": "text", "text": status.to_string() });
    }
    if let Some(text) = text(kind, body) {
        return json!({ "type": "text", "text": text });
    }
    match kind.split('/').next() {
        Some(kind_of @ ("image" | "audio")) => {
            json!({ "type": kind_of, "data": STANDARD.encode(body), "mimeType": kind })
        }
        _ => json!({ "type": "text", "text": format!("{} bytes of {kind}, which is not shown", body.len()) }),
    }
}

/// The text of a body that is one.
fn text<'a>(kind: &str, body: &'a [u8]) -> Option<&'a str> {
    let known = kind.starts_with("text/") || is_json(kind) || kind.ends_with("xml") || kind.ends_with("yaml");
    let known = known || ["", "application/x-www-form-urlencoded", "application/javascript"].contains(&kind);
    std::str::from_utf8(body).ok().filter(|text| known && !text.is_empty())
}

fn is_json(kind: &str) -> bool {
    kind == "application/json" || kind.ends_with("+json")
}

/// The media type in lower case, without its parameters; one that came compressed is none we can read.
fn media(parts: &Parts) -> String {
    if parts.headers.contains_key(CONTENT_ENCODING) {
        return "compressed data".to_owned();
    }
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
