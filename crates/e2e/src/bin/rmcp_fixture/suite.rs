//! What the suite asks for, as data: `suite.json` holds the lists and the
//! fixed answers, so the code holds only what must be alive.

use std::collections::BTreeMap;

use rmcp::model::{
    CallToolResult, ElicitationSchema, GetPromptResult, JsonObject, Prompt, ReadResourceResult, Resource,
    ResourceTemplate, Tool,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

const SUITE: &str = include_str!("suite.json");
/// One red pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";
/// A header and no sample.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

/// The lists and fixed answers of the fixture.
#[derive(Deserialize)]
pub(crate) struct Suite {
    pub(crate) tools: Vec<Tool>,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) templates: Vec<ResourceTemplate>,
    results: BTreeMap<String, CallToolResult>,
    forms: BTreeMap<String, ElicitationSchema>,
    messages: BTreeMap<String, Value>,
    contents: BTreeMap<String, Value>,
}

impl Suite {
    /// Reads the data that is compiled in.
    pub(crate) fn load() -> Result<Self, serde_json::Error> {
        serde_json::from_str(&SUITE.replace("$PNG", PNG).replace("$WAV", WAV))
    }

    /// The fixed answer of a tool that has one.
    pub(crate) fn result(&self, tool: &str) -> Option<CallToolResult> {
        self.results.get(tool).cloned()
    }

    /// The form that a tool puts before the person.
    pub(crate) fn form(&self, tool: &str) -> Option<ElicitationSchema> {
        self.forms.get(tool).cloned()
    }

    /// A prompt with its arguments put in.
    pub(crate) fn prompt(&self, name: &str, arguments: &JsonObject) -> Option<GetPromptResult> {
        let mut text = self.messages.get(name)?.to_string();
        for (name, value) in arguments {
            text = text.replace(&format!("{{{name}}}"), value.as_str().unwrap_or_default());
        }
        read(&text)
    }

    /// What stands at a URI, fixed or by template.
    pub(crate) fn contents(&self, uri: &str) -> Option<ReadResourceResult> {
        if let Some(fixed) = self.contents.get(uri) {
            return read(&fixed.to_string());
        }
        let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
        let data = serde_json::json!({
            "id": id, "templateTest": true, "data": format!("Data for ID: {id}"),
        });
        let found = serde_json::json!({ "contents": [
            { "uri": uri, "mimeType": "application/json", "text": data.to_string() },
        ]});
        read(&found.to_string())
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}
