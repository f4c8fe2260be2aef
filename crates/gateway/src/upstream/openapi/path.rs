//! The path of an operation: words, and values between them. What is filled in stays where it was put: it cannot begin
//! another segment, also where a server decodes a path before it looks at it, and no segment may come to lead elsewhere.

use super::encode::component;

/// How often over a server might decode what it is sent.
const MOST_DECODED: usize = 3;
/// What a value in the path is.
const SEGMENT: &str = "must be one segment of the path, without / and \\, also percent-encoded: give the bare name or id; \
                       where this API has ids with a slash, whoever runs the gateway allows them with encoded_slashes";

/// A path with places for values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    /// Values may have slashes in them, encoded: the operator knows that the API splits a path before it decodes it.
    pub(super) encoded_slashes: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// As it is sent.
    Words(String),
    /// The value of the parameter of that name.
    Value(String),
}

impl Template {
    /// Reads `/pets/{petId}`.
    pub(super) fn parse(path: &str) -> Result<Self, String> {
        if !path.starts_with('/') {
            return Err("a path begins with /".to_owned());
        }
        if path.contains(['?', '#']) {
            return Err("a path has no ? or #; name what is behind it among the parameters".to_owned());
        }
        let mut pieces = Vec::new();
        let mut rest = path;
        while let Some((words, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}').ok_or("a { in this path is never closed")?;
            pieces.push(Piece::Words(literal(words)));
            pieces.push(Piece::Value(name.to_owned()));
            rest = after;
        }
        pieces.push(Piece::Words(literal(rest)));
        let template = Self { pieces, encoded_slashes: false };
        let example = template.fill(|_| Some("x".to_owned()));
        example.map(|_| template).map_err(|_| "a path has no segment . or ..".to_owned())
    }

    /// The names of its values.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Words(_) => None,
            Piece::Value(name) => Some(name.as_str()),
        })
    }

    /// The path with values in it, which are encoded already.
    pub(super) fn fill(&self, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
        let (mut path, mut example) = (String::new(), String::new());
        for piece in &self.pieces {
            match piece {
                Piece::Words(words) => {
                    path.push_str(words);
                    example.push_str(words);
                }
                Piece::Value(name) => {
                    let value = value(name).filter(|value| !value.is_empty());
                    let value = value.ok_or_else(|| format!("{name} must not be empty"))?;
                    if !self.encoded_slashes && separators(&value) > 0 {
                        return Err(format!("{name} {SEGMENT}"));
                    }
                    path.push_str(&value);
                    example.push('x');
                }
            }
        }
        // Two values side by side can each hold half of an encoding.
        if !self.encoded_slashes && separators(&path) != separators(&example) {
            return Err(format!("what is filled into the path {SEGMENT}"));
        }
        if leads_away(&path) {
            return Err("a value in the path must not be . or .. or contain such a part".to_owned());
        }
        Ok(path)
    }
}

/// Words of a path as the document writes them; what cannot stand in a URL is encoded.
fn literal(words: &str) -> String {
    let keep = |c: &char| c.is_ascii_alphanumeric() || "/-._~%!$&'()*+,;=:@".contains(*c);
    words.chars().map(|c| if keep(&c) { c.to_string() } else { component(c.encode_utf8(&mut [0; 4])) }).collect()
}

/// True when a server that decodes a path, even more often than it should, could find a segment `.` or `..` in it.
fn leads_away(path: &str) -> bool {
    let mut path = path.as_bytes().to_vec();
    for _ in 0..=MOST_DECODED {
        let dots = |segment: &[u8]| {
            // To some, what follows a `;` is no part of the segment's name.
            let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
            name == b"." || name == b".."
        };
        if path.split(|byte| matches!(byte, b'/' | b'\\')).any(dots) {
            return true;
        }
        path = decoded(&path);
    }
    false
}

/// How many separators a path has once nothing in it is encoded any more, however often it was. Every byte is looked at
/// once, whatever it becomes: encodings do not overlap, so their order does not matter.
fn separators(path: &str) -> usize {
    let mut out: Vec<u8> = Vec::with_capacity(path.len());
    for byte in path.bytes() {
        out.push(byte);
        while let Some(&[b'%', high, low]) = out.last_chunk() {
            let digits = char::from(high).to_digit(16).zip(char::from(low).to_digit(16));
            let Some(decoded) = digits.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) else { break };
            out.truncate(out.len() - 3);
            out.push(decoded);
        }
    }
    out.iter().filter(|byte| matches!(byte, b'/' | b'\\')).count()
}

fn decoded(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, behind)) = rest.split_first() {
        let digit = |at: usize| behind.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            out.extend(u8::try_from(high * 16 + low));
            rest = behind.get(2..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = behind;
        }
    }
    out
}
