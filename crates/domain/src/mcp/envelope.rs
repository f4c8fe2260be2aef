//! The JSON-RPC envelope: what one message is and what it is about, borrowed from the bytes it came in.
//!
//! What is decided over must be what is done: the server behind reads the same bytes with another parser. So every text
//! that two parsers might read differently, a member that comes twice or hides behind another case, is refused where
//! a name could stand in it.

mod error;

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::id::Id;
use super::members::{Members, text};
use super::method::Method;
use super::params::Params;

pub use error::EnvelopeError;

/// How deep a message may nest.
pub const MOST_DEPTH: usize = 128;

/// One message.
#[derive(Clone, Debug)]
pub enum Message<'a> {
    /// It wants an answer.
    Request {
        /// What the answer is to carry.
        id: Id,
        /// The method's name.
        method: Cow<'a, str>,
        /// Its parameters, as they were spelled.
        params: Option<&'a RawValue>,
    },
    /// It wants none.
    Notification {
        /// The method's name.
        method: Cow<'a, str>,
        /// Its parameters, as they were spelled.
        params: Option<&'a RawValue>,
    },
    /// It is the answer to a request, with a result or an error but never both.
    Response {
        /// The request's; absent where the other side could not read it.
        id: Option<Id>,
        /// The result, as it was spelled.
        result: Option<&'a RawValue>,
        /// The error, as it was spelled.
        error: Option<&'a RawValue>,
    },
}

/// One message with the text it came in.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    text: &'a str,
    message: Message<'a>,
    params: Params<'a>,
}

impl<'a> Envelope<'a> {
    /// Reads one message.
    pub fn parse(body: &'a [u8]) -> Result<Self, EnvelopeError> {
        let text = std::str::from_utf8(body).map_err(|_| EnvelopeError::NotText)?;
        if nests_beyond(text, MOST_DEPTH) {
            return Err(EnvelopeError::TooDeep);
        }
        match text.trim_start_matches([' ', '\t', '\r', '\n']).bytes().next() {
            Some(b'{') => {}
            Some(b'[') => return Err(EnvelopeError::Batch),
            Some(_) if serde_json::from_str::<&RawValue>(text).is_ok() => return Err(EnvelopeError::NotObject),
            Some(_) | None => return Err(EnvelopeError::NotJson),
        }
        let members = members(text, "the message")?;
        if members.disguised(&["jsonrpc", "id", "method", "params", "result", "error"]).is_some() {
            return Err(EnvelopeError::Disguised("the message"));
        }
        let message = message(&members)?;
        let params = match &message {
            Message::Request { params, .. } | Message::Notification { params, .. } => Params::read(*params)?,
            Message::Response { .. } => Params::default(),
        };
        Ok(Self { text, message, params })
    }

    /// The message.
    pub fn message(&self) -> &Message<'a> {
        &self.message
    }

    /// The text it came in, to be passed on as it is.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The same text on one line, for a server that reads lines. Inside JSON strings no line break can stand bare, so
    /// only white space between tokens changes.
    pub fn line(&self) -> Cow<'a, str> {
        if self.text.contains(['\n', '\r']) {
            Cow::Owned(self.text.replace(['\n', '\r'], " "))
        } else {
            Cow::Borrowed(self.text)
        }
    }

    /// The id of a request or an answer.
    pub fn id(&self) -> Option<&Id> {
        match &self.message {
            Message::Request { id, .. } => Some(id),
            Message::Response { id, .. } => id.as_ref(),
            Message::Notification { .. } => None,
        }
    }

    /// The method's name, of a request or a notification.
    pub fn method_name(&self) -> Option<&str> {
        match &self.message {
            Message::Request { method, .. } | Message::Notification { method, .. } => Some(method),
            Message::Response { .. } => None,
        }
    }

    /// The method; [`Method::Other`] for an answer.
    pub fn method(&self) -> Method {
        self.method_name().map_or(Method::Other, Method::parse)
    }

    /// The members of `params` that are decided over.
    pub fn params(&self) -> &Params<'a> {
        &self.params
    }

    /// What the method is about: the tool's or prompt's name, the resource's URI, the task's id; absent where the
    /// method has none or the message fails to name it.
    pub fn name(&self) -> Option<&str> {
        self.method().name_member().and_then(|member| self.params.text(member))
    }
}

fn members<'a>(text: &'a str, place: &'static str) -> Result<Members<'a>, EnvelopeError> {
    Members::read(text)
        .map_err(|error| if error.is_data() { EnvelopeError::Twice(place) } else { EnvelopeError::NotJson })
}

fn message<'a>(members: &Members<'a>) -> Result<Message<'a>, EnvelopeError> {
    if members.text("jsonrpc").as_deref() != Some("2.0") {
        return Err(EnvelopeError::Version);
    }
    let (method, result, error) = (members.value("method"), members.value("result"), members.value("error"));
    let id = members.value("id");
    match (method, result, error) {
        (Some(method), None, None) => {
            let method = text(method).ok_or(EnvelopeError::Method)?;
            let params = members.value("params");
            Ok(match id {
                Some(raw) => Message::Request { id: Id::read(raw).ok_or(EnvelopeError::Id)?, method, params },
                None if method.starts_with("notifications/") => Message::Notification { method, params },
                None => return Err(EnvelopeError::NoId),
            })
        }
        (None, Some(_), None) => {
            let id = id.and_then(Id::read).ok_or(EnvelopeError::Id)?;
            Ok(Message::Response { id: Some(id), result, error })
        }
        (None, None, Some(_)) => {
            let named = id.filter(|raw| raw.get() != "null");
            let id = named.map(|raw| Id::read(raw).ok_or(EnvelopeError::Id)).transpose()?;
            Ok(Message::Response { id, result, error })
        }
        (None, None, None) | (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (None, Some(_), Some(_)) => {
            Err(EnvelopeError::Shape)
        }
    }
}

/// True when brackets nest beyond `most` levels. It looks at bytes only, before any parser could run out of stack.
fn nests_beyond(text: &str, most: usize) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > most {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
