use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn refusal(body: &str) -> EnvelopeError {
    Envelope::parse(body.as_bytes()).unwrap_err()
}

#[test]
fn a_call_is_read_and_passed_on_byte_for_byte() {
    let body = r#" { "jsonrpc":"2.0","id":7,"x":1e2, "method":"tools/call","params":{"name":"a\u0062c","arguments":{"n":1.0}}}"#;

    let envelope = Envelope::parse(body.as_bytes()).unwrap();

    assert_eq!(envelope.text(), body);
    assert_eq!(envelope.method(), Method::ToolsCall);
    assert_eq!(envelope.name(), Some("abc"));
    assert_eq!(envelope.id(), Some(&Id::number(7)));
    assert_eq!(envelope.params().arguments.unwrap().get(), r#"{"n":1.0}"#);
}

#[test]
fn a_message_for_a_reader_of_lines_is_one_line() {
    let body = "{\r\n\"jsonrpc\":\"2.0\",\n\"method\":\"notifications/initialized\"}";
    let envelope = Envelope::parse(body.as_bytes()).unwrap();

    assert!(!envelope.line().contains(['\n', '\r']));
    let (line, text): (Value, Value) =
        (serde_json::from_str(&envelope.line()).unwrap(), serde_json::from_str(envelope.text()).unwrap());
    assert_eq!(line, text);
}

#[test]
fn the_three_kinds_are_told_apart() {
    let kind = |body: &str| match Envelope::parse(body.as_bytes()).unwrap().message() {
        Message::Request { id, .. } => format!("request {}", serde_json::to_string(id).unwrap()),
        Message::Notification { method, .. } => format!("notification {method}"),
        Message::Response { id, result, error } => format!("response {id:?} {} {}", result.is_some(), error.is_some()),
    };
    assert_eq!(kind(r#"{"jsonrpc":"2.0","id":"a\"b","method":"ping"}"#), r#"request "a\"b""#);
    assert_eq!(kind(r#"{"jsonrpc":"2.0","id":-1.50,"method":"ping","params":null}"#), "request -1.50");
    assert_eq!(kind(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#), "notification notifications/x");
    assert_eq!(kind(r#"{"jsonrpc":"2.0","id":1,"result":null}"#), r#"response Some(Number("1")) true false"#);
    assert_eq!(kind(r#"{"jsonrpc":"2.0","id":null,"error":{}}"#), "response None false true");
}

#[test]
fn what_is_no_message_is_refused_with_its_reason() {
    let table: [(&str, EnvelopeError); 16] = [
        ("", EnvelopeError::NotJson),
        ("{\"jsonrpc\":\"2.0\"", EnvelopeError::NotJson),
        ("\u{feff}{}", EnvelopeError::NotJson),
        ("{} {}", EnvelopeError::NotJson),
        ("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", EnvelopeError::Batch),
        ("7", EnvelopeError::NotObject),
        ("{}", EnvelopeError::Version),
        (r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, EnvelopeError::Version),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, EnvelopeError::Id),
        (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, EnvelopeError::Id),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, EnvelopeError::Method),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, EnvelopeError::Params("params")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":1}}"#, EnvelopeError::Params("params._meta")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, EnvelopeError::Shape),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, EnvelopeError::Shape),
        (r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"x"}}"#, EnvelopeError::NoId),
    ];
    for (body, reason) in table {
        assert_eq!(refusal(body), reason, "{body}");
    }
    assert_eq!(Envelope::parse(b"\xff").unwrap_err(), EnvelopeError::NotText);
}

#[test]
fn a_member_that_comes_twice_is_refused_where_a_name_could_stand() {
    let call = |params: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
    assert_eq!(refusal(&call(r#"{"name":"read","n\u0061me":"delete"}"#)), EnvelopeError::Twice("params"));
    assert_eq!(refusal(&call(r#"{"name":"x","_meta":{"a":1,"a":2}}"#)), EnvelopeError::Twice("params._meta"));
    let twice = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#;
    assert_eq!(refusal(twice), EnvelopeError::Twice("the message"));
}

#[test]
fn a_member_in_disguise_is_refused() {
    let call = |params: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
    assert_eq!(refusal(&call(r#"{"name":"read","Name":"delete"}"#)), EnvelopeError::Disguised("params"));
    let long_s =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"},"paramſ":{"name":"delete"}}"#;
    assert_eq!(refusal(long_s), EnvelopeError::Disguised("the message"));
}

#[test]
fn depth_ends_at_128() {
    let nested = |levels: usize| {
        let (open, shut) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"a":{open}{shut},"s":"[[[\"[["}}}}"#)
    };
    assert!(Envelope::parse(nested(126).as_bytes()).is_ok());
    assert_eq!(refusal(&nested(127)), EnvelopeError::TooDeep);
    assert_eq!(refusal(&"[".repeat(1_000_000)), EnvelopeError::TooDeep);
}

#[test]
fn codes_follow_json_rpc() {
    assert_eq!(EnvelopeError::NotJson.code(), -32700);
    assert_eq!(EnvelopeError::Batch.code(), -32600);
}

#[test]
fn half_a_surrogate_names_nothing() {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\ud800"}}"#;
    assert_eq!(Envelope::parse(body.as_bytes()).unwrap().name(), None);
}

/// Texts that are nearly messages.
fn nearly() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just(r#""jsonrpc":"2.0""#.to_owned()),
        Just(r#""id":1"#.to_owned()),
        Just(r#""method":"tools/call""#.to_owned()),
        Just(r#""params":{"name":"x","_meta":{}}"#.to_owned()),
        Just(r#""result":{}"#.to_owned()),
        r#""[a-zA-Z]{1,6}":[\[\]{}0-9", ]{0,6}"#,
        "[ -~]{0,12}",
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| format!("{{{}}}", parts.join(",")))
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Envelope::parse(&body);
    }

    #[test]
    fn what_is_read_is_what_another_parser_reads(body in nearly()) {
        if let Ok(envelope) = Envelope::parse(body.as_bytes()) {
            let other: Value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(envelope.method_name(), other["method"].as_str());
            // A response has no parameters for us, whatever its sender wrote there.
            let named = envelope.method_name().and_then(|_| other["params"]["name"].as_str());
            prop_assert_eq!(envelope.params().text("name"), named);
        }
    }
}
