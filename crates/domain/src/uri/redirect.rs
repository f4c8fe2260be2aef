//! Redirect URIs: where the browser goes back to. The text is kept as registered and compared as text; nothing is
//! normalised, so that two parsers cannot disagree about it (RFC 9700 §4.1.3).

mod check;
mod loopback;

use std::fmt;

use serde::{Deserialize, Serialize};

use check::{MOST, authority, host};
use loopback::Loopback;

/// A registered redirect URI.
///
/// Only [`RedirectUri::register`] makes one:
/// ```compile_fail
/// # use bailiwick_domain::uri::RedirectUri;
/// let unchecked = RedirectUri("javascript:alert(1)".to_owned());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(String);

/// Why a redirect URI cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// Longer than we keep.
    #[error("a redirect URI is at most {MOST} bytes long")]
    TooLong,
    /// Something that is no URI character: white space, a control, a backslash, anything beyond ASCII.
    #[error("a redirect URI is made of URI characters only")]
    Character,
    /// A `*`: comparison is exact, so it would never match.
    #[error("a redirect URI is compared exactly; wildcards are not supported")]
    Wildcard,
    /// A `#`.
    #[error("a redirect URI must not have a fragment")]
    Fragment,
    /// `user@` before the host.
    #[error("a redirect URI must not carry a user name")]
    UserInfo,
    /// `.` or `..` in the path, plain or encoded.
    #[error("a redirect URI must not have dot segments")]
    DotSegment,
    /// A host that is missing or that parsers read differently.
    #[error("the host of a redirect URI must be written plainly")]
    Host,
    /// Plain http to another machine.
    #[error("a redirect URI is https, or http on 127.0.0.1, [::1] or localhost")]
    PlainHttp,
    /// `javascript:`, `data:` and every other scheme that is not an app's own.
    #[error("a redirect URI is https, http on loopback, or an app's own scheme such as com.example.app:/callback")]
    Scheme,
}

impl RedirectUri {
    /// Reads a redirect URI at registration.
    ///
    /// # Errors
    /// [`RedirectError`] says what is wrong with it.
    pub fn register(raw: &str) -> Result<Self, RedirectError> {
        check::redirect(raw)?;
        Ok(Self(raw.to_owned()))
    }

    /// The text as registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a person is shown: the host, or the scheme of an app's own URI.
    pub fn host(&self) -> &str {
        match self.scheme() {
            "http" | "https" => host(&self.0),
            scheme => scheme,
        }
    }

    /// True when it leads to a program on the person's own machine, on whatever port.
    pub fn is_loopback(&self) -> bool {
        Loopback::read(&self.0).is_some()
    }

    /// True when `presented` is this URI: the same text, or on loopback the same but for the port (RFC 8252 §7.3).
    pub fn accepts(&self, presented: &str) -> bool {
        if self.0 == presented {
            return true;
        }
        let registered = Loopback::read(&self.0);
        registered.is_some() && registered == Loopback::read(presented)
    }

    /// The source expression of a content security policy that lets a form lead there.
    pub fn origin(&self) -> String {
        match (Loopback::read(&self.0), self.scheme()) {
            // A host-source cannot spell an IPv6 address (CSP 3 §2.3.1), so the scheme must do.
            (Some(Loopback { host: "[::1]", .. }), _) => "http:".to_owned(),
            (Some(Loopback { host, .. }), _) => format!("http://{host}:*"),
            (None, "https") => format!("https://{}", authority(&self.0)),
            (None, scheme) => format!("{scheme}:"),
        }
    }

    fn scheme(&self) -> &str {
        self.0.split_once(':').map_or("", |(scheme, _)| scheme)
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = RedirectError;

    fn try_from(raw: String) -> Result<Self, RedirectError> {
        Self::register(&raw)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

#[cfg(test)]
mod tests;
