//! What a request is about: which server, which scopes.

use bailiwick_domain::error::ErrorCode;
use bailiwick_domain::grant::AuthorizeError;
use bailiwick_domain::policy::Server;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::uri::Resource;

/// Why the answer that goes back to the client is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    /// The request itself.
    #[error("{0}")]
    Request(AuthorizeError),
    /// No server of that name.
    #[error("resource is not a server here")]
    UnknownTarget,
    /// No server named, and more than one to choose from.
    #[error("resource is missing, and there is more than one server here")]
    NoTarget,
    /// No scope of the server among those asked for.
    #[error("none of these scopes exists at this server")]
    Scope,
    /// `prompt=none`, and nobody is signed in.
    #[error("nobody is signed in")]
    Login,
    /// `prompt=none`, and nobody was asked.
    #[error("consent is needed")]
    Consent,
    /// The person said no.
    #[error("access was denied")]
    Denied,
    /// The person may hold none of it.
    #[error("this account may hold none of these scopes")]
    Beyond,
}

impl Reason {
    /// The code on the wire (RFC 6749 §4.1.2.1, RFC 8707 §2, OpenID Connect Core §3.1.2.6).
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Request(error) => error.code().as_str(),
            Self::UnknownTarget | Self::NoTarget => ErrorCode::InvalidTarget.as_str(),
            Self::Scope => ErrorCode::InvalidScope.as_str(),
            Self::Login => ErrorCode::LoginRequired.as_str(),
            Self::Consent => "consent_required",
            Self::Denied | Self::Beyond => ErrorCode::AccessDenied.as_str(),
        }
    }

    /// True when the client asked to be answered without a page (`prompt=none`), or a person has answered.
    pub(crate) fn is_expected(self) -> bool {
        match self {
            Self::Login | Self::Consent | Self::Denied | Self::Beyond => true,
            Self::Request(_) | Self::UnknownTarget | Self::NoTarget | Self::Scope => false,
        }
    }
}

/// Why there is no server to speak of.
pub(crate) fn no_server(asked: Option<&Resource>) -> Reason {
    if asked.is_some() { Reason::UnknownTarget } else { Reason::NoTarget }
}

/// The scopes to ask the person for: those asked for that exist here; without any, the ones to begin with.
/// `offline_access` says nothing here, because refreshing is up to the client's registration.
pub(crate) fn scope(server: &Server, asked: &ScopeSet) -> Result<ScopeSet, Reason> {
    let offline = ScopeSet::parse("offline_access").unwrap_or_default();
    let asked = asked.minus(&offline);
    if !asked.is_empty() {
        let known = asked.meet(&server.all_scopes());
        return if known.is_empty() { Err(Reason::Scope) } else { Ok(known) };
    }
    let baseline = server.baseline();
    let scope = if baseline.is_empty() { server.all_scopes() } else { baseline };
    if scope.is_empty() { Err(Reason::Scope) } else { Ok(scope) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_domain::uri::Issuer;

    #[test]
    fn unknown_scopes_are_dropped_unless_nothing_remains() {
        let resource = Issuer::parse("http://localhost:8787").unwrap().resource(None);
        let server = Server::new(None, "Notes".to_owned(), resource, None);
        let ask = |raw: &str| scope(&server, &ScopeSet::parse(raw).unwrap()).map(|scope| scope.to_string());

        assert_eq!(ask(""), Ok("mcp:read mcp:write".to_owned()));
        assert_eq!(ask("offline_access"), Ok("mcp:read mcp:write".to_owned()));
        assert_eq!(ask("openid mcp:destructive"), Ok("mcp:destructive".to_owned()));
        assert_eq!(ask("openid profile"), Err(Reason::Scope));
    }
}
