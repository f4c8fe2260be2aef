//! Loopback redirects: the port belongs to whoever listens today, so it is not compared.

/// The hosts whose port is free (RFC 8252 §7.3; `localhost` because MCP clients register it).
const HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// A loopback URI without its port: equality of two is what RFC 8252 §7.3 asks for.
#[derive(PartialEq, Eq)]
pub(super) struct Loopback<'a> {
    pub(super) host: &'a str,
    tail: &'a str,
}

impl<'a> Loopback<'a> {
    /// Reads one; `None` for every other URI.
    pub(super) fn read(raw: &'a str) -> Option<Self> {
        let rest = raw.strip_prefix("http://")?;
        let (host, rest) = HOSTS.iter().find_map(|host| Some((*host, rest.strip_prefix(host)?)))?;
        let tail = rest.strip_prefix(':').map_or(Some(rest), after_port)?;
        (tail.is_empty() || tail.starts_with(['/', '?'])).then_some(Self { host, tail })
    }
}

/// What follows a port of one to five digits between 1 and 65535.
fn after_port(text: &str) -> Option<&str> {
    let tail = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let port: u16 = text.strip_suffix(tail)?.parse().ok()?;
    (port > 0).then_some(tail)
}
