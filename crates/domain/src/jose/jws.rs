//! Compact JSON Web Signatures (RFC 7515): nothing inside one is believed before its signature is.

use serde_json::{Map, Value};

use super::jwk::MOST_KID;
use super::set::Found;
use super::{Alg, JwkSet, strict};
use crate::control::{self, Control};
use crate::text;

/// The largest token read, in bytes.
pub const MOST_BYTES: usize = 16 * 1024;
/// The largest header, in bytes of base64url.
const MOST_HEADER: usize = 2 * 1024;
/// Header members that would choose the key, change what is signed, or unpack: none of them is understood, so none may
/// be there (RFC 7515 §4.1.11, RFC 7797, RFC 8725 §3.10).
const REFUSED: [&str; 7] = ["crit", "jwk", "jku", "x5u", "x5c", "b64", "zip"];

/// A token as it came. Its claims have no way out but [`Unverified::verify`]; a [`Hint`] is good for nothing but a search.
///
/// ```compile_fail
/// # use bailiwick_domain::jose::Unverified;
/// fn believe(raw: &str) -> serde_json::Value { Unverified::parse(raw).unwrap().claims().unwrap() }
/// ```
#[derive(Debug)]
pub struct Unverified<'a> {
    input: &'a str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// A token whose signature one of the keys made. Only [`Unverified::verify`] makes one.
#[derive(Debug)]
pub struct Verified {
    header: Header,
    payload: Vec<u8>,
}

/// What an unverified token says of itself, to search by: see [`Unverified::hint`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// Its `iss`.
    pub issuer: Option<String>,
    /// Its `sub`.
    pub subject: Option<String>,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Too long, not three parts, not base64url, or not strict JSON.
    #[error("not a well-formed signed token")]
    Malformed,
    /// A header member that is never accepted.
    #[error("the token's header asks for something that is never done")]
    Header,
    /// An algorithm off the list, or one that does not fit the key.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// Signed with a key that is not in the set.
    #[error("the token was signed with an unknown key")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
}

#[derive(Debug)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart: exactly three parts, each strict base64url, sizes checked before anything is decoded.
    ///
    /// # Errors
    /// [`JwsError::Malformed`] or [`JwsError::Header`].
    pub fn parse(raw: &'a str) -> Result<Self, JwsError> {
        if raw.len() > MOST_BYTES {
            return Err(JwsError::Malformed);
        }
        let (input, signature) = raw.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = input.split_once('.').ok_or(JwsError::Malformed)?;
        if header.len() > MOST_HEADER {
            return Err(JwsError::Malformed);
        }
        // A fourth part would leave a dot in the payload, which base64url has not.
        let decode = |part| text::decode(part).ok_or(JwsError::Malformed);
        let header = Header::read(&decode(header)?)?;
        Ok(Self { input, header, payload: decode(payload)?, signature: decode(signature)? })
    }

    /// Verifies the signature with the key of the set that the header names, if its type is for that algorithm.
    ///
    /// # Errors
    /// [`JwsError::Algorithm`], [`JwsError::UnknownKey`] or [`JwsError::Signature`].
    pub fn verify(self, keys: &JwkSet) -> Result<Verified, JwsError> {
        self.check(keys)?;
        Ok(Verified { header: self.header, payload: self.payload })
    }

    /// Whom it says it is by and about. Nothing here is believed: it only tells whose keys to try.
    pub fn hint(&self) -> Hint {
        let claims = object(&self.payload).unwrap_or_default();
        let text = |claim: &str| claims.get(claim).and_then(Value::as_str).map(str::to_owned);
        Hint { issuer: text("iss"), subject: text("sub") }
    }

    fn check(&self, keys: &JwkSet) -> Result<(), JwsError> {
        let Some(alg) = Alg::parse(&self.header.alg) else {
            // Without its closed list a verifier would believe `none`; so does the mutant.
            return if control::holds(Control::Algorithm) { Err(JwsError::Algorithm) } else { Ok(()) };
        };
        if !control::holds(Control::Signature) {
            return Ok(());
        }
        match keys.find(self.header.kid.as_deref(), alg) {
            Found::Key(key) if key.verifies(alg, self.input.as_bytes(), &self.signature) => Ok(()),
            Found::Key(_) => Err(JwsError::Signature),
            Found::Misfit => Err(JwsError::Algorithm),
            Found::Unknown => Err(JwsError::UnknownKey),
        }
    }
}

impl Verified {
    /// The class of token (RFC 8725 §3.11), without `application/` and in lower case; empty when there is none.
    pub fn typ(&self) -> String {
        let typ = self.header.typ.as_deref().unwrap_or("").to_ascii_lowercase();
        typ.strip_prefix("application/").map_or_else(|| typ.clone(), str::to_owned)
    }

    /// The claims.
    ///
    /// # Errors
    /// [`JwsError::Malformed`] when they are not one strict JSON object.
    pub fn claims(&self) -> Result<Map<String, Value>, JwsError> {
        object(&self.payload)
    }
}

impl Header {
    fn read(json: &[u8]) -> Result<Self, JwsError> {
        let mut members = object(json)?;
        if REFUSED.iter().any(|member| members.contains_key(*member)) {
            return Err(JwsError::Header);
        }
        let mut take = |member: &str| match members.remove(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(JwsError::Malformed)
            }
        };
        let (alg, kid, typ) = (take("alg")?.ok_or(JwsError::Malformed)?, take("kid")?, take("typ")?);
        if kid.as_ref().is_some_and(|kid| kid.len() > MOST_KID) {
            return Err(JwsError::Malformed);
        }
        // A token within a token: its inner claims would be the ones that count.
        if take("cty")?.is_some_and(|cty| cty.to_ascii_lowercase().ends_with("jwt")) {
            return Err(JwsError::Header);
        }
        Ok(Self { alg, kid, typ })
    }
}

fn object(json: &[u8]) -> Result<Map<String, Value>, JwsError> {
    match strict::read(json) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) | Err(_) => {
            Err(JwsError::Malformed)
        }
    }
}
