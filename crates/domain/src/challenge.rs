//! `WWW-Authenticate` challenges (RFC 6750 §3, RFC 9728 §5.1), built in this one place.

use crate::error::ErrorCode;
use crate::scope::ScopeSet;
use crate::uri::Resource;

/// A challenge of the `Bearer` scheme.
#[derive(Clone, Debug)]
pub struct Challenge<'a> {
    /// The server that asks.
    pub resource: &'a Resource,
    /// The scopes that would do, all at once.
    pub scope: &'a ScopeSet,
    /// What was wrong with the token; absent where none came (RFC 6750 §3.1).
    pub error: Option<(ErrorCode, &'a str)>,
}

impl Challenge<'_> {
    /// The value of the header.
    pub fn header(&self) -> String {
        let mut text = format!(r#"Bearer resource_metadata="{}""#, self.resource.metadata_url());
        if !self.scope.is_empty() {
            text.push_str(&format!(r#", scope="{}""#, self.scope));
        }
        if let Some((code, says)) = self.error {
            text.push_str(&format!(r#", error="{code}", error_description="{}""#, quotable(says)));
        }
        text
    }
}

/// The characters RFC 6750 §3 allows in `error_description`.
fn quotable(says: &str) -> String {
    says.chars().filter(|c| matches!(c, ' '..='~') && *c != '"' && *c != '\\').collect()
}
