//! Values as they stand in URLs, headers and forms (OpenAPI 3, "style" and "explode"). Everything but letters, digits
//! and `-._~` is percent-encoded, so that a value ends nowhere but where we end it.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// How the parts of a value stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `a,b` in paths and headers.
    Simple,
    /// `.a.b` in paths.
    Label,
    /// `;name=a` in paths.
    Matrix,
    /// `name=a&name=b` in queries, cookies and forms.
    Form,
    /// `name=a%20b`.
    Space,
    /// `name=a%7Cb`.
    Pipe,
    /// `name[key]=value`.
    Deep,
}

/// A value and how it is to stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spelling<'a> {
    pub(super) name: &'a str,
    pub(super) style: Style,
    pub(super) explode: bool,
}

/// Percent-encodes a text.
pub(super) fn component(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A value as bare text; what has parts, as JSON.
pub(super) fn bare(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn encoded(value: &Value) -> String {
    component(&bare(value))
}

/// Keys and values of an object in one list, or joined in pairs.
fn members(object: &Map<String, Value>, explode: bool) -> Vec<String> {
    let pairs = object.iter().map(|(key, value)| (component(key), encoded(value)));
    if explode {
        pairs.map(|(key, value)| format!("{key}={value}")).collect()
    } else {
        pairs.flat_map(|(key, value)| [key, value]).collect()
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().concat()
}

impl Spelling<'_> {
    /// The value in a path.
    pub(super) fn in_path(&self, value: &Value) -> String {
        let name = component(self.name);
        match (self.style, value) {
            (Style::Matrix, Value::Array(list)) if self.explode => {
                joined(list.iter().map(|one| format!(";{name}={}", encoded(one))))
            }
            (Style::Matrix, Value::Object(object)) if self.explode => {
                joined(members(object, true).iter().map(|one| format!(";{one}")))
            }
            (Style::Matrix, _) => format!(";{name}={}", self.joined(value, ",")),
            (Style::Label, _) => format!(".{}", self.joined(value, if self.explode { "." } else { "," })),
            (Style::Simple | Style::Form | Style::Space | Style::Pipe | Style::Deep, _) => self.joined(value, ","),
        }
    }

    /// The value in a header, where nothing is percent-encoded.
    pub(super) fn in_header(&self, value: &Value) -> String {
        match value {
            Value::Array(list) => list.iter().map(bare).collect::<Vec<_>>().join(","),
            Value::Object(object) => {
                let pairs = object.iter().map(|(key, value)| {
                    if self.explode { format!("{key}={}", bare(value)) } else { format!("{key},{}", bare(value)) }
                });
                pairs.collect::<Vec<_>>().join(",")
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => bare(value),
        }
    }

    /// The value as pairs of a query, a cookie or a form; both sides are encoded already.
    pub(super) fn pairs(&self, value: &Value) -> Vec<(String, String)> {
        let name = component(self.name);
        match (self.style, value) {
            (Style::Deep, Value::Array(_) | Value::Object(_)) => deep(&name, value),
            (_, Value::Array(list)) if self.explode => list.iter().map(|one| (name.clone(), encoded(one))).collect(),
            (_, Value::Object(object)) if self.explode => {
                object.iter().map(|(key, value)| (component(key), encoded(value))).collect()
            }
            (Style::Space, _) => vec![(name, self.joined(value, "%20"))],
            (Style::Pipe, _) => vec![(name, self.joined(value, "%7C"))],
            (Style::Simple | Style::Label | Style::Matrix | Style::Form | Style::Deep, _) => {
                vec![(name, self.joined(value, ","))]
            }
        }
    }

    fn joined(&self, value: &Value, between: &str) -> String {
        match value {
            Value::Array(list) => list.iter().map(encoded).collect::<Vec<_>>().join(between),
            Value::Object(object) => members(object, self.explode).join(between),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => encoded(value),
        }
    }
}

/// `name[key]=value`, and so on below.
fn deep(name: &str, value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Object(object) => {
            object.iter().flat_map(|(key, value)| deep(&format!("{name}%5B{}%5D", component(key)), value)).collect()
        }
        Value::Array(list) => list.iter().flat_map(|one| deep(&format!("{name}%5B%5D"), one)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![(name.to_owned(), encoded(value))],
    }
}
