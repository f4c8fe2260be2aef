//! A tool as a server lists it.

use bailiwick_domain::text::presentable;
use serde_json::Value;

/// One entry of `tools/list`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The first line of its description, fit to be shown.
    pub says: String,
    /// How it is marked.
    pub marked: Marked,
    /// What its arguments look like.
    pub input_schema: Value,
}

/// What a server says of a tool's risk; a suggestion, no promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// It changes nothing.
    Read,
    /// It changes things.
    Write,
    /// It can destroy things.
    Destructive,
    /// Nothing is said.
    Not,
}

impl Marked {
    /// The word for a table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
            Self::Not => "unmarked",
        }
    }

    fn of(tool: &Value) -> Self {
        let hint = |name: &str| tool.pointer(&format!("/annotations/{name}")).and_then(Value::as_bool);
        match (hint("readOnlyHint"), hint("destructiveHint")) {
            (Some(true), _) => Self::Read,
            (_, Some(true)) => Self::Destructive,
            (_, Some(false)) => Self::Write,
            (_, None) => Self::Not,
        }
    }
}

impl Tool {
    /// Reads an entry; one without a name is none.
    pub fn read(raw: &Value) -> Option<Self> {
        let says = raw.get("description").and_then(Value::as_str).unwrap_or_default();
        Some(Self {
            name: raw.get("name")?.as_str()?.to_owned(),
            says: presentable(says.trim_start().lines().next().unwrap_or_default(), 200),
            marked: Marked::of(raw),
            input_schema: raw.get("inputSchema").cloned().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tool_shows_its_mark_and_its_first_line() {
        for (annotations, expected) in [
            (json!({ "readOnlyHint": true, "destructiveHint": true }), "read"),
            (json!({ "readOnlyHint": false, "destructiveHint": true }), "destructive"),
            (json!({ "destructiveHint": false }), "write"),
            (json!({ "readOnlyHint": false }), "unmarked"),
            (json!(null), "unmarked"),
        ] {
            let raw = json!({ "name": "t", "description": "\nFirst.\u{1b}[31m\nSecond.", "annotations": annotations });
            let tool = Tool::read(&raw).unwrap();
            assert_eq!((tool.marked.as_str(), tool.says.as_str()), (expected, "First.[31m"), "{annotations}");
        }
        assert_eq!(Tool::read(&json!({ "title": "nameless" })), None);
    }
}
