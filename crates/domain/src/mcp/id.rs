//! Request ids (JSON-RPC 2.0 §4), kept as they were spelled so that the answer carries the same.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::members::text;

/// The id of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// A number, in the digits it came in.
    Number(Box<str>),
    /// A text.
    Text(String),
}

impl Id {
    /// An id of our own making.
    pub fn number(value: u64) -> Self {
        Self::Number(value.to_string().into_boxed_str())
    }

    /// Reads an id: a text or a number of at most 1 KiB; MCP forbids null.
    pub fn read(raw: &RawValue) -> Option<Self> {
        let spelled = raw.get();
        match spelled.bytes().next()? {
            _ if spelled.len() > 1024 => None,
            b'"' => text(raw).map(|text| Self::Text(text.into_owned())),
            b'-' | b'0'..=b'9' => Some(Self::Number(spelled.into())),
            _ => None,
        }
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(spelled) => match serde_json::from_str::<&RawValue>(spelled) {
                Ok(raw) => raw.serialize(serializer),
                Err(_) => Err(serde::ser::Error::custom("an id that is not a number")),
            },
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}
