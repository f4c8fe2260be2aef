//! Writing: text and attribute values, escaped, and base64 both ways.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::SamlError;

/// Escapes text for an element or a double-quoted attribute. What XML cannot carry, or carries in more than one way, is
/// refused: a line break in an attribute is not the same to every reader.
pub(crate) fn escape(raw: &str, what: &'static str) -> Result<String, SamlError> {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => return Err(SamlError::Unwritable(what)),
            c if c.is_control() => return Err(SamlError::Unwritable(what)),
            c => out.push(c),
        }
    }
    Ok(out)
}

/// Base64, as forms and certificates carry it: white space between lines is passed over (RFC 2045 §6.8).
pub(crate) fn from_base64(raw: &str) -> Result<Vec<u8>, SamlError> {
    let bare: Vec<u8> = raw.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(bare).map_err(|_| SamlError::Base64)
}

/// Base64url, with or without padding (RFC 7522 §2.1 asks for none and has been read otherwise).
pub(crate) fn from_base64url(raw: &str) -> Result<Vec<u8>, SamlError> {
    let engine = if raw.ends_with('=') { &URL_SAFE } else { &URL_SAFE_NO_PAD };
    engine.decode(raw).map_err(|_| SamlError::Base64)
}

/// Base64 with padding.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A document's text.
pub(crate) fn utf8(bytes: Vec<u8>) -> Result<String, SamlError> {
    String::from_utf8(bytes).map_err(|_| SamlError::Xml("it is not UTF-8"))
}
