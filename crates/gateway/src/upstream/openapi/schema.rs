//! Schemas: what the document says of a value, as JSON Schema that a client understands by itself. What a `$ref` leads
//! to stands in `$defs`, once each; so circles cost nothing. A schema that grows past its budget says less.

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value, json};

use super::document::{Document, words};
use super::name::{Names, fit};
use super::{ApiError, kind};

/// How many parts the schema of one tool may have before the rest of it says nothing any more.
const MOST_PARTS: usize = 3_000;
/// The longest description.
const MOST_WORDS: usize = 4_000;

const KEPT: [&str; 26] = [
    "type",
    "enum",
    "const",
    "title",
    "default",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minContains",
    "maxContains",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "deprecated",
    "examples",
    "contentEncoding",
    "contentMediaType",
];
const ONE: [&str; 11] = [
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
const MANY: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
const NAMED: [&str; 2] = ["patternProperties", "dependentSchemas"];

/// The schemas of one tool's input in the making.
#[derive(Debug)]
pub(super) struct Schemas<'a> {
    document: &'a Document,
    names: Names,
    known: HashMap<String, String>,
    waiting: VecDeque<(String, String)>,
    left: usize,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        let (names, known, waiting) = (Names::default(), HashMap::new(), VecDeque::new());
        Self { document, names, known, waiting, left: MOST_PARTS }
    }

    /// One schema, as it stands at `place`.
    pub(super) fn convert(&mut self, schema: &Value, place: &str) -> Result<Value, ApiError> {
        self.left = self.left.saturating_sub(1);
        match schema {
            Value::Bool(says) => Ok(Value::Bool(*says)),
            Value::Object(_) if self.left == 0 => Ok(json!({})),
            Value::Object(members) => match members.get("$ref").and_then(Value::as_str) {
                Some(reference) => self.reference(reference, members, place),
                None => self.members(members, place),
            },
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(ApiError::at(place, format!("is {}, not a schema", kind(schema))))
            }
        }
    }

    /// What `$ref`s led to, under the names they were given.
    pub(super) fn finish(mut self) -> Result<Map<String, Value>, ApiError> {
        let mut definitions = Map::new();
        while let Some((reference, name)) = self.waiting.pop_front() {
            let target = self.document.target(&reference, &reference)?;
            let schema = self.convert(target, reference.trim_start_matches("#/"))?;
            definitions.insert(name, schema);
        }
        Ok(definitions)
    }

    fn reference(&mut self, reference: &str, beside: &Map<String, Value>, place: &str) -> Result<Value, ApiError> {
        self.document.target(reference, place)?;
        let name = if let Some(name) = self.known.get(reference) {
            name.clone()
        } else {
            let last = fit(reference.rsplit('/').next().unwrap_or_default());
            let name = self.names.once(if last.is_empty() { "schema" } else { &last });
            self.known.insert(reference.to_owned(), name.clone());
            self.waiting.push_back((reference.to_owned(), name.clone()));
            name
        };
        let mut schema = Map::new();
        // Until 3.1 nothing beside a `$ref` counts, though many write a description there.
        if self.document.old {
            schema.extend(description(beside));
        } else {
            let mut others = beside.clone();
            others.remove("$ref");
            if let Value::Object(others) = self.members(&others, place)? {
                schema = others;
            }
        }
        schema.insert("$ref".to_owned(), format!("#/$defs/{name}").into());
        Ok(Value::Object(schema))
    }

    fn members(&mut self, members: &Map<String, Value>, place: &str) -> Result<Value, ApiError> {
        let mut schema = description(members);
        for name in KEPT {
            schema.extend(members.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        for name in ONE {
            if let Some(below) = members.get(name).filter(|below| below.is_object() || below.is_boolean()) {
                schema.insert(name.to_owned(), self.convert(below, &format!("{place}.{name}"))?);
            }
        }
        for name in MANY {
            let Some(Value::Array(below)) = members.get(name) else { continue };
            let below = below.iter().enumerate();
            let below = below.map(|(at, below)| self.convert(below, &format!("{place}.{name}[{at}]")));
            schema.insert(name.to_owned(), Value::Array(below.collect::<Result<_, _>>()?));
        }
        for name in NAMED {
            let Some(Value::Object(below)) = members.get(name) else { continue };
            schema.insert(name.to_owned(), self.each(below, &format!("{place}.{name}"))?.into());
        }
        if let Some(Value::Object(properties)) = members.get("properties") {
            self.properties(&mut schema, properties, members.get("required"), place)?;
        } else if let Some(required) = members.get("required").filter(|required| required.is_array()) {
            schema.insert("required".to_owned(), required.clone());
        }
        if self.document.old {
            modernise(&mut schema, members);
        }
        // Bytes that are no text have no place in an argument; what is one goes as it is.
        if schema.get("format").and_then(Value::as_str) == Some("binary") {
            schema.remove("format");
        }
        Ok(Value::Object(schema))
    }

    /// What only the API says of itself is not for a request to say.
    fn properties(
        &mut self,
        schema: &mut Map<String, Value>,
        properties: &Map<String, Value>,
        required: Option<&Value>,
        place: &str,
    ) -> Result<(), ApiError> {
        let answered =
            |name: &str| properties.get(name).and_then(|one| one.get("readOnly")) == Some(&Value::Bool(true));
        let asked: Map<_, _> = properties
            .iter()
            .filter(|(name, _)| !answered(name))
            .map(|(name, one)| (name.clone(), one.clone()))
            .collect();
        schema.insert("properties".to_owned(), self.each(&asked, &format!("{place}.properties"))?.into());
        let required = required.and_then(Value::as_array).into_iter().flatten();
        let required: Vec<Value> =
            required.filter(|name| name.as_str().is_some_and(|name| !answered(name))).cloned().collect();
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into());
        }
        Ok(())
    }

    fn each(&mut self, named: &Map<String, Value>, place: &str) -> Result<Map<String, Value>, ApiError> {
        let each = named.iter();
        each.map(|(name, one)| Ok((name.clone(), self.convert(one, &format!("{place}.{name}"))?))).collect()
    }
}

fn description(members: &Map<String, Value>) -> Map<String, Value> {
    let words = members.get("description").and_then(|text| words(text, MOST_WORDS));
    words.map(|words| ("description".to_owned(), words.into())).into_iter().collect()
}

/// What OpenAPI 3.0 spells in its own way, as JSON Schema spells it.
fn modernise(schema: &mut Map<String, Value>, members: &Map<String, Value>) {
    for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        if let Some(Value::Bool(strict)) = schema.remove(exclusive).or(Some(Value::Bool(false)))
            && strict
            && let Some(value) = schema.remove(bound)
        {
            schema.insert(exclusive.to_owned(), value);
        }
    }
    if members.get("nullable") != Some(&Value::Bool(true)) {
        return;
    }
    if let Some(Value::String(only)) = schema.get("type").cloned() {
        schema.insert("type".to_owned(), json!([only, "null"]));
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}
