//! The headers that mirror the body (MCP 2026-07-28, streamable HTTP): the body is the truth, and a header that says
//! otherwise is refused, so that nobody on the way can be told another story than the server behind.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use thiserror::Error;

use super::envelope::{Envelope, Message};
use super::method::Revision;
use super::params::{META_CAPABILITIES, META_VERSION};

/// The mirroring headers of one request, as they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mirrored<'a> {
    /// `MCP-Protocol-Version`.
    pub version: Option<&'a str>,
    /// `Mcp-Method`.
    pub method: Option<&'a str>,
    /// `Mcp-Name`.
    pub name: Option<&'a str>,
}

/// Why the headers do not fit the body; the answer is HTTP 400 with this code.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum HeaderError {
    /// A header comes twice or holds other than visible ASCII, spaces and tabs.
    #[error("header mismatch: {0} comes twice or holds invalid characters")]
    Malformed(&'static str),
    /// A header that this revision requires is absent.
    #[error("header mismatch: {0} is required")]
    Absent(&'static str),
    /// A header says other than the body.
    #[error("header mismatch: {0} does not match the body")]
    Mismatch(&'static str),
    /// The revision is none that is served.
    #[error("unsupported protocol version")]
    Unsupported {
        /// What was asked for.
        requested: String,
        /// What would do.
        supported: Vec<&'static str>,
    },
    /// The body lacks a member that this revision requires, or has it in another type.
    #[error("params is missing {0}, or it is of the wrong type")]
    Missing(&'static str),
    /// An answer where this revision has none.
    #[error("clients send no responses in this revision")]
    Response,
}

impl HeaderError {
    /// The JSON-RPC code.
    pub fn code(&self) -> i64 {
        match self {
            Self::Malformed(_) | Self::Absent(_) | Self::Mismatch(_) => -32020,
            Self::Unsupported { .. } => -32022,
            Self::Missing(_) => -32602,
            Self::Response => -32600,
        }
    }

    /// The error's `data`, where its code requires one.
    pub fn data(&self) -> Option<Value> {
        match self {
            Self::Unsupported { requested, supported } => {
                Some(json!({ "supported": supported, "requested": requested }))
            }
            Self::Malformed(_) | Self::Absent(_) | Self::Mismatch(_) | Self::Missing(_) | Self::Response => None,
        }
    }
}

const VERSION: &str = "MCP-Protocol-Version";
const METHOD: &str = "Mcp-Method";
const NAME: &str = "Mcp-Name";

impl<'a> Mirrored<'a> {
    /// Picks the mirroring headers out of all; names compare without case.
    pub fn gather(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<Self, HeaderError> {
        let mut found = Self::default();
        for (name, value) in headers {
            let (place, label) = match name {
                _ if name.eq_ignore_ascii_case(VERSION) => (&mut found.version, VERSION),
                _ if name.eq_ignore_ascii_case(METHOD) => (&mut found.method, METHOD),
                _ if name.eq_ignore_ascii_case(NAME) => (&mut found.name, NAME),
                _ => continue,
            };
            let value = plain(value).ok_or(HeaderError::Malformed(label))?;
            if place.replace(value).is_some() {
                return Err(HeaderError::Malformed(label));
            }
        }
        Ok(found)
    }

    /// Checks the headers against the body. The revision it gives is absent where nothing names one: a handshake, or a
    /// client of 2025-03-26, which knows no header.
    pub fn check(&self, envelope: &Envelope<'_>) -> Result<Option<Revision>, HeaderError> {
        if envelope.params().meta_version.is_some() {
            return self.check_modern(envelope).map(Some);
        }
        let Some(requested) = self.version else {
            return Ok(None);
        };
        let revision = Revision::parse(requested).ok_or_else(|| unsupported(requested, &Revision::SUPPORTED))?;
        if revision.is_modern() {
            self.check_unstamped(envelope)?;
        }
        Ok(Some(revision))
    }

    /// A body that names its own revision: the header must name the same, and so on.
    fn check_modern(&self, envelope: &Envelope<'_>) -> Result<Revision, HeaderError> {
        let requested = envelope.params().revision().ok_or(HeaderError::Missing(META_VERSION))?;
        match self.version {
            None => return Err(HeaderError::Absent(VERSION)),
            Some(header) if header != requested => return Err(HeaderError::Mismatch(VERSION)),
            Some(_) => {}
        }
        let modern = Revision::parse(requested).filter(|revision| revision.is_modern());
        let revision = modern.ok_or_else(|| match Revision::parse(requested) {
            // It is served, but not in this form: listing it would send the client round in circles.
            Some(_) => unsupported(requested, &[Revision::V2026_07_28]),
            None => unsupported(requested, &Revision::SUPPORTED),
        })?;
        let is_request = matches!(envelope.message(), Message::Request { .. });
        if is_request && !envelope.params().meta_capabilities.is_some_and(|raw| raw.get().starts_with('{')) {
            return Err(HeaderError::Missing(META_CAPABILITIES));
        }
        self.check_names(envelope, is_request)?;
        Ok(revision)
    }

    /// A header that names a modern revision over a body that does not: right for a notification only.
    fn check_unstamped(&self, envelope: &Envelope<'_>) -> Result<(), HeaderError> {
        match envelope.message() {
            Message::Request { .. } => Err(HeaderError::Missing(META_VERSION)),
            Message::Notification { .. } => self.check_names(envelope, false),
            Message::Response { .. } => Err(HeaderError::Response),
        }
    }

    /// Method and name, required of requests; a notification may leave them out but not say them wrong.
    fn check_names(&self, envelope: &Envelope<'_>, required: bool) -> Result<(), HeaderError> {
        match self.method {
            None if required => return Err(HeaderError::Absent(METHOD)),
            Some(header) if Some(header) != envelope.method_name() => return Err(HeaderError::Mismatch(METHOD)),
            None | Some(_) => {}
        }
        let Some(member) = envelope.method().name_member() else {
            return Ok(());
        };
        let name = envelope.name().ok_or(HeaderError::Missing(member))?;
        let header = self.name.ok_or(HeaderError::Absent(NAME))?;
        let decoded = decode(header).ok_or(HeaderError::Malformed(NAME))?;
        if decoded == name { Ok(()) } else { Err(HeaderError::Mismatch(NAME)) }
    }
}

/// Reads a header value that may be wrapped as `=?base64?…?=`; the markers are exact, the Base64 is padded and strict.
pub fn decode(value: &str) -> Option<Cow<'_, str>> {
    let wrapped = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let Some(wrapped) = wrapped else {
        return Some(Cow::Borrowed(value));
    };
    let bytes = STANDARD.decode(wrapped).ok()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Spells a value for a header: as it is where that is safe, wrapped where it is not.
pub fn encode(value: &str) -> Cow<'_, str> {
    let visible = |b: u8| (0x20..=0x7e).contains(&b);
    let safe = !value.is_empty() && value.trim() == value && value.bytes().all(visible);
    let ambiguous = value.starts_with("=?base64?") && value.ends_with("?=");
    if safe && !ambiguous { Cow::Borrowed(value) } else { Cow::Owned(format!("=?base64?{}?=", STANDARD.encode(value))) }
}

/// The characters of RFC 9110 §5.5 that MCP allows: visible ASCII, space and tab.
fn plain(value: &[u8]) -> Option<&str> {
    let fits = |b: &u8| (0x20..=0x7e).contains(b) || *b == b'\t';
    value.iter().all(fits).then(|| std::str::from_utf8(value).ok()).flatten()
}

fn unsupported(requested: &str, revisions: &[Revision]) -> HeaderError {
    let supported = revisions.iter().rev().map(|revision| revision.as_str()).collect();
    HeaderError::Unsupported { requested: requested.chars().take(64).collect(), supported }
}

#[cfg(test)]
mod tests;
