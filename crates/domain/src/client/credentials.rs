//! Client authentication as it arrives (RFC 6749 §2.3): exactly one method, read strictly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::{Assertion, AssertionError, AssertionType, AuthMethod};
use crate::error::ErrorCode;
use crate::ids::ClientId;

/// The longest secret accepted, in bytes.
const MOST_SECRET: usize = 1024;

/// What came with a request, field by field; an empty one counts as omitted.
#[derive(Clone, Copy, Default)]
pub struct Sent<'a> {
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// `client_id`.
    pub client_id: Option<&'a str>,
    /// `client_secret`.
    pub client_secret: Option<&'a str>,
    /// `client_assertion` (RFC 7521 §4.2).
    pub client_assertion: Option<&'a str>,
    /// `client_assertion_type`.
    pub client_assertion_type: Option<&'a str>,
}

/// What a client showed of itself; nothing is checked against the client yet.
pub enum Presented {
    /// Only its name.
    None {
        /// The client.
        id: ClientId,
    },
    /// A secret in the `Authorization` header.
    Basic {
        /// The client.
        id: ClientId,
        /// Its secret.
        secret: Zeroizing<String>,
    },
    /// A secret in the form.
    Post {
        /// The client.
        id: ClientId,
        /// Its secret.
        secret: Zeroizing<String>,
    },
    /// A signed assertion.
    Assertion {
        /// The client, where it was named beside the assertion.
        id: Option<ClientId>,
        /// The assertion.
        assertion: Assertion,
    },
}

impl Presented {
    /// Who it says it is; with an assertion it need not say so.
    pub fn client_id(&self) -> Option<&ClientId> {
        match self {
            Self::None { id } | Self::Basic { id, .. } | Self::Post { id, .. } => Some(id),
            Self::Assertion { id, .. } => id.as_ref(),
        }
    }
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let method = match self {
            Self::None { .. } => "None",
            Self::Basic { .. } => "Basic",
            Self::Post { .. } => "Post",
            Self::Assertion { .. } => "Assertion",
        };
        write!(f, "{method}({}, ..)", self.client_id().map_or("", ClientId::as_str))
    }
}

/// Why a client's authentication is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Neither header nor `client_id`.
    #[error("client_id is missing or malformed")]
    Missing,
    /// Two methods at once.
    #[error("a client authenticates by one method only")]
    Several,
    /// A header that is no Basic credential.
    #[error("the Authorization header is not a Basic credential")]
    Basic,
    /// Not the client that was looked up.
    #[error("this client is not known here")]
    Client,
    /// Not the method it registered.
    #[error("this client authenticates by {0}")]
    Method(AuthMethod),
    /// Not its secret.
    #[error("the client secret is wrong")]
    Secret,
    /// An assertion that does not stand for it.
    #[error(transparent)]
    Assertion(#[from] AssertionError),
}

impl CredentialError {
    /// The code on the wire (RFC 6749 §5.2).
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Several => ErrorCode::InvalidRequest,
            Self::Missing | Self::Basic | Self::Client | Self::Method(_) | Self::Secret | Self::Assertion(_) => {
                ErrorCode::InvalidClient
            }
        }
    }
}

/// Reads client authentication out of what was sent.
///
/// # Errors
/// [`CredentialError`] when there is none, more than one, or one that cannot be read.
pub fn presented(sent: &Sent<'_>) -> Result<Presented, CredentialError> {
    let named = given(sent.client_id).map(|text| ClientId::parse(text).ok_or(CredentialError::Missing)).transpose()?;
    let assertion = (given(sent.client_assertion), given(sent.client_assertion_type));
    match (sent.authorization, given(sent.client_secret), assertion) {
        (Some(header), None, (None, None)) => {
            let (id, secret) = basic(header).ok_or(CredentialError::Basic)?;
            // RFC 6749 §3.2.1 lets a client repeat its name in the form; another name is another client.
            if named.is_some_and(|named| named != id) {
                return Err(CredentialError::Several);
            }
            Ok(Presented::Basic { id, secret })
        }
        (None, Some(secret), (None, None)) if secret.len() > MOST_SECRET => Err(CredentialError::Secret),
        (None, Some(secret), (None, None)) => Ok(Presented::Post {
            id: named.ok_or(CredentialError::Missing)?,
            secret: Zeroizing::new(secret.to_owned()),
        }),
        (None, None, (None, None)) => Ok(Presented::None { id: named.ok_or(CredentialError::Missing)? }),
        (None, None, (raw, kind)) => {
            let kind = kind.and_then(AssertionType::named).ok_or(AssertionError::Type)?;
            let assertion = Assertion::new(kind, raw.ok_or(CredentialError::Missing)?);
            Ok(Presented::Assertion { id: named, assertion })
        }
        _ => Err(CredentialError::Several),
    }
}

/// A field that says something.
fn given(field: Option<&str>) -> Option<&str> {
    field.filter(|text| !text.is_empty())
}

/// RFC 7617, each half form-encoded before (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(ClientId, Zeroizing<String>)> {
    let (scheme, credential) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = Zeroizing::new(STANDARD.decode(credential.trim_matches(' ')).ok()?);
    let (id, secret) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    let secret = Zeroizing::new(form_decoded(secret)?);
    let id = ClientId::parse(&form_decoded(id)?)?;
    (!secret.is_empty() && secret.len() <= MOST_SECRET).then_some((id, secret))
}

/// Undoes `application/x-www-form-urlencoded`; `None` when it is not properly encoded UTF-8.
fn form_decoded(raw: &str) -> Option<String> {
    let whole = raw
        .split('%')
        .skip(1)
        .all(|after| after.get(..2).is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit())));
    // `&` and `=` come encoded; plain ones belong to a sender that encodes nothing, and stay as they are.
    let closed = raw.replace('&', "%26").replace('=', "%3D");
    let text = form_urlencoded::parse(closed.as_bytes()).next().map_or_else(String::new, |(text, _)| text.into_owned());
    (whole && !text.contains('\u{fffd}')).then_some(text)
}

#[cfg(test)]
mod tests;
