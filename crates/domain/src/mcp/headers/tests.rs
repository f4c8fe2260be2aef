use proptest::prelude::*;

use super::*;

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

fn call(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{params}}}}}"#)
}

fn check(body: &str, version: &str, method: &str, name: &str) -> Result<Option<Revision>, HeaderError> {
    let given = |text| Some(text).filter(|text: &&str| *text != "-");
    // "-" stands for a header that is absent.
    let headers = Mirrored { version: given(version), method: given(method), name: given(name) };
    headers.check(&Envelope::parse(body.as_bytes()).unwrap())
}

#[test]
fn a_modern_call_names_everything_twice_alike() {
    let body = call(&format!(r#""name":"get_weather",{META}"#));
    let modern = Ok(Some(Revision::V2026_07_28));
    assert_eq!(check(&body, "2026-07-28", "tools/call", "get_weather"), modern);
    assert_eq!(check(&body, "2026-07-28", "tools/call", "=?base64?Z2V0X3dlYXRoZXI=?="), modern);
}

#[test]
fn a_header_that_is_absent_or_says_otherwise_is_refused() {
    let body = call(&format!(r#""name":"read",{META}"#));
    let table = [
        ("-", "tools/call", "read", HeaderError::Absent("MCP-Protocol-Version")),
        ("2025-11-25", "tools/call", "read", HeaderError::Mismatch("MCP-Protocol-Version")),
        ("2026-07-28", "-", "read", HeaderError::Absent("Mcp-Method")),
        ("2026-07-28", "tools/list", "read", HeaderError::Mismatch("Mcp-Method")),
        ("2026-07-28", "Tools/Call", "read", HeaderError::Mismatch("Mcp-Method")),
        ("2026-07-28", "tools/call", "-", HeaderError::Absent("Mcp-Name")),
        ("2026-07-28", "tools/call", "delete", HeaderError::Mismatch("Mcp-Name")),
        ("2026-07-28", "tools/call", "READ", HeaderError::Mismatch("Mcp-Name")),
        ("2026-07-28", "tools/call", "=?base64?cmVhZA?=", HeaderError::Malformed("Mcp-Name")),
        ("2026-07-28", "tools/call", "=?base64?/w==?=", HeaderError::Malformed("Mcp-Name")),
        ("2026-07-28", "tools/call", "=?BASE64?cmVhZA==?=", HeaderError::Mismatch("Mcp-Name")),
    ];
    for (version, method, name, refusal) in table {
        assert_eq!(refusal.code(), -32020);
        assert_eq!(check(&body, version, method, name), Err(refusal), "{version} {method} {name}");
    }
}

#[test]
fn a_modern_body_lacks_nothing_it_requires() {
    let version = r#""io.modelcontextprotocol/protocolVersion""#;
    let table = [
        (format!(r#""name":"x","_meta":{{{version}:7}}"#), META_VERSION),
        (format!(r#""name":"x","_meta":{{{version}:"2026-07-28"}}"#), META_CAPABILITIES),
        (META.to_owned(), "name"),
        (format!(r#""name":7,{META}"#), "name"),
        (r#""name":"x""#.to_owned(), META_VERSION),
    ];
    for (params, member) in table {
        let refusal = check(&call(&params), "2026-07-28", "tools/call", "x").unwrap_err();
        assert_eq!((refusal.code(), &refusal), (-32602, &HeaderError::Missing(member)), "{params}");
    }
}

#[test]
fn an_unsupported_revision_is_told_what_would_do() {
    let modern = call(&META.replace("2026-07-28", "1900-01-01"));
    let refusal = check(&modern, "1900-01-01", "tools/call", "x").unwrap_err();
    let all = json!({
        "supported": ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"],
        "requested": "1900-01-01",
    });
    assert_eq!((refusal.code(), refusal.data()), (-32022, Some(all)));

    let unfitting = call(&META.replace("2026-07-28", "2025-11-25"));
    let refusal = check(&unfitting, "2025-11-25", "tools/call", "x").unwrap_err();
    let modern_only = json!({ "supported": ["2026-07-28"], "requested": "2025-11-25" });
    assert_eq!(refusal.data(), Some(modern_only));

    let legacy = check(&call(r#""name":"x""#), "2024-11-05", "-", "-").unwrap_err();
    assert_eq!(legacy.code(), -32022);
}

#[test]
fn a_legacy_request_may_say_nothing_or_a_known_revision() {
    let body = call(r#""name":"x""#);
    assert_eq!(check(&body, "-", "-", "-"), Ok(None));
    assert_eq!(check(&body, "2025-06-18", "-", "-"), Ok(Some(Revision::V2025_06_18)));
}

#[test]
fn a_modern_notification_needs_no_names_but_says_none_wrong() {
    let body = r#"{"jsonrpc":"2.0","method":"notifications/x"}"#;
    assert_eq!(check(body, "2026-07-28", "-", "-"), Ok(Some(Revision::V2026_07_28)));
    assert_eq!(check(body, "2026-07-28", "tools/call", "-"), Err(HeaderError::Mismatch("Mcp-Method")));
}

#[test]
fn a_modern_client_sends_no_responses() {
    let body = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    assert_eq!(check(body, "2026-07-28", "-", "-"), Err(HeaderError::Response));
    assert_eq!(check(body, "2025-11-25", "-", "-"), Ok(Some(Revision::V2025_11_25)));
}

#[test]
fn headers_are_gathered_without_case_and_only_once() {
    let all = [("mcp-NAME", b"x".as_slice()), ("accept", b"\xff"), ("MCP-PROTOCOL-VERSION", b"2025-06-18")];
    let found = Mirrored::gather(all.into_iter()).unwrap();
    assert_eq!((found.version, found.method, found.name), (Some("2025-06-18"), None, Some("x")));

    let twice = Mirrored::gather([("Mcp-Name", b"x".as_slice()), ("mcp-name", b"x")].into_iter());
    assert_eq!(twice.unwrap_err(), HeaderError::Malformed("Mcp-Name"));
    let foreign = Mirrored::gather(std::iter::once(("Mcp-Name", "é".as_bytes())));
    assert_eq!(foreign.unwrap_err(), HeaderError::Malformed("Mcp-Name"));
}

#[test]
fn the_examples_of_the_specification_decode() {
    let table = [
        ("us-west1", "us-west1"),
        ("=?base64?SGVsbG8sIOS4lueVjA==?=", "Hello, 世界"),
        ("=?base64?IHBhZGRlZCA=?=", " padded "),
        ("=?base64?bGluZTEKbGluZTI=?=", "line1\nline2"),
        ("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", "=?base64?literal?="),
    ];
    for (header, value) in table {
        assert_eq!(decode(header).as_deref(), Some(value));
        assert_eq!(encode(value), header);
    }
}

proptest! {
    #[test]
    fn every_value_survives_the_header(value in "\\PC{0,20}|[ -~]{0,20}|=\\?base64\\?[ -~]{0,8}\\?=") {
        let header = encode(&value).into_owned();
        prop_assert!(plain(header.as_bytes()).is_some());
        let decoded = decode(&header);
        prop_assert_eq!(decoded.as_deref(), Some(value.as_str()));
    }
}
