//! The ID token (OpenID Connect Core §3.1.3.7): signed with a key of the issuer's, by it, for us, for this very sign-in,
//! just now.

use std::time::Duration;

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::jose::{JwkSet, JwsError, Unverified};
use bailiwick_domain::text;
use bailiwick_domain::time::{SKEW, Timestamp};
use serde_json::{Map, Value};

use super::UpstreamIssuer;

/// How old an ID token may be that was asked for a moment ago.
const OLDEST: Duration = Duration::from_mins(10);
/// The longest `sub` (OpenID Connect Core §2).
const MOST_SUBJECT: usize = 255;

/// What an ID token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a UpstreamIssuer,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// The claims of an ID token that says what was expected. Only [`Expected::check`] makes one.
pub(super) struct Claims(Map<String, Value>);

/// Why an ID token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IdTokenError {
    /// Algorithm, key, signature or form.
    #[error(transparent)]
    Signature(#[from] JwsError),
    /// Another class of token.
    #[error("its typ is not that of an ID token")]
    Class,
    /// Made by somebody else.
    #[error("another issuer")]
    Issuer,
    /// Made for somebody else.
    #[error("another audience")]
    Audience,
    /// Made for another sign-in.
    #[error("another nonce")]
    Nonce,
    /// Over, or without an end.
    #[error("expired")]
    Expired,
    /// Made too long ago, or in the future.
    #[error("not made just now")]
    IssuedAt,
    /// About nobody.
    #[error("no usable subject")]
    Subject,
}

impl Expected<'_> {
    /// Verifies the signature, then everything that the claims must say.
    pub(super) fn check(&self, raw: &str, keys: &JwkSet) -> Result<Claims, IdTokenError> {
        let verified = Unverified::parse(raw)?.verify(keys)?;
        if !matches!(verified.typ().as_str(), "" | "jwt") {
            return Err(IdTokenError::Class);
        }
        let claims = Claims(verified.claims()?);
        if !claims.text("iss").is_some_and(|said| self.issuer.is(said)) {
            return Err(IdTokenError::Issuer);
        }
        if !claims.is_for(self.client_id) {
            return Err(IdTokenError::Audience);
        }
        let ours = claims.text("nonce").is_some_and(|nonce| text::same(nonce.as_bytes(), self.nonce.as_bytes()));
        if !ours && holds(Control::LoginNonce) {
            return Err(IdTokenError::Nonce);
        }
        self.timely(&claims)?;
        if claims.subject().is_none() {
            return Err(IdTokenError::Subject);
        }
        Ok(claims)
    }

    fn timely(&self, claims: &Claims) -> Result<(), IdTokenError> {
        if claims.moment("exp").is_none_or(|exp| exp.after(SKEW) <= self.now) {
            return Err(IdTokenError::Expired);
        }
        let just_now = |iat: Timestamp| iat <= self.now.after(SKEW) && self.now.since(iat) <= OLDEST;
        if !claims.moment("iat").is_some_and(just_now) {
            return Err(IdTokenError::IssuedAt);
        }
        let begun = claims.0.contains_key("nbf");
        if begun && claims.moment("nbf").is_none_or(|nbf| nbf > self.now.after(SKEW)) {
            return Err(IdTokenError::IssuedAt);
        }
        Ok(())
    }
}

impl Claims {
    /// The account at the issuer.
    pub(super) fn subject(&self) -> Option<&str> {
        self.text("sub").filter(|sub| !sub.is_empty() && sub.len() <= MOST_SUBJECT && sub.is_ascii())
    }

    /// The session at the issuer, where it names one (OpenID Connect Back-Channel Logout §2.1).
    pub(super) fn session(&self) -> Option<&str> {
        self.text("sid").filter(|sid| !sid.is_empty() && sid.len() <= MOST_SUBJECT && sid.is_ascii())
    }

    /// Every claim.
    pub(super) fn all(&self) -> &Map<String, Value> {
        &self.0
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.0.get(claim).and_then(Value::as_str)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second, or a saturated end of time")]
    fn moment(&self, claim: &str) -> Option<Timestamp> {
        let value = self.0.get(claim)?;
        let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))?;
        Some(Timestamp::from_seconds(seconds))
    }

    /// True when the client is the audience; beside others it must also be the authorized party, and nobody else may be.
    fn is_for(&self, client_id: &str) -> bool {
        let (named, alone) = match self.0.get("aud") {
            Some(Value::String(one)) => (one == client_id, true),
            Some(Value::Array(many)) => (many.iter().any(|one| one == client_id), many.len() == 1),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => (false, true),
        };
        let party = match self.0.get("azp") {
            None => alone,
            Some(azp) => azp == client_id,
        };
        named && party
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_domain::jose::{Alg, KeyPair, Signer as _, sign_compact};
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    struct Provider {
        key: KeyPair,
        issuer: UpstreamIssuer,
    }

    impl Provider {
        fn new() -> Self {
            let issuer = UpstreamIssuer::parse("https://login.example.com").unwrap();
            Self { key: KeyPair::generate(Alg::Es256).unwrap(), issuer }
        }

        fn check(&self, token: &str) -> Result<String, IdTokenError> {
            let now = Timestamp::from_seconds(NOW);
            let expected = Expected { issuer: &self.issuer, client_id: "us", nonce: "n-1", now };
            let keys = JwkSet::new(vec![self.key.public()]);
            expected.check(token, &keys).map(|claims| claims.subject().unwrap().to_owned())
        }

        fn says(&self, change: impl FnOnce(&mut Value)) -> Result<String, IdTokenError> {
            let mut claims = claims();
            change(&mut claims);
            self.check(&sign_compact(&self.key, "JWT", &claims).unwrap())
        }
    }

    fn claims() -> Value {
        json!({ "iss": "https://login.example.com", "aud": "us", "sub": "u1", "nonce": "n-1", "exp": NOW + 300, "iat": NOW })
    }

    #[test]
    fn a_token_made_for_this_sign_in_is_believed() {
        let provider = Provider::new();

        assert_eq!(provider.says(|_| {}), Ok("u1".to_owned()));
        assert_eq!(provider.says(|it| it["aud"] = json!(["us"])), Ok("u1".to_owned()));
        assert_eq!(
            provider.says(|it| {
                it["aud"] = json!(["us", "them"]);
                it["azp"] = json!("us");
            }),
            Ok("u1".to_owned())
        );
    }

    #[test]
    fn each_claim_that_is_wrong_is_told_apart() {
        let provider = Provider::new();
        for (claim, value, error) in [
            ("iss", json!("https://login.example.com/"), IdTokenError::Issuer),
            ("iss", json!(null), IdTokenError::Issuer),
            ("aud", json!("them"), IdTokenError::Audience),
            ("aud", json!(["us", "them"]), IdTokenError::Audience),
            ("aud", json!([]), IdTokenError::Audience),
            ("azp", json!("them"), IdTokenError::Audience),
            ("nonce", json!("n-2"), IdTokenError::Nonce),
            ("nonce", json!(null), IdTokenError::Nonce),
            ("exp", json!(NOW - 60), IdTokenError::Expired),
            ("exp", json!("soon"), IdTokenError::Expired),
            ("iat", json!(NOW + 61), IdTokenError::IssuedAt),
            ("iat", json!(NOW - 601), IdTokenError::IssuedAt),
            ("iat", json!(null), IdTokenError::IssuedAt),
            ("nbf", json!(NOW + 61), IdTokenError::IssuedAt),
            ("sub", json!(""), IdTokenError::Subject),
            ("sub", json!(7), IdTokenError::Subject),
            ("sub", json!("x".repeat(256)), IdTokenError::Subject),
        ] {
            assert_eq!(provider.says(|it| it[claim] = value.clone()), Err(error), "{claim} {value}");
        }
    }

    #[test]
    fn no_algorithm_a_shared_secret_and_a_foreign_key_are_refused() {
        let provider = Provider::new();
        let part = |value: &Value| text::encode(value.to_string().as_bytes());
        for alg in ["none", "HS256", "None"] {
            let header = part(&json!({ "alg": alg, "kid": provider.key.kid() }));
            let token = format!("{header}.{}.{}", part(&claims()), text::encode(b"signature"));
            assert_eq!(provider.check(&token), Err(IdTokenError::Signature(JwsError::Algorithm)), "{alg}");
        }
        let stranger = KeyPair::generate(Alg::Es256).unwrap();
        let token = sign_compact(&stranger, "JWT", &claims()).unwrap();
        assert_eq!(provider.check(&token), Err(IdTokenError::Signature(JwsError::UnknownKey)));
        let access = sign_compact(&provider.key, "at+jwt", &claims()).unwrap();
        assert_eq!(provider.check(&access), Err(IdTokenError::Class));
    }
}
