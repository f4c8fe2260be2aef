//! Scopes (RFC 6749 §3.3): tokens of printable ASCII, held as an ordered set so that narrowing is set arithmetic.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One scope token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Scope(String);

impl Scope {
    /// Reads one token: `1*( %x21 / %x23-5B / %x5D-7E )`, at most 256 bytes.
    pub fn parse(raw: &str) -> Option<Self> {
        let fits = |b: u8| b == 0x21 || (0x23..=0x5b).contains(&b) || (0x5d..=0x7e).contains(&b);
        (!raw.is_empty() && raw.len() <= 256 && raw.bytes().all(fits)).then(|| Self(raw.to_owned()))
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(deserializer)?;
        Self::parse(&raw).ok_or_else(|| serde::de::Error::custom("not a scope token"))
    }
}

/// A set of scopes; its text is the space-delimited list of RFC 6749.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(BTreeSet<Scope>);

impl ScopeSet {
    /// Reads a space-delimited list; an empty text is the empty set, at most 64 tokens.
    pub fn parse(raw: &str) -> Option<Self> {
        let set: BTreeSet<Scope> = raw.split(' ').filter(|t| !t.is_empty()).map(Scope::parse).collect::<Option<_>>()?;
        (set.len() <= 64).then_some(Self(set))
    }

    /// True when nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when `scope` is in it.
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.contains(scope)
    }

    /// True when every scope of `self` is in `other`.
    pub fn within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// What both hold.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// What either holds.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// What `self` holds and `other` does not.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, scope) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(deserializer)?;
        Self::parse(&raw).ok_or_else(|| serde::de::Error::custom("not a list of scopes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(raw: &str) -> ScopeSet {
        ScopeSet::parse(raw).unwrap()
    }

    #[test]
    fn narrowing_is_set_arithmetic() {
        let held = set("notes:write notes:read");

        assert_eq!(held.to_string(), "notes:read notes:write");
        assert!(set("notes:read").within(&held) && !held.within(&set("notes:read")));
        assert_eq!(held.meet(&set("notes:read other")).to_string(), "notes:read");
        assert_eq!(held.minus(&set("notes:read")).to_string(), "notes:write");
        assert!(set("").is_empty());
    }

    #[test]
    fn quotes_backslashes_and_control_characters_are_no_scope() {
        for raw in ["a\"b", "a\\b", "a\tb", "a\nb", "ä", &"x".repeat(257)] {
            assert!(ScopeSet::parse(raw).is_none(), "{raw:?}");
        }
    }
}
