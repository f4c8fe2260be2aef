//! The claims of an assertion, read strictly.

use serde_json::{Map, Value};

use super::{AssertionError, Once};
use crate::control::{Control, holds};
use crate::ids::ClientId;
use crate::text;
use crate::time::{SKEW, Timestamp};

/// The longest `jti`, in bytes.
const MOST_JTI: usize = 256;
/// Claims by which a JWT without a telling `typ` is known for an ID token, a logout token or a security event.
const FOREIGN: [&str; 4] = ["nonce", "at_hash", "c_hash", "events"];

/// Claims under a good signature.
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    pub(super) fn new(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// True when they are those of another class of token.
    pub(super) fn are_foreign(&self) -> bool {
        FOREIGN.iter().any(|claim| self.0.contains_key(*claim))
    }

    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.0.get(claim).and_then(Value::as_str)
    }

    /// Every audience; none at all when one of them is no text.
    pub(super) fn audiences(&self) -> Vec<&str> {
        match self.0.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().map(Value::as_str).collect::<Option<_>>().unwrap_or_default(),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
        }
    }

    /// A `NumericDate`, where there is one: whole seconds, not before the epoch.
    fn moment(&self, claim: &str) -> Result<Option<Timestamp>, AssertionError> {
        let Some(value) = self.0.get(claim) else { return Ok(None) };
        let seconds = value.as_i64().filter(|seconds| *seconds >= 0).ok_or(AssertionError::Claims)?;
        Ok(Some(Timestamp::from_seconds(seconds)))
    }

    /// `exp` and `iat` of an assertion that is neither over nor from the future.
    pub(super) fn timely(&self, now: Timestamp) -> Result<(Timestamp, Option<Timestamp>), AssertionError> {
        let exp = self.moment("exp")?.ok_or(AssertionError::Claims)?;
        let (iat, nbf) = (self.moment("iat")?, self.moment("nbf")?);
        if now >= exp && holds(Control::AssertionExpiry) {
            return Err(AssertionError::Expired);
        }
        if iat.max(nbf).is_some_and(|begin| begin > now.after(SKEW)) {
            return Err(AssertionError::NotYet);
        }
        Ok((exp, iat))
    }

    /// What must be remembered. Other processes may be a little behind, and would still take the assertion.
    pub(super) fn once(&self, client: &ClientId, exp: Timestamp) -> Result<Once, AssertionError> {
        let jti = self.text("jti").filter(|jti| (1..=MOST_JTI).contains(&jti.len())).ok_or(AssertionError::Claims)?;
        let named = [client.as_str().as_bytes(), b"\0", jti.as_bytes()].concat();
        Ok(Once { key: text::encode(&text::sha256(&named)), until: exp.after(SKEW) })
    }
}
