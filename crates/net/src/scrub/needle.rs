//! One spelling of a secret, character by character: each may stand as it is, percent-encoded, or escaped as in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// How many levels of JSON in JSON are looked through: each doubles the backslashes and adds one.
const MOST_SLASHES: usize = 7;
/// Characters of base64 that are too few to tell a secret by.
const LEAST_CODE: usize = 8;

/// What is looked for.
#[derive(Clone)]
pub(super) struct Needle {
    text: Zeroizing<String>,
    /// It is base64, of which two characters have two spellings.
    code: bool,
}

/// What a text says at its beginning.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The secret, in so many bytes.
    Here(usize),
    /// Something else.
    Not,
    /// Its beginning, as far as the text goes.
    Perhaps,
}

/// Where one character of a secret can end.
enum Step {
    /// Behind so many bytes.
    To(usize),
    /// The text ends before it does.
    Short,
}

impl Needle {
    /// A secret in every spelling: as it is, and in base64 behind 0, 1 and 2 other bytes. What those and whatever
    /// follows take part in is left out.
    pub(super) fn all(secret: &str) -> Vec<Self> {
        let mut all = vec![Self { text: Zeroizing::new(secret.to_owned()), code: false }];
        for (before, first) in [(0, 0), (1, 2), (2, 3)] {
            let mut bytes = Zeroizing::new(vec![0; before]);
            bytes.extend_from_slice(secret.as_bytes());
            let code = Zeroizing::new(STANDARD.encode(&*bytes));
            let whole = bytes.len() * 8 / 6;
            if let Some(inner) = code.get(first..whole).filter(|inner| inner.len() >= LEAST_CODE) {
                all.push(Self { text: Zeroizing::new(inner.to_owned()), code: true });
            }
        }
        all
    }

    /// The bytes that a text can begin with when it begins with it.
    pub(super) fn beginnings(&self) -> impl Iterator<Item = u8> {
        let first = self.text.chars().next().unwrap_or_default();
        let lead = |c: char| c.encode_utf8(&mut [0; 4]).bytes().next();
        let blank = (first == ' ').then_some(b'+');
        [Some(b'%'), Some(b'\\'), blank, lead(first), lead(self.other(first))].into_iter().flatten()
    }

    /// Looks for it at the beginning of a text, after which more may come unless it is the `last`.
    pub(super) fn find(&self, text: &[u8], last: bool) -> Found {
        if self.plainly_not(text) {
            return Found::Not;
        }
        let (mut ends, mut next) = (vec![0_usize], Vec::new());
        let mut short = false;
        for c in self.text.chars() {
            for end in ends.drain(..) {
                self.steps(c, text.get(end..).unwrap_or_default(), &mut |step| match step {
                    Step::To(length) if !next.contains(&(end + length)) => next.push(end + length),
                    Step::To(_) => {}
                    Step::Short => short = true,
                });
            }
            std::mem::swap(&mut ends, &mut next);
            if ends.is_empty() {
                break;
            }
        }
        match ends.into_iter().max() {
            _ if short && !last => Found::Perhaps,
            Some(end) => Found::Here(end),
            None => Found::Not,
        }
    }

    /// True where a text is another before it says anything in a spelling that must be looked at.
    fn plainly_not(&self, text: &[u8]) -> bool {
        let special = |byte: u8| matches!(byte, b'%' | b'\\' | b'+') || (self.code && matches!(byte, b'-' | b'_'));
        for (wanted, found) in self.text.bytes().zip(text) {
            if special(*found) {
                return false;
            }
            if wanted != *found {
                return true;
            }
        }
        false
    }

    /// Every way in which a text can begin with this character.
    fn steps(&self, c: char, text: &[u8], to: &mut impl FnMut(Step)) {
        let mut room = [0; 4];
        let other = self.other(c);
        let more = (other != c).then_some(other);
        for c in [Some(c), more].into_iter().flatten() {
            let plain = c.encode_utf8(&mut room).as_bytes();
            literal(plain, text, to);
            percent(plain, text, to);
        }
        if c == ' ' && text.first() == Some(&b'+') {
            to(Step::To(1));
        }
        escaped(c, text, to);
    }

    /// How base64 for URLs spells a character.
    fn other(&self, c: char) -> char {
        match c {
            '+' if self.code => '-',
            '/' if self.code => '_',
            _ => c,
        }
    }
}

/// What stands behind a backslash for a character in JSON.
fn letter(c: char) -> Option<u8> {
    match c {
        '\n' => Some(b'n'),
        '\r' => Some(b'r'),
        '\t' => Some(b't'),
        '\u{8}' => Some(b'b'),
        '\u{c}' => Some(b'f'),
        '"' => Some(b'"'),
        '/' => Some(b'/'),
        _ => None,
    }
}

fn escaped(c: char, text: &[u8], to: &mut impl FnMut(Step)) {
    let slashes = text.iter().take(MOST_SLASHES + 1).take_while(|byte| **byte == b'\\').count();
    if slashes == 0 {
        return;
    }
    if c == '\\' {
        (2..=slashes).for_each(|count| to(Step::To(count)));
    }
    if slashes == text.len() && slashes <= MOST_SLASHES {
        return to(Step::Short);
    }
    let behind = text.get(slashes).copied();
    if behind.is_some() && behind == letter(c) {
        to(Step::To(slashes + 1));
    }
    wide(c, text, to);
}

/// `\u00e9`, and both halves of what takes two.
fn wide(c: char, text: &[u8], to: &mut impl FnMut(Step)) {
    let mut at = 0;
    for unit in c.encode_utf16(&mut [0; 2]) {
        let rest = text.get(at..).unwrap_or_default();
        let slashes = rest.iter().take(MOST_SLASHES).take_while(|byte| **byte == b'\\').count();
        if slashes == 0 && !rest.is_empty() {
            return;
        }
        let behind = rest.get(slashes..).unwrap_or_default();
        let digit = |place: usize| char::from_digit(u32::from(*unit >> (12 - 4 * place)) & 15, 16).map(|c| c as u8);
        let spelled = std::iter::once(Some(b'u')).chain((0..4).map(digit));
        let mut first = true;
        for (wanted, found) in spelled.zip(behind) {
            // The `u` itself has no capital.
            let found = if std::mem::take(&mut first) { *found } else { found.to_ascii_lowercase() };
            if wanted != Some(found) {
                return;
            }
        }
        if behind.len() < 5 {
            return to(Step::Short);
        }
        at += slashes + 5;
    }
    to(Step::To(at));
}

fn literal(plain: &[u8], text: &[u8], to: &mut impl FnMut(Step)) {
    if text.starts_with(plain) {
        to(Step::To(plain.len()));
    } else if plain.starts_with(text) {
        to(Step::Short);
    }
}

/// `%C3%a9`.
fn percent(plain: &[u8], text: &[u8], to: &mut impl FnMut(Step)) {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).map_or(0, |c| c as u8);
    let spelled = plain.iter().flat_map(|byte| [b'%', digit(byte >> 4), digit(byte & 15)]);
    let length = plain.len() * 3;
    if spelled.zip(text).all(|(wanted, found)| found.to_ascii_lowercase() == wanted) {
        to(if text.len() >= length { Step::To(length) } else { Step::Short });
    }
}

impl std::fmt::Debug for Needle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Needle")
    }
}
