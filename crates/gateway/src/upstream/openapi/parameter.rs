//! Parameters of an operation: each is an argument of the tool, and has a place in the request.

use http::HeaderName;
use serde_json::{Map, Value, json};

use super::ApiError;
use super::document::{Document, words};
use super::encode::{Spelling, Style};
use super::name::{Names, fit};
use super::schema::Schemas;
use super::security::{Schemes, is_reserved};

/// Headers that carry credentials, the connection, or who asks: never a caller's to write.
const WALLED: [&str; 21] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "dpop",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "txn-token",
    "upgrade",
    "user-agent",
    "via",
    "x-real-ip",
];
const WALLED_STARTS: [&str; 3] = ["proxy-", "x-forwarded-", "sec-"];

/// Where a parameter goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    Path,
    Query,
    Header(HeaderName),
    Cookie,
}

/// One parameter.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    /// Its name in the request.
    pub(super) name: String,
    /// The tool's argument.
    pub(super) argument: String,
    pub(super) at: At,
    pub(super) required: bool,
    style: Style,
    explode: bool,
    /// Its value travels as JSON.
    pub(super) json: bool,
}

impl Parameter {
    /// How its value is written.
    pub(super) fn spelling(&self) -> Spelling<'_> {
        Spelling { name: &self.name, style: self.style, explode: self.explode }
    }

    fn word(&self) -> &'static str {
        match self.at {
            At::Path => "path",
            At::Query => "query",
            At::Header(_) => "header",
            At::Cookie => "cookie",
        }
    }
}

/// The arguments of a tool in the making.
#[derive(Debug)]
pub(super) struct Arguments<'a> {
    pub(super) schemas: Schemas<'a>,
    pub(super) names: Names,
    pub(super) properties: Map<String, Value>,
    pub(super) required: Vec<Value>,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        let (names, properties) = (Names::default(), Map::new());
        Self { schemas: Schemas::new(document), names, properties, required: Vec::new() }
    }

    /// Adds one; gives the name it has got.
    pub(super) fn add(&mut self, wanted: &str, schema: Value, required: bool) -> String {
        let name = self.names.once(wanted);
        if required {
            self.required.push(name.clone().into());
        }
        self.properties.insert(name.clone(), schema);
        name
    }

    /// The schema of them all.
    pub(super) fn finish(self) -> Result<Value, ApiError> {
        let definitions = self.schemas.finish()?;
        let mut schema = json!({ "type": "object", "properties": self.properties, "additionalProperties": false });
        if let Some(schema) = schema.as_object_mut() {
            if !self.required.is_empty() {
                schema.insert("required".to_owned(), self.required.into());
            }
            if !definitions.is_empty() {
                schema.insert("$defs".to_owned(), definitions.into());
            }
        }
        Ok(schema)
    }
}

/// Reads the parameters of an operation; those of its path come first, and its own replace them.
pub(super) fn all(
    document: &Document,
    (item, operation, at): (&Value, &Value, &str),
    schemes: &Schemes,
    arguments: &mut Arguments<'_>,
) -> Result<Vec<Parameter>, ApiError> {
    let mut found: Vec<(Parameter, &Value, String)> = Vec::new();
    for list in [item, operation].iter().filter_map(|value| value.get("parameters")) {
        for (number, written) in list.as_array().into_iter().flatten().enumerate() {
            let at = format!("{at}.parameters[{number}]");
            let written = document.follow(written, &at)?;
            let Some(parameter) = read(written, &at)?.filter(|one| !is_reserved(schemes, &one.at, &one.name)) else {
                continue;
            };
            found.retain(|(known, ..)| (&known.name, known.word()) != (&parameter.name, parameter.word()));
            found.push((parameter, written, at));
        }
    }
    let mut parameters = Vec::new();
    for (mut parameter, written, at) in found {
        let schema = schema(&mut arguments.schemas, written, &at)?;
        parameter.argument = arguments.add(&wanted(&parameter, arguments), schema, parameter.required);
        parameters.push(parameter);
    }
    Ok(parameters)
}

/// A parameter of the path that the document forgot to describe.
pub(super) fn forgotten(name: &str, arguments: &mut Arguments<'_>) -> Parameter {
    let argument = arguments.add(&fit(name), json!({ "type": "string" }), true);
    let (name, at, style) = (name.to_owned(), At::Path, Style::Simple);
    Parameter { name, argument, at, required: true, style, explode: false, json: false }
}

/// The argument's name: the parameter's own; two of one name in two places are told apart by the place.
fn wanted(parameter: &Parameter, arguments: &Arguments<'_>) -> String {
    let own = fit(&parameter.name);
    match own.as_str() {
        "" => parameter.word().to_owned(),
        _ if arguments.properties.contains_key(&own) => fit(&format!("{}_{own}", parameter.word())),
        _ => own,
    }
}

/// Nothing where the caller has no say in it.
fn read(written: &Value, at: &str) -> Result<Option<Parameter>, ApiError> {
    let word = |member: &str| written.get(member).and_then(Value::as_str);
    let name = word("name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| ApiError::at(at, "`name` is missing"))?.to_owned();
    let (at, usual) = match word("in") {
        Some("path") => (At::Path, Style::Simple),
        Some("query") => (At::Query, Style::Form),
        Some("cookie") => (At::Cookie, Style::Form),
        Some("header") => match HeaderName::from_bytes(name.as_bytes()) {
            Ok(header) if is_walled(header.as_str()) => return Ok(None),
            Ok(header) => (At::Header(header), Style::Simple),
            Err(_) => return Err(ApiError::at(at, format!("{name:?} is not the name of a header"))),
        },
        other => {
            let found = other.unwrap_or("missing");
            return Err(ApiError::at(at, format!("`in` is {found}; it is path, query, header or cookie")));
        }
    };
    let style = match (word("style"), &at) {
        (Some("label"), At::Path) => Style::Label,
        (Some("matrix"), At::Path) => Style::Matrix,
        (Some("spaceDelimited"), At::Query) => Style::Space,
        (Some("pipeDelimited"), At::Query) => Style::Pipe,
        (Some("deepObject"), At::Query) => Style::Deep,
        _ => usual,
    };
    let said = |member: &str| written.get(member).and_then(Value::as_bool);
    let required = at == At::Path || said("required") == Some(true);
    let explode = said("explode").unwrap_or(matches!(style, Style::Form | Style::Deep));
    let json = written.get("content").is_some();
    Ok(Some(Parameter { name, argument: String::new(), at, required, style, explode, json }))
}

fn is_walled(header: &str) -> bool {
    WALLED.contains(&header) || WALLED_STARTS.iter().any(|start| header.starts_with(start))
}

fn schema(schemas: &mut Schemas<'_>, written: &Value, at: &str) -> Result<Value, ApiError> {
    let content = || written.get("content").and_then(Value::as_object).and_then(|content| content.values().next());
    let schema = written.get("schema").or_else(|| content().and_then(|media| media.get("schema")));
    let mut schema = schema.map_or(Ok(json!({})), |schema| schemas.convert(schema, &format!("{at}.schema")))?;
    let words = written.get("description").and_then(|text| words(text, 4_000));
    if let (Some(words), Some(schema)) = (words, schema.as_object_mut()) {
        schema.insert("description".to_owned(), words.into());
    }
    Ok(schema)
}
