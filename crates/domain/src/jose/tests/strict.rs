//! Strict JSON.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::jose::{StrictError, read};

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}1{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn ordinary_json_reads_as_it_is() {
    let json = r#"{"a":[1,-2,3.5,true,false,null,"x\u00e9"],"b":{"a":{}},"c":18446744073709551615}"#;

    assert_eq!(read(json.as_bytes()).unwrap(), serde_json::from_str::<Value>(json).unwrap());
}

#[test]
fn what_readers_could_disagree_about_is_refused() {
    let cases = [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"b":{"a":1,"c":2,"a":3}}"#,
        r#"[{"a":1,"a":1}]"#,
        r#"{"a":1}{"a":2}"#,
        r#"{"a":1},"#,
        r#"{"a":1,}"#,
        "{'a':1}",
        r#"{"a":01}"#,
        r#"{"a":NaN}"#,
        r#"{"a":1e999}"#,
        r#"{"a":"\ud800"}"#,
        "{\"a\":\"\t\"}",
        "{\"a\":1}\0",
        "",
    ];
    for json in cases {
        assert_eq!(read(json.as_bytes()), Err(StrictError), "{json}");
    }
    assert_eq!(read(b"{\"a\":\"\xff\"}"), Err(StrictError));
}

#[test]
fn sixteen_levels_are_read_and_seventeen_are_not() {
    for (open, close) in [("[", "]"), (r#"{"act":"#, "}")] {
        assert!(read(nested(open, close, 16).as_bytes()).is_ok());
        assert_eq!(read(nested(open, close, 17).as_bytes()), Err(StrictError));
    }
}

#[test]
fn ten_thousand_levels_cost_no_more_than_seventeen() {
    let deep = nested(r#"{"act":"#, "}", 10_000);
    let begun = Instant::now();
    for _ in 0..1000 {
        assert_eq!(read(deep.as_bytes()), Err(StrictError));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "the reader went on past the limit");
}

#[test]
fn strings_and_lists_are_bounded() {
    let text = |length: usize| format!("\"{}\"", "x".repeat(length));
    let list = |length: usize| format!("[{}]", vec!["1"; length].join(","));

    assert!(read(text(8 * 1024).as_bytes()).is_ok());
    assert_eq!(read(text(8 * 1024 + 1).as_bytes()), Err(StrictError));
    assert!(read(list(1024).as_bytes()).is_ok());
    assert_eq!(read(list(1025).as_bytes()), Err(StrictError));
}
