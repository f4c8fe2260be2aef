//! What a tool promises of its answer: only types, and every one of them may be missing or null, because an API that
//! answers otherwise than its document says should not make its tool useless.

use serde_json::{Map, Value, json};

use super::ApiError;
use super::document::{Document, words};

/// How deep a promise goes.
const MOST_DEPTH: usize = 5;

/// The promise of an operation whose one good answer is a JSON object.
pub(super) fn promised(document: &Document, operation: &Value, at: &str) -> Result<Option<Value>, ApiError> {
    let listed = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
    let mut good = listed.filter(|(status, _)| status.starts_with('2'));
    let (Some((status, answer)), None) = (good.next(), good.next()) else { return Ok(None) };
    let at = format!("{at}.responses.{status}");
    let content = document.follow(answer, &at)?.get("content").and_then(Value::as_object);
    let Some(schema) =
        content.and_then(|content| content.get("application/json")).and_then(|media| media.get("schema"))
    else {
        return Ok(None);
    };
    let schema = document.follow(schema, &at)?;
    if schema.get("type").and_then(Value::as_str) != Some("object") || !is_plain(schema) {
        return Ok(None);
    }
    let Value::Object(mut promise) = loosened(document, schema, &at, MOST_DEPTH)? else { return Ok(None) };
    promise.insert("type".to_owned(), "object".into());
    Ok(Some(promise.into()))
}

/// True where a value keeps a promise.
pub(super) fn keeps(promise: &Value, value: &Value) -> bool {
    let types = promise.get("type").map(|types| match types {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            types.as_str().into_iter().collect::<Vec<_>>()
        }
    });
    if types.is_some_and(|types| !types.contains(&kind(value))) {
        return false;
    }
    match value {
        Value::Object(members) => members.iter().all(|(name, value)| {
            promise.get("properties").and_then(|all| all.get(name)).is_none_or(|promise| keeps(promise, value))
        }),
        Value::Array(list) => promise.get("items").is_none_or(|promise| list.iter().all(|value| keeps(promise, value))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_plain(schema: &Value) -> bool {
    ["allOf", "anyOf", "oneOf", "not", "if"].iter().all(|word| schema.get(word).is_none())
}

fn loosened(document: &Document, schema: &Value, at: &str, depth: usize) -> Result<Value, ApiError> {
    let schema = document.follow(schema, at)?;
    let told = schema.get("description").and_then(|text| words(text, 1_000));
    let mut loose: Map<String, Value> = told.map(|told| ("description".to_owned(), told.into())).into_iter().collect();
    if !is_plain(schema) {
        return Ok(loose.into());
    }
    let types = schema.get("type").and_then(Value::as_str);
    let types = types.filter(|types| ["string", "number", "integer", "boolean", "array", "object"].contains(types));
    if let Some(types) = types {
        // A document's integer is now and then a number with a point.
        let types = if types == "integer" { "number" } else { types };
        loose.insert("type".to_owned(), json!([types, "null"]));
    }
    if depth == 0 {
        return Ok(loose.into());
    }
    if let (Some("object"), Some(properties)) = (types, schema.get("properties").and_then(Value::as_object)) {
        let each = properties.iter();
        let each = each.map(|(name, one)| Ok((name.clone(), loosened(document, one, at, depth - 1)?)));
        loose.insert("properties".to_owned(), Value::Object(each.collect::<Result<_, ApiError>>()?));
    }
    if let (Some("array"), Some(items)) = (types, schema.get("items")) {
        loose.insert("items".to_owned(), loosened(document, items, at, depth - 1)?);
    }
    Ok(loose.into())
}
