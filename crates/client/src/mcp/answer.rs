//! What a tool answered.

use serde_json::Value;

use super::trouble;

/// The result of `tools/call`.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer(Value);

impl Answer {
    pub(crate) const fn new(result: Value) -> Self {
        Self(result)
    }

    /// True when the tool, or the gateway before it, says that the call failed.
    pub fn failed(&self) -> bool {
        self.0.get("isError").and_then(Value::as_bool).unwrap_or_default()
    }

    /// The rule a refusal follows from.
    pub fn rule(&self) -> Option<String> {
        trouble::rule(&self.0)
    }

    /// The whole result.
    pub const fn raw(&self) -> &Value {
        &self.0
    }

    /// The answer in words: its texts, a mark for what is none, and the structured content when there is nothing else.
    pub fn text(&self) -> String {
        let parts = self.0.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if let (true, Some(structured)) = (parts.is_empty(), self.0.get("structuredContent")) {
            return serde_json::to_string_pretty(structured).unwrap_or_default();
        }
        parts.iter().map(part).collect::<Vec<_>>().join("\n")
    }
}

fn part(part: &Value) -> String {
    let text = |pointer: &str| part.pointer(pointer).and_then(Value::as_str);
    match text("/type").unwrap_or_default() {
        "text" => text("/text").unwrap_or_default().to_owned(),
        "resource_link" => text("/uri").unwrap_or_default().to_owned(),
        "resource" => match text("/resource/text") {
            Some(words) => words.to_owned(),
            None => format!("[resource {}]", text("/resource/uri").unwrap_or_default()),
        },
        other => format!("[{other} {}]", text("/mimeType").unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_its_texts() {
        let answer = Answer::new(json!({ "content": [
            { "type": "text", "text": "one" },
            { "type": "image", "mimeType": "image/png", "data": "AAAA" },
            { "type": "resource", "resource": { "uri": "a://b", "text": "two" } },
            { "type": "resource_link", "uri": "c://d" },
        ] }));

        assert_eq!(answer.text(), "one\n[image image/png]\ntwo\nc://d");
        assert!(!answer.failed());
    }

    #[test]
    fn a_refusal_names_its_rule() {
        let answer =
            Answer::new(json!({ "isError": true, "content": [], "_meta": { "bailiwick/rule": "consent:left-out" } }));

        assert!(answer.failed());
        assert_eq!(answer.rule().as_deref(), Some("consent:left-out"));
    }

    #[test]
    fn structured_content_stands_in_for_missing_text() {
        assert_eq!(Answer::new(json!({ "structuredContent": [1] })).text(), "[\n  1\n]");
    }
}
