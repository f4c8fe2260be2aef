//! Arguments as a person types them, `key=value`, made into what the tool's schema asks for.

use serde_json::{Map, Value};

/// The arguments of one call.
#[derive(Clone, Debug, PartialEq)]
pub enum Arguments {
    /// A JSON object, passed on as it is.
    Json(Map<String, Value>),
    /// Words, in their order; a key may repeat where the schema wants an array.
    Words(Vec<(String, String)>),
}

/// Why words cannot be arguments.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentsError {
    /// No `=`.
    #[error("`{0}` is not an argument: write it as key=value")]
    NotPair(String),
    /// A key twice, for a single value.
    #[error("{0} is given twice")]
    Twice(String),
    /// A value of the wrong kind.
    #[error("{key} must be {kinds}, not `{value}`")]
    WrongKind {
        /// Which argument.
        key: String,
        /// What it may be.
        kinds: String,
        /// What was typed.
        value: String,
    },
}

impl Arguments {
    /// Reads words of the form `key=value`.
    pub fn of_words(words: &[String]) -> Result<Self, ArgumentsError> {
        let pair = |word: &String| match word.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            Some(_) | None => Err(ArgumentsError::NotPair(word.clone())),
        };
        words.iter().map(pair).collect::<Result<_, _>>().map(Self::Words)
    }

    /// True when the tool's schema has to be known.
    pub(crate) const fn needs_schema(&self) -> bool {
        match self {
            Self::Json(_) => false,
            Self::Words(words) => !words.is_empty(),
        }
    }

    /// The arguments for a tool with this schema; what it does not describe stays text.
    pub(crate) fn fitted(&self, schema: &Value) -> Result<Map<String, Value>, ArgumentsError> {
        let words = match self {
            Self::Json(object) => return Ok(object.clone()),
            Self::Words(words) => words,
        };
        let mut object = Map::new();
        for (key, word) in words {
            let property = schema.get("properties").and_then(|all| all.get(key)).unwrap_or(&Value::Null);
            let fits = kinds(property);
            let one_of_many = fits.contains(&"array") && !word.trim_start().starts_with('[');
            let value = if one_of_many {
                value(key, word, &kinds(property.get("items").unwrap_or(&Value::Null)))?
            } else {
                value(key, word, &fits)?
            };
            match (object.get_mut(key), one_of_many) {
                (Some(Value::Array(items)), true) => items.push(value),
                (None, true) => drop(object.insert(key.clone(), Value::Array(vec![value]))),
                (None, false) => drop(object.insert(key.clone(), value)),
                (Some(_), _) => return Err(ArgumentsError::Twice(key.clone())),
            }
        }
        Ok(object)
    }
}

/// The kinds a property may have; empty when it does not say.
fn kinds(property: &Value) -> Vec<&str> {
    let mut found = match property.get("type") {
        Some(Value::String(kind)) => vec![kind.as_str()],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    for name in ["anyOf", "oneOf"] {
        let members = property.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        found.extend(members.iter().flat_map(kinds));
    }
    found
}

fn value(key: &str, word: &str, kinds: &[&str]) -> Result<Value, ArgumentsError> {
    let text = || Value::String(word.to_owned());
    if kinds.is_empty() || kinds == ["string"] {
        return Ok(text());
    }
    let parsed = serde_json::from_str::<Value>(word).ok().filter(|value| kinds.iter().any(|kind| is(value, kind)));
    match parsed {
        Some(value) => Ok(value),
        None if kinds.contains(&"string") => Ok(text()),
        None => {
            let (key, value) = (key.to_owned(), word.to_owned());
            Err(ArgumentsError::WrongKind { key, kinds: kinds.join(" or "), value })
        }
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fitted(words: &[&str]) -> Result<Value, ArgumentsError> {
        let schema = json!({ "type": "object", "properties": {
            "id": { "type": "integer" },
            "ratio": { "type": "number" },
            "deep": { "type": "boolean" },
            "title": { "type": "string" },
            "tags": { "type": "array", "items": { "type": "string" } },
            "sizes": { "type": "array", "items": { "type": "integer" } },
            "maybe": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
            "either": { "type": ["string", "integer"] },
            "filter": { "type": "object" },
        } });
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        Arguments::of_words(&words)?.fitted(&schema).map(Value::Object)
    }

    #[test]
    fn words_become_what_the_schema_asks_for() {
        for (words, expected) in [
            (
                vec!["id=7", "ratio=0.5", "deep=true", "title=7"],
                json!({ "id": 7, "ratio": 0.5, "deep": true, "title": "7" }),
            ),
            (vec!["tags=a", "tags=b=c"], json!({ "tags": ["a", "b=c"] })),
            (vec![r#"tags=["a"]"#, "sizes=1", "sizes=2"], json!({ "tags": ["a"], "sizes": [1, 2] })),
            (vec!["maybe=null"], json!({ "maybe": null })),
            (vec!["either=5"], json!({ "either": 5 })),
            (vec!["either=five"], json!({ "either": "five" })),
            (vec![r#"filter={"a":1}"#], json!({ "filter": { "a": 1 } })),
            (vec!["unknown=5", "title="], json!({ "unknown": "5", "title": "" })),
        ] {
            assert_eq!(fitted(&words), Ok(expected), "{words:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said_in_one_line() {
        for (words, expected) in [
            (vec!["id=seven"], "id must be integer, not `seven`"),
            (vec!["id=7.5"], "id must be integer, not `7.5`"),
            (vec!["maybe=x"], "maybe must be integer or null, not `x`"),
            (vec!["title=a", "title=b"], "title is given twice"),
            (vec!["title"], "`title` is not an argument: write it as key=value"),
            (vec!["=x"], "`=x` is not an argument: write it as key=value"),
        ] {
            assert_eq!(fitted(&words).unwrap_err().to_string(), expected);
        }
    }
}
