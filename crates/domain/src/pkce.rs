//! Proof Key for Code Exchange (RFC 7636), S256 only: `plain` has no type here, so it cannot be accepted.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::control::{self, Control};
use crate::entropy::{Entropy, draw};
use crate::text;

/// An S256 `code_challenge`: 43 characters of base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Challenge(String);

impl Challenge {
    /// Reads a challenge as sent with `code_challenge_method=S256`.
    pub fn parse(raw: &str) -> Option<Self> {
        (raw.len() == 43 && text::decode(raw)?.len() == 32).then(|| Self(raw.to_owned()))
    }

    /// True when `verifier` opens this challenge (RFC 7636 §4.6), in constant time.
    pub fn opens_with(&self, verifier: &Verifier) -> bool {
        text::same(self.0.as_bytes(), verifier.challenge().0.as_bytes()) || !control::holds(Control::Pkce)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A `code_verifier`: 43 to 128 unreserved characters (RFC 7636 §4.1).
pub struct Verifier(Zeroizing<String>);

impl Verifier {
    /// Reads a verifier off the wire.
    pub fn parse(raw: &str) -> Option<Self> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        ((43..=128).contains(&raw.len()) && raw.bytes().all(fits)).then(|| Self(Zeroizing::new(raw.to_owned())))
    }

    /// Draws a new verifier, for the client side.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(text::encode(&draw::<32>(entropy))))
    }

    /// Its S256 challenge.
    pub fn challenge(&self) -> Challenge {
        Challenge(text::encode(&text::sha256(self.0.as_bytes())))
    }

    /// The text for the token request.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_opens() {
        let verifier = Verifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let challenge = Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();

        assert!(challenge.opens_with(&verifier));
        assert!(!challenge.opens_with(&Verifier::parse(&"a".repeat(43)).unwrap()));
    }

    #[test]
    fn what_is_not_s256_is_no_challenge() {
        for raw in
            ["", "short", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c=", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN"]
        {
            assert!(Challenge::parse(raw).is_none(), "{raw}");
        }
        for raw in ["short", &"a".repeat(129), &"ä".repeat(43), &" ".repeat(43)] {
            assert!(Verifier::parse(raw).is_none(), "{raw}");
        }
    }
}
