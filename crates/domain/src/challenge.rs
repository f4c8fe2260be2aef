//! `WWW-Authenticate` challenges (RFC 6750 §3, RFC 9728 §5.1), built in this one place.

use std::fmt::Write as _;

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
            let _ = write!(text, r#", scope="{}""#, self.scope);
        }
        if let Some((code, says)) = self.error {
            let _ = write!(text, r#", error="{code}", error_description="{}""#, quotable(says));
        }
        text
    }
}

/// The characters RFC 6750 §3 allows in `error_description`.
fn quotable(says: &str) -> String {
    says.chars().filter(|c| matches!(c, ' '..='~') && *c != '"' && *c != '\\').collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uri::Issuer;

    #[test]
    fn a_challenge_names_metadata_scopes_and_what_was_wrong() {
        let resource = Issuer::parse("https://mcp.example.com").unwrap().resource(None);
        let scope = ScopeSet::parse("mcp:write mcp:read").unwrap();

        let bare = Challenge { resource: &resource, scope: &scope, error: None };
        let full = Challenge { error: Some((ErrorCode::InvalidToken, "say \"what\"\r\n")), ..bare.clone() };

        let start = r#"Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", scope="mcp:read mcp:write""#;
        assert_eq!(bare.header(), start);
        assert_eq!(full.header(), format!(r#"{start}, error="invalid_token", error_description="say what""#));
    }
}
