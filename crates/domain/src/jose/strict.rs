//! JSON as a token may contain it: no member twice, bounded depth, lengths and nothing after the end. Two readers that
//! disagree about a repeated member are how a checked claim becomes an unchecked one.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The deepest nesting of arrays and objects; the document itself is the first level.
const MOST_DEPTH: usize = 16;
/// The longest string, in bytes.
const MOST_STRING: usize = 8 * 1024;
/// The most elements of one array, or members of one object.
const MOST_ELEMENTS: usize = 1024;

/// The JSON is malformed, repeats a member, or is too deep or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not strict JSON")]
pub struct StrictError;

/// Reads one JSON document.
///
/// # Errors
/// [`StrictError`]; memory and time stay bounded by the part that was acceptable.
pub fn read(json: &[u8]) -> Result<Value, StrictError> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = Strict { depth: 0 }.deserialize(&mut reader).map_err(|_| StrictError)?;
    reader.end().map_err(|_| StrictError)?;
    Ok(value)
}

/// One level of the document; `depth` levels lie around it.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MOST_DEPTH { Err(E::custom("too deep")) } else { Ok(Self { depth: self.depth + 1 }) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("strict JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not finite"))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        if value.len() > MOST_STRING { Err(E::custom("too long")) } else { Ok(Value::String(value)) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(below)? {
            if list.len() >= MOST_ELEMENTS {
                return Err(A::Error::custom("too many elements"));
            }
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) || object.len() >= MOST_ELEMENTS {
                return Err(A::Error::custom("a member twice, or too many"));
            }
            object.insert(name, members.next_value_seed(below)?);
        }
        Ok(Value::Object(object))
    }
}
