//! Key sets (RFC 7517 §5): what one issuer signs with.

use serde::Serialize;
use serde_json::Value;

use super::{Alg, Jwk, JwkError, strict};

/// The largest document, in bytes.
const MOST_BYTES: usize = 64 * 1024;
/// The most keys in one document.
const MOST_KEYS: usize = 100;

/// The public keys of one issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

/// What a search for a key came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// The key.
    Key(&'a Jwk),
    /// That key is not for this algorithm.
    Misfit,
    /// No such key.
    Unknown,
}

impl JwkSet {
    /// The set of these keys.
    pub fn new(keys: Vec<Jwk>) -> Self {
        Self { keys }
    }

    /// Reads a document. Keys that cannot verify here are passed over (RFC 7517 §5); one private key spoils it all.
    ///
    /// # Errors
    /// [`JwkError::Malformed`] or [`JwkError::Private`].
    pub fn parse(json: &[u8]) -> Result<Self, JwkError> {
        Self::read(json, Jwk::from_json)
    }

    /// Reads the bundle of a SPIFFE trust domain (SPIFFE Trust Domain and Bundle §4): of its keys, those that sign
    /// JWT-SVIDs.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_spiffe_bundle(json: &[u8]) -> Result<Self, JwkError> {
        Self::read(json, |key| Jwk::of_use(key, "jwt-svid"))
    }

    fn read(json: &[u8], key_of: impl Fn(&Value) -> Result<Jwk, JwkError>) -> Result<Self, JwkError> {
        if json.len() > MOST_BYTES {
            return Err(JwkError::Malformed);
        }
        let document = strict::read(json).map_err(|_| JwkError::Malformed)?;
        let listed = document.get("keys").and_then(|keys| keys.as_array()).ok_or(JwkError::Malformed)?;
        if listed.len() > MOST_KEYS {
            return Err(JwkError::Malformed);
        }
        let mut keys = Vec::new();
        for json in listed {
            match key_of(json) {
                Ok(key) => keys.push(key),
                Err(JwkError::Unsupported | JwkError::Weak) => {}
                Err(error @ (JwkError::Malformed | JwkError::Private)) => return Err(error),
            }
        }
        Ok(Self { keys })
    }

    /// The keys.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The key a token was signed with: by its `kid`; without one, the only key that fits the algorithm.
    pub(super) fn find(&self, kid: Option<&str>, alg: Alg) -> Found<'_> {
        let named = || self.keys.iter().filter(|key| kid.is_none_or(|kid| key.kid() == kid));
        let mut fitting = named().filter(|key| key.fits(alg));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Found::Key(key),
            (None, _) if named().next().is_some() => Found::Misfit,
            (None | Some(_), _) => Found::Unknown,
        }
    }
}
