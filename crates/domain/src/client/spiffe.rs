//! SPIFFE IDs (SPIFFE-ID §2): the name of a workload within a trust domain.

use std::fmt;

/// The longest SPIFFE ID, in bytes (SPIFFE-ID §2.3).
const MOST: usize = 2048;
/// The longest trust domain, in bytes.
const MOST_DOMAIN: usize = 255;

/// The SPIFFE ID of one workload, in its only spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpiffeId(String);

impl SpiffeId {
    /// Reads `spiffe://trust-domain/path`. A trust domain alone is no workload.
    pub fn parse(raw: &str) -> Option<Self> {
        let (domain, path) = raw.strip_prefix("spiffe://")?.split_once('/')?;
        let fits = raw.len() <= MOST && (1..=MOST_DOMAIN).contains(&domain.len());
        (fits && domain.bytes().all(in_domain) && path.split('/').all(segment)).then(|| Self(raw.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn in_domain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte)
}

fn segment(segment: &str) -> bool {
    let plain = segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    plain && !matches!(segment, "" | "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_has_one_spelling() {
        for raw in ["spiffe://corp/agents/researcher", "spiffe://a.b-c_d.example/ns/x/sa/Y.1"] {
            assert_eq!(SpiffeId::parse(raw).unwrap().as_str(), raw);
        }
    }

    #[test]
    fn anything_else_names_no_workload() {
        let long = format!("spiffe://corp/{}", "x".repeat(MOST));
        for raw in [
            "",
            "corp/x",
            "spiffe://corp",
            "spiffe://corp/",
            "spiffe:///x",
            "spiffe://Corp/x",
            "SPIFFE://corp/x",
            "spiffe://corp:8443/x",
            "spiffe://u@corp/x",
            "spiffe://corp/x/",
            "spiffe://corp//x",
            "spiffe://corp/./x",
            "spiffe://corp/../x",
            "spiffe://corp/x?y",
            "spiffe://corp/x#y",
            "spiffe://corp/%78",
            "https://corp/x",
            &long,
        ] {
            assert_eq!(SpiffeId::parse(raw), None, "{raw}");
        }
    }
}
