//! JSON objects of strangers, member by member: values as they were spelled, no name twice, no name in disguise.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of one object, in order.
pub(super) struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads an object; a name that comes twice is refused, for two readers may take different ones of the two.
    pub(super) fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let members = reader.deserialize_map(Collect)?;
        reader.end()?;
        Ok(Self(members))
    }

    /// The value of that name.
    pub(super) fn value(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// The names and values, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// The text of that name, where its value is one.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.value(name).and_then(text)
    }

    /// A name that is none of `known` but reads as one of them where case does not count, as it does not for some JSON
    /// libraries (Go's `encoding/json` takes `Name`, and even `paramſ`): what is decided over must be what is done.
    pub(super) fn disguised(&self, known: &[&str]) -> Option<&str> {
        let poses = |name: &str| !known.contains(&name) && known.iter().any(|real| fold(real) == fold(name));
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| poses(name))
    }
}

/// The text that `raw` spells, if it spells one.
pub(super) fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let plain = raw.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match plain {
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(raw.get()).ok().map(Cow::Owned),
    }
}

fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut members, mut seen) = (Vec::new(), HashSet::new());
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom("a member comes twice"));
            }
            members.push((name, value));
        }
        Ok(members)
    }
}
