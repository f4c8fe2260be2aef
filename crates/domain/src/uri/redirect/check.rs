//! What registration refuses. The rules read the text itself; a URL parser is only asked whether it would read the
//! same host.

use url::Url;

use super::RedirectError;
use super::loopback::Loopback;

/// Private-use schemes without a dot that shipped MCP clients use nonetheless (RFC 8252 §7.1 asks for a dot).
const KNOWN_SCHEMES: [&str; 5] = ["claude", "cursor", "vscode", "vscode-insiders", "windsurf"];
/// The longest redirect URI accepted, in bytes.
pub(super) const MOST: usize = 512;

/// Checks a redirect URI at registration.
pub(super) fn redirect(raw: &str) -> Result<(), RedirectError> {
    check_text(raw)?;
    let (scheme, rest) = raw.split_once(':').ok_or(RedirectError::Scheme)?;
    check_path(rest)?;
    match scheme {
        "https" => check_host(raw),
        "http" if Loopback::read(raw).is_some() => Ok(()),
        "http" => Err(RedirectError::PlainHttp),
        _ if is_private_use(scheme) && rest.starts_with('/') => Ok(()),
        _ => Err(RedirectError::Scheme),
    }
}

fn check_text(raw: &str) -> Result<(), RedirectError> {
    let is_uri = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b);
    if raw.len() > MOST {
        return Err(RedirectError::TooLong);
    }
    if !raw.bytes().all(is_uri) || !escapes_are_plain(raw) {
        return Err(RedirectError::Character);
    }
    match () {
        () if raw.contains('*') => Err(RedirectError::Wildcard),
        () if raw.contains('#') => Err(RedirectError::Fragment),
        () => Ok(()),
    }
}

/// True when every `%` begins an escape, and none hides a control or a backslash.
fn escapes_are_plain(raw: &str) -> bool {
    raw.split('%').skip(1).all(|after| {
        let byte = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        byte.is_some_and(|byte| (0x20..0x7f).contains(&byte) && byte != b'\\' || byte >= 0x80)
    })
}

fn check_path(rest: &str) -> Result<(), RedirectError> {
    let hierarchy = rest.split('?').next().unwrap_or("");
    let authority = hierarchy.strip_prefix("//").map_or("", |after| after.split('/').next().unwrap_or(""));
    if authority.contains('@') {
        return Err(RedirectError::UserInfo);
    }
    let is_dots = |segment: &str| segment == "." || segment == ".." || segment.to_ascii_lowercase().contains("%2e");
    if hierarchy.split('/').any(is_dots) { Err(RedirectError::DotSegment) } else { Ok(()) }
}

/// Refuses a host that a URL parser would read as another than the one written (`https:/host`, `https://0x7f.1`), and
/// characters that mean something to a content security policy.
fn check_host(raw: &str) -> Result<(), RedirectError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b);
    let url = Url::parse(raw).map_err(|_| RedirectError::Host)?;
    let same = url.host_str().is_some_and(|parsed| parsed.eq_ignore_ascii_case(host(raw)));
    if same && raw.starts_with("https://") && authority(raw).bytes().all(plain) {
        Ok(())
    } else {
        Err(RedirectError::Host)
    }
}

fn is_private_use(scheme: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.');
    let shaped = scheme.starts_with(|c: char| c.is_ascii_lowercase()) && scheme.bytes().all(fits);
    shaped && (scheme.contains('.') || KNOWN_SCHEMES.contains(&scheme))
}

/// `host[:port]` as written.
pub(super) fn authority(raw: &str) -> &str {
    let rest = raw.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or("")
}

/// The host as written, brackets included.
pub(super) fn host(raw: &str) -> &str {
    let authority = authority(raw);
    if authority.starts_with('[') {
        return authority.split_inclusive(']').next().unwrap_or("");
    }
    authority.split(':').next().unwrap_or("")
}
