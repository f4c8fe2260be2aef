//! An assertion presented as a grant (RFC 7522 §3): made for the token endpoint and for nothing else.

use std::time::Duration;

use bailiwick_domain::time::Timestamp;

use crate::assertion::{self, Answers, Assertion, Wanted};
use crate::metadata::IdentityProvider;
use crate::names::{SAML, SAMLP};
use crate::xml::Tree;
use crate::{SamlError, text};

/// The longest assertion that is read, in bytes.
const MOST_BYTES: usize = 64 * 1024;

/// An assertion as it was presented: whom it says it is by is known, and nothing else.
pub struct Presented {
    raw: String,
    issuer: String,
}

/// Whom and what an assertion must be for.
pub struct Addressed<'a> {
    /// Its issuer.
    pub provider: &'a IdentityProvider,
    /// The issuer of our own tokens.
    pub audience: &'a str,
    /// Our token endpoint.
    pub recipient: &'a str,
    /// How long it may hold at most: as long as it is remembered.
    pub longest: Duration,
    /// Now.
    pub now: Timestamp,
}

impl Presented {
    /// Reads the `assertion` parameter (RFC 7522 §2.1).
    ///
    /// # Errors
    /// [`SamlError`] when it is none; [`SamlError::WebSso`] for a whole answer that was made for a browser.
    pub fn parse(parameter: &str) -> Result<Self, SamlError> {
        if parameter.len() > MOST_BYTES / 3 * 4 + 4 {
            return Err(SamlError::TooLong);
        }
        let raw = text::utf8(text::from_base64url(parameter)?)?;
        let tree = Tree::parse(&raw, MOST_BYTES)?;
        let root = tree.root()?;
        if tree.is(root, SAMLP, "Response") {
            return Err(SamlError::WebSso);
        }
        if !tree.is(root, SAML, "Assertion") {
            return Err(SamlError::Shape("assertion"));
        }
        let issuer = tree.text(tree.one(root, (SAML, "Issuer"))?)?;
        drop(tree);
        Ok(Self { raw, issuer })
    }

    /// Whom it says it is by: good for choosing whose keys to try.
    pub fn claimed_issuer(&self) -> &str {
        &self.issuer
    }

    /// Verifies it.
    ///
    /// # Errors
    /// [`SamlError`] with the first rule that was broken.
    pub fn verify(&self, addressed: &Addressed<'_>) -> Result<Assertion, SamlError> {
        let tree = Tree::parse(&self.raw, MOST_BYTES)?;
        let wanted = Wanted {
            issuer: &addressed.provider.entity_id,
            keys: &addressed.provider.keys,
            audience: addressed.audience,
            recipient: addressed.recipient,
            answers: Answers::Nothing,
            now: addressed.now,
            longest: addressed.longest,
        };
        assertion::read(&tree, &wanted)
    }
}
