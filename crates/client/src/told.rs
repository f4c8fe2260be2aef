//! What an authorization server says when it refuses (RFC 6749 §5.2), made fit to be shown.

use std::fmt;

use bailiwick_domain::text::presentable;
use serde::Deserialize;

/// An OAuth error as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The `error` code.
    pub code: String,
    /// The `error_description`.
    pub says: Option<String>,
}

impl Told {
    /// An error made of raw members; both are cut to what may be shown.
    pub(crate) fn new(code: &str, says: Option<&str>) -> Self {
        let says = says.map(|raw| presentable(raw, 300)).filter(|text| !text.is_empty());
        Self { code: presentable(code, 64), says }
    }

    /// Reads the body of a refusal.
    pub fn read(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Raw {
            error: String,
            error_description: Option<String>,
        }
        let raw: Raw = serde_json::from_slice(body).ok()?;
        Some(Self::new(&raw.error, raw.error_description.as_deref()))
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        self.says.as_ref().map_or(Ok(()), |says| write!(f, " ({says})"))
    }
}
