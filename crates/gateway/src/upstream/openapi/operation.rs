//! Operations, each of them a tool.

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::policy::{Risk, ToolFacts};
use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::body::{self, Body};
use super::document::{Document, server_url, words};
use super::name::Names;
use super::parameter::{self, Arguments, At, Parameter};
use super::path::Template;
use super::security::{self, Need, Schemes};
use super::{ApiError, LeftOut, MOST_OPERATIONS, outcome};

/// The methods that are tools, and what each may do.
const METHODS: [(&str, Method, Risk); 6] = [
    ("get", Method::GET, Risk::Read),
    ("head", Method::HEAD, Risk::Read),
    ("post", Method::POST, Risk::Write),
    ("put", Method::PUT, Risk::Write),
    ("patch", Method::PATCH, Risk::Write),
    ("delete", Method::DELETE, Risk::Destructive),
];

/// An operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// The tool's name.
    pub(super) name: String,
    pub(super) method: Method,
    /// What the path stands below.
    pub(super) base: Url,
    pub(super) path: Template,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    pub(super) needs: Vec<Vec<Need>>,
    /// What is promised of an answer.
    pub(super) outcome: Option<Value>,
    /// As a listing shows the tool.
    pub(super) listed: String,
    title: Option<String>,
    description: String,
    risk: Risk,
}

/// Why an operation is no tool.
#[derive(Debug)]
pub(super) enum Skip {
    /// It cannot be one; the others can.
    LeftOut(String),
    /// The document is wrong.
    Wrong(ApiError),
}

impl From<ApiError> for Skip {
    fn from(error: ApiError) -> Self {
        Self::Wrong(error)
    }
}

/// What a document has.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) operations: Vec<Operation>,
    pub(super) left_out: Vec<LeftOut>,
}

/// Reads every operation of a document.
pub(super) fn all(document: &Document, base: &Base, schemes: &Schemes) -> Result<Found, ApiError> {
    let paths = document.root().get("paths").and_then(Value::as_object);
    let paths = paths.ok_or_else(|| ApiError::at("paths", "is missing: there is nothing that could be called"))?;
    let mut found = Found::default();
    let mut reader = Reader { document, base, schemes, names: Names::default() };
    for (path, item) in paths.iter().filter(|(path, _)| !path.starts_with("x-")) {
        let item = document.follow(item, &format!("paths.{path}"))?;
        for (word, method, risk) in METHODS {
            let Some(written) = item.get(word) else { continue };
            match reader.operation((path, item, written), (word, method, risk)) {
                Ok(operation) => found.operations.push(operation),
                Err(Skip::Wrong(error)) => return Err(error),
                Err(Skip::LeftOut(why)) => {
                    let operation = format!("{} {path}", word.to_ascii_uppercase());
                    found.left_out.push(LeftOut { operation, why });
                }
            }
            if found.operations.len() > MOST_OPERATIONS {
                let says =
                    format!("are more than {MOST_OPERATIONS} operations; leave those out that nobody should call");
                return Err(ApiError::at("paths", says));
            }
        }
    }
    Ok(found)
}

/// Where an API is.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) url: Url,
    /// The operator said so: then every operation is there, whatever the document says.
    pub(super) given: bool,
}

struct Reader<'a> {
    document: &'a Document,
    base: &'a Base,
    schemes: &'a Schemes,
    names: Names,
}

impl Reader<'_> {
    fn operation(
        &mut self,
        (path, item, written): (&str, &Value, &Value),
        (word, method, risk): (&str, Method, Risk),
    ) -> Result<Operation, Skip> {
        let at = format!("paths.{path}.{word}");
        let template = Template::parse(path).map_err(|says| ApiError::at(format!("paths.{path}"), says))?;
        let base = self.base_of(item, written)?;
        let mut arguments = Arguments::new(self.document);
        let mut parameters = parameter::all(self.document, (item, written, &at), self.schemes, &mut arguments)?;
        parameters.retain(|one| one.at != At::Path || template.names().any(|name| name == one.name));
        for name in template.names() {
            if !parameters.iter().any(|one| one.at == At::Path && one.name == name) {
                parameters.push(parameter::forgotten(name, &mut arguments));
            }
        }
        let body = match method {
            // What these carry in a body means nothing (RFC 9110, section 9.3).
            Method::GET | Method::HEAD | Method::DELETE => None,
            _ => body::read(self.document, written, &at, &mut arguments)?,
        };
        let id = written.get("operationId").and_then(Value::as_str);
        let text =
            |member: &str, most| written.get(member).or_else(|| item.get(member)).and_then(|text| words(text, most));
        let shown = format!("{} {path}", word.to_ascii_uppercase());
        let told = text("description", 4_000).or_else(|| text("summary", 4_000));
        let mut operation = Operation {
            name: self.names.give(id, word, path),
            needs: security::needs(self.document, written, self.schemes, &at)?,
            outcome: outcome::promised(self.document, written, &at)?,
            title: text("summary", 120),
            description: told.map_or_else(|| shown.clone(), |told| format!("{told} ({shown})")),
            path: template,
            method,
            base,
            parameters,
            body,
            listed: String::new(),
            risk,
        };
        operation.listed = operation.tool(&arguments.finish()?, written).to_string();
        Ok(operation)
    }

    /// Where an operation is: with the others, or where it says, if that is at the same origin.
    fn base_of(&self, item: &Value, written: &Value) -> Result<Url, Skip> {
        let own = [written, item].into_iter().find_map(|value| value.get("servers").and_then(|servers| servers.get(0)));
        let Some(own) = own.filter(|_| !self.base.given).and_then(server_url) else {
            return Ok(self.base.url.clone());
        };
        match self.base.url.join(&own) {
            Ok(url) if url.origin() == self.base.url.origin() || !holds(Control::DestinationWall) => Ok(url),
            Ok(_) | Err(_) => Err(Skip::LeftOut(format!("it is at another place, {own:?}"))),
        }
    }
}

impl Operation {
    fn tool(&self, input: &Value, written: &Value) -> Value {
        let hints = json!({
            "readOnlyHint": self.risk == Risk::Read,
            "destructiveHint": self.risk == Risk::Destructive,
            "idempotentHint": self.method.is_idempotent(),
            "openWorldHint": true,
        });
        let deprecated = written.get("deprecated") == Some(&Value::Bool(true));
        let description =
            if deprecated { format!("Deprecated. {}", self.description) } else { self.description.clone() };
        let mut tool =
            json!({ "name": self.name, "description": description, "inputSchema": input, "annotations": hints });
        if let Some(tool) = tool.as_object_mut() {
            tool.extend(self.title.clone().map(|title| ("title".to_owned(), title.into())));
            tool.extend(self.outcome.clone().map(|schema| ("outputSchema".to_owned(), schema)));
        }
        tool
    }

    /// What the catalogue learns of it.
    pub(super) fn facts(&self) -> ToolFacts {
        ToolFacts {
            name: self.name.clone(),
            title: self.title.clone(),
            description: Some(self.description.clone()),
            read_only: Some(self.risk == Risk::Read),
            destructive: Some(self.risk == Risk::Destructive),
        }
    }
}
