//! Document URLs: the `client_id` that is the address of a client's own description (Client ID Metadata Documents §3).
//! The text itself is judged first, so that no parser can be talked into another host than the one written; a parser is
//! then only asked whether it reads the same text.

use std::fmt;

use url::{Host, Url};

/// The longest accepted, in bytes.
const MOST: usize = 512;
const SCHEME: &str = "https://";
const HTTPS: u16 = 443;

/// The address of a client metadata document: https, a plain lower-case host name, a path, and nothing else.
///
/// Only [`DocumentUrl::parse`] makes one:
/// ```compile_fail
/// # use bailiwick_domain::uri::DocumentUrl;
/// let unchecked = DocumentUrl { text: "https://169.254.169.254/x".to_owned() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentUrl {
    text: String,
    host: String,
    port: u16,
    path: String,
}

/// Why a text is no address of a client metadata document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentUrlError {
    /// Longer than we keep.
    #[error("the URL of a client metadata document is at most {MOST} bytes long")]
    TooLong,
    /// Another scheme.
    #[error("a client metadata document is at an https URL")]
    Scheme,
    /// White space, a control, a backslash, anything that is no URI character, or an escape that hides one.
    #[error("the URL of a client metadata document is made of plain URI characters")]
    Character,
    /// A `#`.
    #[error("the URL of a client metadata document has no fragment")]
    Fragment,
    /// A `?`.
    #[error("the URL of a client metadata document has no query")]
    Query,
    /// `user@` before the host.
    #[error("the URL of a client metadata document carries no user name")]
    UserInfo,
    /// No host name, an address in its place, or one not written plainly in lower case.
    #[error("the URL of a client metadata document has a host name, written plainly in lower case")]
    Host,
    /// A port that is no number, or the usual one spelt out.
    #[error("the port of a client metadata document is a plain number, and 443 is left out")]
    Port,
    /// Nothing after the host.
    #[error("the URL of a client metadata document has a path")]
    NoPath,
    /// `.` or `..` in the path, plain or encoded.
    #[error("the URL of a client metadata document has no dot segments")]
    DotSegment,
    /// A parser reads another URL than the one written.
    #[error("the URL of a client metadata document can be read in two ways")]
    Ambiguous,
}

impl DocumentUrl {
    /// True for a `client_id` that means to be a URL and not a name of ours.
    pub fn is_meant(client_id: &str) -> bool {
        client_id.contains("://")
    }

    /// Checks a URL.
    ///
    /// # Errors
    /// [`DocumentUrlError`] for the first thing that is wrong.
    pub fn parse(raw: &str) -> Result<Self, DocumentUrlError> {
        if raw.len() > MOST {
            return Err(DocumentUrlError::TooLong);
        }
        let rest = raw.strip_prefix(SCHEME).ok_or(DocumentUrlError::Scheme)?;
        check_text(rest)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = check_authority(authority)?;
        check_path(path)?;
        let url = Self { text: raw.to_owned(), host: host.to_owned(), port, path: path.to_owned() };
        if url.reads_the_same() { Ok(url) } else { Err(DocumentUrlError::Ambiguous) }
    }

    /// The text, as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path, never empty.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// `host` or `host:port`, as in the text and in a `Host` header.
    pub fn authority(&self) -> &str {
        let rest = self.text.strip_prefix(SCHEME).unwrap_or("");
        rest.strip_suffix(self.path.as_str()).unwrap_or("")
    }

    /// True when `other` is an https URL of the same host and port.
    pub fn is_origin_of(&self, other: &str) -> bool {
        let there = other.strip_prefix(SCHEME).and_then(|rest| rest.split(['/', '?']).next());
        there.is_some_and(|there| there.eq_ignore_ascii_case(self.authority()))
    }

    /// The second opinion: the parser finds the same parts, and writes them the same.
    fn reads_the_same(&self) -> bool {
        Url::parse(&self.text).is_ok_and(|url| {
            url.as_str() == self.text
                && url.host() == Some(Host::Domain(self.host.as_str()))
                && url.port_or_known_default() == Some(self.port)
                && url.path() == self.path
        })
    }
}

impl fmt::Display for DocumentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn check_text(rest: &str) -> Result<(), DocumentUrlError> {
    let is_uri = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b);
    if !rest.bytes().all(is_uri) {
        return Err(DocumentUrlError::Character);
    }
    match () {
        () if rest.contains('#') => Err(DocumentUrlError::Fragment),
        () if rest.contains('?') => Err(DocumentUrlError::Query),
        () => Ok(()),
    }
}

/// Host and port. An address is refused in every spelling, because only a name can be looked up, vetted and certified.
fn check_authority(authority: &str) -> Result<(&str, u16), DocumentUrlError> {
    if authority.contains('@') {
        return Err(DocumentUrlError::UserInfo);
    }
    let (host, port) = match authority.split_once(':') {
        None => (authority, HTTPS),
        Some((host, digits)) => (host, port(digits)?),
    };
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A last label of digits, or of a hexadecimal number, is how an IPv4 address begins to look like a name.
    let is_named =
        |host: &str| host.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_lowercase()));
    if host.len() <= 253 && host.split('.').all(is_label) && is_named(host) {
        Ok((host, port))
    } else {
        Err(DocumentUrlError::Host)
    }
}

/// One to five digits, not beginning with 0, and not the usual port.
fn port(digits: &str) -> Result<u16, DocumentUrlError> {
    let plain = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    let port = digits.parse().ok().filter(|port| plain && *port != HTTPS);
    port.ok_or(DocumentUrlError::Port)
}

fn check_path(path: &str) -> Result<(), DocumentUrlError> {
    if path.len() < 2 {
        return Err(DocumentUrlError::NoPath);
    }
    let lower = path.to_ascii_lowercase();
    if lower.contains("%2e") || path.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(DocumentUrlError::DotSegment);
    }
    let bare = path.bytes().any(|b| matches!(b, b'[' | b']'));
    if bare || !escapes_are_plain(&lower) { Err(DocumentUrlError::Character) } else { Ok(()) }
}

/// True when every `%` begins an escape, and none hides a control, a slash, a backslash or a percent sign.
fn escapes_are_plain(path: &str) -> bool {
    path.split('%').skip(1).all(|after| {
        let hex = after.get(..2).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        byte.is_some_and(|byte| byte > 0x20 && byte != 0x7f && !matches!(byte, b'/' | b'\\' | b'%'))
    })
}

#[cfg(test)]
mod tests;
