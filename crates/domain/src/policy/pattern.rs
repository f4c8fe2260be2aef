//! Patterns over tool names, as the operator writes them: `get_*`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A glob with `*` only, which stands for any run of characters, also an empty one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// Reads a pattern: not empty, at most 256 bytes.
    pub fn parse(raw: &str) -> Option<Self> {
        (!raw.is_empty() && raw.len() <= 256).then(|| Self(raw.to_owned()))
    }

    /// True when the whole of `name` fits.
    pub fn matches(&self, name: &str) -> bool {
        let Some((head, rest)) = self.0.split_once('*') else {
            return self.0 == name;
        };
        let Some(mut left) = name.strip_prefix(head) else {
            return false;
        };
        // The leftmost fit of each middle piece leaves the most for those after it, so there is nothing to go back to:
        // the time is bounded by the two lengths, whatever a server calls its tools.
        let mut pieces = rest.split('*');
        let tail = pieces.next_back().unwrap_or("");
        for piece in pieces {
            let Some((_, after)) = left.split_once(piece) else {
                return false;
            };
            left = after;
        }
        left.ends_with(tail)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(deserializer)?;
        Self::parse(&raw).ok_or_else(|| serde::de::Error::custom("a pattern is 1 to 256 bytes of text"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(name)
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        let fitting =
            [("get_*", "get_"), ("get_*", "get_user"), ("*", ""), ("*_note", "add_note"), ("a*b*c", "aXbbYc")];
        for (pattern, name) in fitting {
            assert!(fits(pattern, name), "{pattern} should fit {name}");
        }
        let foreign = [("get_*", "forget_x"), ("get", "get_user"), ("a*a", "a"), ("a*b*b", "ab"), ("Get_*", "get_x")];
        for (pattern, name) in foreign {
            assert!(!fits(pattern, name), "{pattern} should not fit {name}");
        }
    }

    #[test]
    fn nothing_but_a_star_is_special() {
        assert!(fits("a.?[b]", "a.?[b]"));
        assert!(!fits("a.c", "abc"));
    }

    /// The definition, by trying everything.
    fn naive(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), None) => naive(rest, name),
            (Some(('*', rest)), Some((_, tail))) => naive(rest, name) || naive(pattern, tail),
            (Some((p, rest)), Some((n, tail))) => p == n && naive(rest, tail),
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    proptest! {
        #[test]
        fn matching_follows_the_definition(pattern in "[ab*é]{1,8}", name in "[abé]{0,10}") {
            let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
            prop_assert_eq!(fits(&pattern, &name), naive(&p, &n));
        }
    }
}
