//! The body of a request: one argument of the tool, written as JSON, as a form or as text.

use serde_json::{Value, json};

use super::ApiError;
use super::document::{Document, words};
use super::operation::Skip;
use super::parameter::Arguments;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Form,
    Multipart,
    Text,
}

/// The body of an operation.
#[derive(Clone, Debug)]
pub(super) struct Body {
    /// The tool's argument.
    pub(super) argument: String,
    /// The `Content-Type`.
    pub(super) media: String,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

/// Reads the body of an operation, if it has one. An operation that takes only what we cannot write is no tool.
pub(super) fn read(
    document: &Document,
    operation: &Value,
    at: &str,
    arguments: &mut Arguments<'_>,
) -> Result<Option<Body>, Skip> {
    let Some(written) = operation.get("requestBody") else { return Ok(None) };
    let at = format!("{at}.requestBody");
    let written = document.follow(written, &at)?;
    let content = written.get("content").and_then(Value::as_object);
    let content = content.filter(|content| !content.is_empty());
    let content = content.ok_or_else(|| ApiError::at(&at, "`content` is missing: which media types?"))?;
    let best = content
        .iter()
        .filter_map(|(media, said)| Some((kind(media)?, media, said)))
        .min_by_key(|(kind, ..)| *kind as u8);
    let Some((kind, media, said)) = best else {
        let media = content.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(Skip::LeftOut(format!("its body is {media}; JSON, forms and text are written")));
    };
    let schema = match said.get("schema") {
        Some(schema) => arguments.schemas.convert(schema, &format!("{at}.content.{media}.schema"))?,
        None => json!({}),
    };
    let schema = described(schema, written);
    let required = written.get("required") == Some(&Value::Bool(true));
    let argument = arguments.add("body", schema, required);
    let media = if media.contains('*') { "application/json".to_owned() } else { media.clone() };
    Ok(Some(Body { argument, media, kind, required }))
}

fn described(mut schema: Value, written: &Value) -> Value {
    let words = written.get("description").and_then(|text| words(text, 4_000));
    if let (Some(words), Some(members)) = (words, schema.as_object_mut()) {
        members.entry("description").or_insert(words.into());
    }
    schema
}

fn kind(media: &str) -> Option<Kind> {
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media.as_str() {
        "application/json" | "*/*" | "application/*" => Some(Kind::Json),
        "application/x-www-form-urlencoded" => Some(Kind::Form),
        "multipart/form-data" => Some(Kind::Multipart),
        _ if media.ends_with("+json") => Some(Kind::Json),
        _ if media.starts_with("text/") && !media.contains('*') => Some(Kind::Text),
        _ => None,
    }
}
