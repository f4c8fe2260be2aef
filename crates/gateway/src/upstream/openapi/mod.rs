//! Servers that are an HTTP API with an OpenAPI document: its operations are tools, and the gateway speaks MCP for it.

mod answer;
mod body;
mod document;
mod encode;
mod exchange;
mod multipart;
mod name;
mod operation;
mod outcome;
mod parameter;
mod path;
mod request;
mod schema;
mod security;

use std::collections::BTreeMap;

use bailiwick_domain::policy::ToolFacts;
use serde_json::Value;
use url::Url;

use self::document::{Document, words};
use self::operation::{Base, Operation};
pub(crate) use exchange::forward;
use security::Schemes;
pub(crate) use security::chosen;
pub use security::{Need, Scheme};

/// More operations than this are no set of tools.
const MOST_OPERATIONS: usize = 1_000;

/// An HTTP API, as its document describes it.
#[derive(Clone, Debug)]
pub struct Api {
    /// The document itself: two with the same text are the same.
    text: Vec<u8>,
    base: Url,
    title: String,
    version: String,
    description: Option<String>,
    operations: Vec<Operation>,
    left_out: Vec<LeftOut>,
    schemes: Schemes,
}

/// An operation that is no tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Method and path.
    pub operation: String,
    /// Why.
    pub why: String,
}

/// Why a document cannot be used: where in it, what is wrong there, and what would help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {says}")]
pub struct ApiError {
    /// Where: a line and column, or a path of members.
    pub place: String,
    /// What is wrong, and what to do.
    pub says: String,
}

impl ApiError {
    fn at(place: impl Into<String>, says: impl Into<String>) -> Self {
        Self { place: place.into(), says: says.into() }
    }
}

impl PartialEq for Api {
    fn eq(&self, other: &Self) -> bool {
        let slashes = |api: &Self| api.operations.first().map(|operation| operation.path.encoded_slashes);
        self.base == other.base && self.text == other.text && slashes(self) == slashes(other)
    }
}

impl Api {
    /// Reads a document, JSON or YAML. Its API is reached below `base`, or where the document says.
    ///
    /// # Errors
    /// [`ApiError`] where it is no OpenAPI 3 document, or cannot be understood whole.
    pub fn read(text: &[u8], base: Option<&Url>) -> Result<Self, ApiError> {
        let document = Document::parse(text)?;
        let base = Base { url: document.base(base)?, given: base.is_some() };
        let schemes = security::schemes(&document)?;
        let found = operation::all(&document, &base, &schemes)?;
        if found.operations.is_empty() {
            let why = found.left_out.first().map(|left| format!("; {}: {}", left.operation, left.why));
            let says = format!("no operation in it can be a tool{}", why.unwrap_or_default());
            return Err(ApiError::at("paths", says));
        }
        let info = |member: &str| document.root().get("info").and_then(|info| info.get(member));
        Ok(Self {
            text: text.to_vec(),
            title: info("title").and_then(|title| words(title, 120)).unwrap_or_else(|| "API".to_owned()),
            version: info("version").and_then(|version| words(version, 64)).unwrap_or_else(|| "1".to_owned()),
            description: info("description").or_else(|| info("summary")).and_then(|text| words(text, 4_000)),
            operations: found.operations,
            left_out: found.left_out,
            schemes,
            base: base.url,
        })
    }

    /// The same, whose values in a path may hold encoded slashes, or not. They may not unless the operator says so: to a
    /// server that decodes a path before it looks at it, such a value leads to another operation.
    #[must_use]
    pub fn with_encoded_slashes(mut self, allowed: bool) -> Self {
        self.operations.iter_mut().for_each(|operation| operation.path.encoded_slashes = allowed);
        self
    }

    /// What it calls itself.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Where it is reached. No request for it goes to another origin.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The operations that are no tools.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Its security schemes by name, and where their credentials go.
    pub fn schemes(&self) -> &BTreeMap<String, Scheme> {
        &self.schemes
    }

    /// What a tool's operation needs to be let in: any one of these sets of schemes, and an empty set is nothing.
    /// Nothing is known of a tool that is not there.
    pub fn needs(&self, tool: &str) -> &[Vec<Need>] {
        self.operation(tool).map_or(&[], |operation| &operation.needs)
    }

    /// The names of its tools.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        self.operations.iter().map(|operation| operation.name.as_str())
    }

    /// What the catalogue learns of its tools.
    pub(crate) fn facts(&self) -> Vec<ToolFacts> {
        self.operations.iter().map(Operation::facts).collect()
    }

    fn operation(&self, tool: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.name == tool)
    }
}

/// What a value is, in words for whoever wrote it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
