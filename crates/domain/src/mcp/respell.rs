//! The same message with other members in its `params`. Everything else stays as it was spelled.

use super::envelope::{Envelope, Message};
use super::members::Members;

impl Envelope<'_> {
    /// The message without these members of its `params`, and with `more`, whose values are spelled as JSON; nothing
    /// where it has no `params`.
    pub fn with_params(&self, without: &[&str], more: &[(&str, &str)]) -> Option<String> {
        let raw = match self.message() {
            Message::Request { params, .. } | Message::Notification { params, .. } => (*params)?,
            Message::Response { .. } => return None,
        };
        let members = Members::read(raw.get()).ok()?;
        let kept = members.iter().filter(|(name, _)| !without.contains(name)).map(|(name, value)| (name, value.get()));
        let mut params = String::with_capacity(raw.get().len());
        for (name, value) in kept.chain(more.iter().copied()) {
            params.push(if params.is_empty() { '{' } else { ',' });
            params.push_str(&serde_json::to_string(name).ok()?);
            params.push(':');
            params.push_str(value);
        }
        if params.is_empty() {
            params.push('{');
        }
        params.push('}');
        let start = (raw.get().as_ptr() as usize).checked_sub(self.text().as_ptr() as usize)?;
        let (before, after) = (self.text().get(..start)?, self.text().get(start + raw.get().len()..)?);
        Some(format!("{before}{params}{after}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = r#"{"jsonrpc":"2.0", "id":1.0,"method":"tools/call","params":{ "name":"a", "requestState":"s",
        "arguments":{"n":1.50}, "inputResponses":{"x":{}} }, "extra":"\u00e4"}"#;

    fn respelled(without: &[&str], more: &[(&str, &str)]) -> String {
        Envelope::parse(CALL.as_bytes()).unwrap().with_params(without, more).unwrap()
    }

    #[test]
    fn members_go_and_the_rest_is_as_it_was_spelled() {
        assert_eq!(
            respelled(&["requestState", "inputResponses"], &[]),
            r#"{"jsonrpc":"2.0", "id":1.0,"method":"tools/call","params":{"name":"a","arguments":{"n":1.50}}, "extra":"\u00e4"}"#
        );
    }

    #[test]
    fn members_take_the_place_of_others() {
        let back = respelled(&["requestState", "inputResponses", "name", "arguments"], &[("requestState", "\"t\"")]);

        assert!(back.contains(r#""params":{"requestState":"t"}, "extra""#), "{back}");
        assert!(respelled(&["requestState", "inputResponses", "name", "arguments"], &[]).contains(r#""params":{},"#));
    }

    #[test]
    fn a_client_says_that_it_opens_urls() {
        let opens = |params: &str| {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{params}}}"#);
            Envelope::parse(text.as_bytes()).unwrap().params().opens_urls()
        };
        assert!(opens(r#"{"capabilities":{"elicitation":{"form":{},"url":{}}}}"#));
        assert!(opens(r#"{"_meta":{"io.modelcontextprotocol/clientCapabilities":{"elicitation":{"url":{}}}}}"#));
        for params in [
            "{}",
            r#"{"capabilities":{"elicitation":{}}}"#,
            r#"{"capabilities":{"elicitation":{"url":null}}}"#,
            r#"{"capabilities":{"elicitation":true,"url":{}}}"#,
            r#"{"capabilities":{"elicitation":{"url":{}}},"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}"#,
        ] {
            assert!(!opens(params), "{params}");
        }
    }
}
