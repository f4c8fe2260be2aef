//! `multipart/form-data` (RFC 7578): one part for each member; texts as they are, all else as JSON.

use std::fmt::Write as _;

use bailiwick_domain::entropy::{Entropy, draw};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::encode::{bare, component};

/// The body, and its `Content-Type`. The boundary stands in no part: it is drawn, so nobody can know it before. Where
/// it does all the same, chance is broken, and there is no body.
pub(super) fn body(members: &Map<String, Value>, entropy: &dyn Entropy) -> Option<(Bytes, String)> {
    let parts: Vec<(String, String)> = members.iter().flat_map(|(name, value)| parts(name, value)).collect();
    let boundary = format!("bailiwick-{}", URL_SAFE_NO_PAD.encode(draw::<24>(entropy)));
    if parts.iter().any(|(_, text)| text.contains(&boundary)) {
        return None;
    }
    let mut body = String::new();
    for (head, text) in parts {
        // Writing to a text cannot fail.
        let _ = write!(body, "--{boundary}\r\n{head}\r\n\r\n{text}\r\n");
    }
    let _ = write!(body, "--{boundary}--\r\n");
    Some((body.into(), format!("multipart/form-data; boundary={boundary}")))
}

fn parts(name: &str, value: &Value) -> Vec<(String, String)> {
    let head = format!("Content-Disposition: form-data; name=\"{}\"", quoted(name));
    match value {
        Value::Array(list) => list.iter().flat_map(|one| parts(name, one)).collect(),
        Value::Object(_) => vec![(format!("{head}\r\nContent-Type: application/json"), value.to_string())],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![(head, bare(value))],
    }
}

/// A name that ends no line and no quotation.
fn quoted(name: &str) -> String {
    let keep = |c: char| !c.is_control() && !matches!(c, '"' | '%' | '\\');
    name.chars().map(|c| if keep(c) { c.to_string() } else { component(c.encode_utf8(&mut [0; 4])) }).collect()
}
