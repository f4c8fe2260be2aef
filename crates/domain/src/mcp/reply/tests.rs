use super::*;

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).unwrap()
}

#[test]
fn an_error_carries_the_id_as_it_came() {
    let id = Id::Number("1.50".into());
    insta::assert_snapshot!(text(error_body(Some(&id), -32602, "no")), @r#"{"jsonrpc":"2.0","id":1.50,"error":{"code":-32602,"message":"no"}}"#);
}

#[test]
fn an_error_about_nothing_readable_carries_none() {
    insta::assert_snapshot!(text(error_with(None, -32022, "no", Some(json!({ "supported": [] })))), @r#"{"jsonrpc":"2.0","error":{"code":-32022,"message":"no","data":{"supported":[]}}}"#);
}

#[test]
fn a_refused_call_names_its_rule() {
    let id = Id::Text("a".to_owned());
    insta::assert_snapshot!(text(tool_error(&id, "left out", "consent:left-out")), @r#"{"jsonrpc":"2.0","id":"a","result":{"_meta":{"bailiwick/rule":"consent:left-out"},"content":[{"text":"left out","type":"text"}],"isError":true,"resultType":"complete"}}"#);
}
