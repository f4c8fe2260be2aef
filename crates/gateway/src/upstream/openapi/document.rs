//! The document as a tree of values: read within limits, and its references followed, which all lead to places in it.

use bailiwick_domain::text::presentable;
use serde_json::Value;
use url::Url;

use super::{ApiError, kind};

/// The longest document, in bytes.
const MOST_TEXT: usize = 8 * 1024 * 1024;
/// How deep it may nest.
const MOST_DEPTH: usize = 100;
/// How many references may lead one to the next.
const MOST_HOPS: usize = 16;

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    root: Value,
    /// True for OpenAPI 3.0, whose schemas are a dialect of their own.
    pub(super) old: bool,
}

impl Document {
    /// Reads a text.
    pub(super) fn parse(text: &[u8]) -> Result<Self, ApiError> {
        if text.len() > MOST_TEXT {
            return Err(ApiError::at("the document", format!("is longer than {} MiB", MOST_TEXT >> 20)));
        }
        let text = std::str::from_utf8(text).map_err(|_| ApiError::at("the document", "is not UTF-8"))?;
        let text = text.trim_start_matches('\u{feff}');
        let root = if text.trim_start().starts_with('{') { json(text)? } else { yaml(text)? };
        if !root.is_object() {
            let says = format!("is {}, not an OpenAPI document, which begins with `openapi: 3.1.0`", kind(&root));
            return Err(ApiError::at("the document", says));
        }
        if nests_beyond(&root, MOST_DEPTH) {
            return Err(ApiError::at("the document", format!("nests deeper than {MOST_DEPTH} levels")));
        }
        let old = is_old(&root)?;
        Ok(Self { root, old })
    }

    /// All of it.
    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    /// What a `$ref` points to; `place` is where it stands.
    pub(super) fn target(&self, reference: &str, place: &str) -> Result<&Value, ApiError> {
        let Some(pointer) = reference.strip_prefix('#') else {
            let says = format!(
                "$ref {reference:?} leads out of this file; put what it refers to into it, with a bundler for one"
            );
            return Err(ApiError::at(place, says));
        };
        let found = decoded(pointer).and_then(|pointer| self.root.pointer(&pointer));
        found.ok_or_else(|| ApiError::at(place, format!("$ref {reference:?} leads nowhere; there is no such place")))
    }

    /// The value itself, where it is a reference to another.
    pub(super) fn follow<'a>(&'a self, value: &'a Value, place: &str) -> Result<&'a Value, ApiError> {
        let mut at = value;
        for _ in 0..MOST_HOPS {
            match at.get("$ref").and_then(Value::as_str) {
                Some(reference) => at = self.target(reference, place)?,
                None => return Ok(at),
            }
        }
        Err(ApiError::at(place, "its $ref leads in a circle, or over too many others"))
    }

    /// Where the API is: `given` by the operator, or the document's first server.
    pub(super) fn base(&self, given: Option<&Url>) -> Result<Url, ApiError> {
        if let Some(given) = given {
            return Ok(given.clone());
        }
        let first = self.root.get("servers").and_then(|servers| servers.get(0));
        let help = "say where the API is, with `base_url` or as the URL on the command line";
        let raw = first.and_then(server_url).ok_or_else(|| ApiError::at("servers", format!("names none; {help}")))?;
        usable(&raw)
            .ok_or_else(|| ApiError::at("servers[0].url", format!("{raw:?} is not a whole http or https URL; {help}")))
    }
}

/// The URL of one entry of `servers`, its variables at their defaults.
pub(super) fn server_url(server: &Value) -> Option<String> {
    let mut url = server.get("url")?.as_str()?.to_owned();
    for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
        if let Some(default) = variable.get("default").and_then(|default| words(default, 1024)) {
            url = url.replace(&format!("{{{name}}}"), &default);
        }
    }
    Some(url)
}

/// Reads the URL an API is below: one with a host, and nothing behind its path.
pub(super) fn usable(raw: &str) -> Option<Url> {
    let url = Url::parse(raw).ok()?;
    let web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
    let bare =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    (web && bare && !raw.contains(['{', '}'])).then_some(url)
}

/// A text of the document, or a number where the author forgot the quotes, fit to be shown.
pub(super) fn words(value: &Value, most: usize) -> Option<String> {
    let text = match value {
        // A line break would glue two words together.
        Value::String(text) => presentable(&text.replace(['\n', '\r', '\t'], " "), most),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

fn is_old(root: &Value) -> Result<bool, ApiError> {
    if root.get("swagger").is_some() {
        let says = "this is a Swagger 2.0 document; convert it to OpenAPI 3 first, with swagger2openapi for one";
        return Err(ApiError::at("swagger", says));
    }
    let version = root.get("openapi").and_then(|version| words(version, 32)).unwrap_or_default();
    let is = |minor: &str| version == minor || version.strip_prefix(minor).is_some_and(|rest| rest.starts_with('.'));
    match (is("3.0"), is("3.1")) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        (false, false) => {
            let found = if version.is_empty() { "is missing".to_owned() } else { format!("{version} is not read") };
            Err(ApiError::at("openapi", format!("{found}; 3.0 and 3.1 are")))
        }
    }
}

fn json(text: &str) -> Result<Value, ApiError> {
    serde_json::from_str(text).map_err(|error| {
        let says = error.to_string();
        let says = says.split(" at line ").next().unwrap_or("this is no JSON").to_owned();
        ApiError::at(format!("line {}, column {}", error.line(), error.column()), says)
    })
}

fn yaml(text: &str) -> Result<Value, ApiError> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options::<Value>(text, options).map_err(|error| {
        let error = error.without_snippet();
        let place = error.location().map(|at| format!("line {}, column {}", at.line(), at.column()));
        let says = error.to_string();
        let says = says.lines().next().unwrap_or_default().trim();
        let says = if says.is_empty() { "this is no YAML" } else { says };
        ApiError::at(place.unwrap_or_else(|| "the document".to_owned()), says)
    })
}

fn nests_beyond(value: &Value, most: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(list) => most == 0 || list.iter().any(|value| nests_beyond(value, most - 1)),
        Value::Object(members) => most == 0 || members.values().any(|value| nests_beyond(value, most - 1)),
    }
}

/// A JSON pointer as it stands in a URI fragment.
fn decoded(pointer: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(pointer.len());
    let mut rest = pointer.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (high, low) = (char::from(rest.next()?).to_digit(16)?, char::from(rest.next()?).to_digit(16)?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}
