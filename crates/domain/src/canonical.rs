//! JSON in one spelling (RFC 8785), so that whoever knows a value can say whether a digest is of it.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

use crate::text;

/// The digest of a JSON value: SHA-256, in base64url, of its one spelling.
pub fn digest(value: &Value) -> String {
    text::encode(&text::sha256(spell(value).as_bytes()))
}

/// The digest of JSON as it came. Where a member comes twice, two readers may take different ones of the two, so that
/// no value stands for the text: then the digest is of the text itself.
pub fn digest_of_text(raw: &str) -> String {
    match serde_json::from_str(raw) {
        Ok(value) if members(&value) == colons(raw) => digest(&value),
        Ok(_) | Err(_) => text::encode(&text::sha256(raw.as_bytes())),
    }
}

/// How many members a value has, on every level.
fn members(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Number(_) => 0,
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
    }
}

/// How many members JSON text spells: one for each colon outside a string.
fn colons(raw: &str) -> usize {
    let (mut count, mut quoted, mut escaped) = (0, false, false);
    for byte in raw.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b':' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

/// The one spelling of a value: members sorted by name, no white space, numbers as ECMAScript writes them. Whole
/// numbers beyond 2^53 keep their digits, which RFC 8785 would round; a fraction of more than fifteen digits may differ
/// from it in the last.
pub fn spell(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
        Value::Number(number) => out.push_str(&numeral(number)),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => write_object(members, out),
    }
}

fn write_object(members: &Map<String, Value>, out: &mut String) {
    let mut sorted: Vec<_> = members.iter().collect();
    // By UTF-16 code units (RFC 8785 §3.2.3).
    sorted.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
    out.push('{');
    for (at, (name, value)) in sorted.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        // Writing to a string cannot fail.
        write!(out, "{}:", Value::from(name.as_str())).ok();
        write(value, out);
    }
    out.push('}');
}

/// A number as ECMAScript writes it (ECMA-262, `Number::toString`).
fn numeral(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    let size = float.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if (1e-6..1e21).contains(&size) {
        float.to_string()
    } else {
        let text = format!("{float:e}");
        if text.contains("e-") { text } else { text.replacen('e', "e+", 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_spelling() {
        for (raw, spelled) in [
            (
                r#"{ "b": [1, 2.50, true, null], "a": { "z": "\u00e9\u000a", "": 0 } }"#,
                r#"{"a":{"":0,"z":"é\n"},"b":[1,2.5,true,null]}"#,
            ),
            // RFC 8785 §3.2.2.3 and its appendix B.
            ("[333333333.5, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]", "[333333333.5,1e+30,4.5,0.002,1e-27]"),
            ("[1.0, -0.0, 1e21, 1e20, 1e-6, 1e-7]", "[1,0,1e+21,100000000000000000000,0.000001,1e-7]"),
            ("[9007199254740993, -5]", "[9007199254740993,-5]"),
            // §3.2.3: by code units, so a surrogate pair comes before U+FB33.
            ("{\"\u{fb33}\": 1, \"\u{1f600}\": 2}", "{\"\u{1f600}\":2,\"\u{fb33}\":1}"),
        ] {
            assert_eq!(spell(&serde_json::from_str(raw).unwrap()), spelled);
        }
    }

    #[test]
    fn equal_values_have_equal_digests_and_others_not() {
        let of = |raw: &str| digest(&serde_json::from_str(raw).unwrap());

        assert_eq!(of(r#"{"a":1,"b":"x"}"#), of(r#"{ "b": "\u0078", "a": 1 }"#));
        assert_ne!(of(r#"{"a":1}"#), of(r#"{"a":"1"}"#));
        assert_eq!(of(r#"{"a":[{"b:\"":":"}]}"#), digest_of_text(r#"{ "a": [{ "b:\"": ":" }] }"#));
        assert_eq!(of("{}"), digest_of_text(" { } "));
        assert_eq!(of("{}"), "RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o");
    }

    #[test]
    fn a_member_that_comes_twice_is_not_read_away() {
        let (first, second) = (r#"{"x":{"id":1,"id":2}}"#, r#"{"x":{"id":3,"id":2}}"#);

        assert_ne!(digest_of_text(first), digest_of_text(second));
        assert_ne!(digest_of_text(first), digest_of_text(r#"{"x":{"id":2}}"#));
    }
}
