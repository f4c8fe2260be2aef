//! What is given on holds nothing of what lets us in: whoever echoes a credential echoes it in vain. It is found as it
//! is, escaped as in JSON (also JSON in JSON), percent-encoded in part or whole, and in base64, wherever chunks end.

mod needle;

use std::borrow::Cow;
use std::sync::Arc;

use bailiwick_domain::control::{Control, holds};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use url::form_urlencoded;
use zeroize::Zeroizing;

use self::needle::{Found, Needle};

/// What stands in its place.
const REMOVED: &[u8] = b"[removed by bailiwick]";
/// A secret shorter than this, in bytes, is none: it could be any word.
const LEAST: usize = 6;

/// What can stand behind a backslash in JSON.
const ESCAPES: &[u8] = b"\"\\/bfnrtu";

/// What a header that lets in shows: its value, what stands behind the name of a scheme, and of `Basic` both the pair and
/// the password, as it is and as it is spelled in a form (RFC 6749 §2.3.1).
pub fn shown_in(value: &HeaderValue) -> Vec<Zeroizing<String>> {
    let kept = |text: &str| Zeroizing::new(text.to_owned());
    let Ok(value) = value.to_str() else { return Vec::new() };
    let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
    let mut shown = vec![kept(value.trim()), kept(rest.trim())];
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = STANDARD.decode(rest.trim()).ok().and_then(|pair| String::from_utf8(pair).ok());
        let pair = Zeroizing::new(pair.unwrap_or_default());
        if let Some((_, password)) = pair.split_once(':') {
            let form = Zeroizing::new(format!("p={password}"));
            shown.extend(form_urlencoded::parse(form.as_bytes()).next().map(|(_, plain)| kept(&plain)));
            shown.push(kept(password));
        }
        shown.push(pair);
    }
    shown
}

/// Knows some secrets. Cheap to clone, and to ask when there are none.
#[derive(Clone, Debug, Default)]
pub struct Scrubber(Option<Arc<Needles>>);

#[derive(Debug)]
struct Needles {
    all: Vec<Needle>,
    /// Which bytes one of them can begin with.
    begins: [bool; 256],
}

impl Scrubber {
    /// A scrubber for these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Zeroizing<String>>) -> Self {
        if !holds(Control::Scrub) {
            return Self::default();
        }
        let worth = secrets.into_iter().filter(|secret| secret.len() >= LEAST);
        let all: Vec<Needle> = worth.flat_map(|secret| Needle::all(secret)).collect();
        Self::of(all)
    }

    fn of(all: Vec<Needle>) -> Self {
        if all.is_empty() {
            return Self::default();
        }
        let mut begins = [false; 256];
        for byte in all.iter().flat_map(Needle::beginnings) {
            if let Some(begins) = begins.get_mut(usize::from(byte)) {
                *begins = true;
            }
        }
        Self(Some(Arc::new(Needles { all, begins })))
    }

    /// What both know.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let (Some(one), Some(two)) = (&self.0, &other.0) else {
            return if self.is_idle() { other.clone() } else { self };
        };
        Self::of(one.all.iter().chain(&two.all).cloned().collect())
    }

    /// True where there is nothing to find.
    pub fn is_idle(&self) -> bool {
        self.0.is_none()
    }

    /// For what comes in pieces.
    pub fn stream(&self) -> Stream {
        Stream { scrubber: self.clone(), held: BytesMut::new(), slashes: 0 }
    }

    /// A whole text without them.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_idle() {
            return Cow::Borrowed(text);
        }
        // Whole characters are replaced by whole characters.
        Cow::Owned(String::from_utf8_lossy(&self.whole(text.as_bytes())).into_owned())
    }

    /// Whole bytes without them.
    pub fn whole<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(needles) = &self.0 else { return Cow::Borrowed(bytes) };
        let mut out = Vec::with_capacity(bytes.len());
        needles.cut(bytes, true, &mut 0, &mut out);
        Cow::Owned(out)
    }
}

/// What comes in pieces. It holds back what could still become a secret, and nothing more.
#[derive(Debug)]
pub struct Stream {
    scrubber: Scrubber,
    held: BytesMut,
    /// How many backslashes what was given on ends with.
    slashes: usize,
}

impl Stream {
    /// Takes a piece in; gives what is certain.
    pub fn push(&mut self, piece: Bytes) -> Bytes {
        let Some(needles) = &self.scrubber.0 else { return piece };
        self.held.extend_from_slice(&piece);
        let mut out = Vec::with_capacity(self.held.len());
        let used = needles.cut(&self.held, false, &mut self.slashes, &mut out);
        drop(self.held.split_to(used));
        out.into()
    }

    /// What was held back, when nothing more comes.
    pub fn finish(&mut self) -> Bytes {
        let Some(needles) = &self.scrubber.0 else { return Bytes::new() };
        let held = self.held.split();
        let mut out = Vec::with_capacity(held.len());
        needles.cut(&held, true, &mut self.slashes, &mut out);
        out.into()
    }
}

impl Needles {
    /// Writes out what is certain about a text, and says how much of it that was; all of it when it is the `last`.
    fn cut(&self, text: &[u8], last: bool, slashes: &mut usize, out: &mut Vec<u8>) -> usize {
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let plain = rest.iter().take_while(|byte| !self.may_begin(**byte)).count();
            let (passed, rest) = rest.split_at(plain);
            give(passed, slashes, out);
            at += plain;
            if rest.is_empty() {
                break;
            }
            match self.longest(rest, last) {
                None => return at,
                Some(0) => {
                    give(rest.get(..1).unwrap_or_default(), slashes, out);
                    at += 1;
                }
                Some(length) => {
                    // What looks like a secret may begin inside an escape, here or in JSON in JSON, which must stay one.
                    let letter =
                        rest.get(..1).filter(|first| *slashes > 0 && first.iter().all(|byte| ESCAPES.contains(byte)));
                    give(letter.unwrap_or_default(), slashes, out);
                    give(REMOVED, slashes, out);
                    at += length;
                }
            }
        }
        at
    }

    /// How long the longest secret is that a text begins with, 0 where it begins with none; nothing where only what
    /// comes next can tell.
    fn longest(&self, text: &[u8], last: bool) -> Option<usize> {
        let mut longest = 0;
        for needle in &self.all {
            match needle.find(text, last) {
                Found::Here(length) => longest = longest.max(length),
                Found::Not => {}
                Found::Perhaps => return None,
            }
        }
        Some(longest)
    }

    fn may_begin(&self, byte: u8) -> bool {
        self.begins.get(usize::from(byte)).copied().unwrap_or(true)
    }
}

fn give(bytes: &[u8], slashes: &mut usize, out: &mut Vec<u8>) {
    out.extend_from_slice(bytes);
    let trailing = bytes.iter().rev().take_while(|byte| **byte == b'\\').count();
    *slashes = if trailing == bytes.len() { *slashes + trailing } else { trailing };
}

#[cfg(test)]
mod tests;
