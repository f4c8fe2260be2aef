//! The members of `params` that are decided over.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::envelope::EnvelopeError;
use super::members::{Members, text};

/// The `_meta` member that names the revision (since 2026-07-28).
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The `_meta` member that names what the client can do (since 2026-07-28).
pub const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// What `params` says, where it says it in the right type.
#[derive(Clone, Debug, Default)]
pub struct Params<'a> {
    name: Option<Cow<'a, str>>,
    uri: Option<Cow<'a, str>>,
    task: Option<Cow<'a, str>>,
    revision: Option<Cow<'a, str>>,
    /// The arguments of a call, as they were spelled.
    pub arguments: Option<&'a RawValue>,
    /// `_meta`'s protocol version, as it was spelled; text or not.
    pub meta_version: Option<&'a RawValue>,
    /// `_meta`'s client capabilities, as they were spelled.
    pub meta_capabilities: Option<&'a RawValue>,
    /// What the client of a handshake can do, as it was spelled.
    pub capabilities: Option<&'a RawValue>,
    /// What a client was told to bring back with the same request (since 2026-07-28).
    pub request_state: Option<&'a RawValue>,
    /// What it was asked for meanwhile.
    pub input_responses: Option<&'a RawValue>,
}

/// The member of `params` that brings back what the client was given with a question.
pub const REQUEST_STATE: &str = "requestState";
/// The member of `params` that answers the questions.
pub const INPUT_RESPONSES: &str = "inputResponses";

/// As much of a client's capabilities as matters here.
#[derive(Deserialize)]
struct Capabilities {
    elicitation: Option<Elicitation>,
}

#[derive(Deserialize)]
struct Elicitation {
    url: Option<IgnoredAny>,
}

impl<'a> Params<'a> {
    /// Reads `params`; `null` counts as absent.
    pub(super) fn read(raw: Option<&'a RawValue>) -> Result<Self, EnvelopeError> {
        let Some(members) = object(raw, "params")? else {
            return Ok(Self::default());
        };
        if members.disguised(&["name", "uri", "taskId", "arguments", "_meta", REQUEST_STATE, INPUT_RESPONSES]).is_some()
        {
            return Err(EnvelopeError::Disguised("params"));
        }
        let meta = object(members.value("_meta"), "params._meta")?;
        let of_meta = |name: &str| meta.as_ref().and_then(|meta| meta.value(name));
        if meta.as_ref().is_some_and(|meta| meta.disguised(&[META_VERSION, META_CAPABILITIES]).is_some()) {
            return Err(EnvelopeError::Disguised("params._meta"));
        }
        Ok(Self {
            name: members.text("name"),
            uri: members.text("uri"),
            task: members.text("taskId"),
            revision: of_meta(META_VERSION).and_then(text),
            arguments: members.value("arguments"),
            meta_version: of_meta(META_VERSION),
            meta_capabilities: of_meta(META_CAPABILITIES),
            capabilities: members.value("capabilities"),
            request_state: members.value(REQUEST_STATE),
            input_responses: members.value(INPUT_RESPONSES),
        })
    }

    /// The revision named in `_meta`, where it is text.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// True when the client says, in a handshake or with the request, that it leads its user to URLs
    /// (`elicitation.url`, since 2025-11-25).
    pub fn opens_urls(&self) -> bool {
        let said = self.meta_capabilities.or(self.capabilities);
        let said = said.and_then(|raw| serde_json::from_str::<Capabilities>(raw.get()).ok());
        said.and_then(|can| can.elicitation?.url).is_some()
    }

    /// What the client brings back, where it is text.
    pub fn request_state(&self) -> Option<Cow<'a, str>> {
        self.request_state.and_then(text)
    }

    /// The text of `name`, `uri` or `taskId`.
    pub(super) fn text(&self, member: &str) -> Option<&str> {
        match member {
            "name" => self.name.as_deref(),
            "uri" => self.uri.as_deref(),
            "taskId" => self.task.as_deref(),
            _ => None,
        }
    }
}

fn object<'a>(raw: Option<&'a RawValue>, place: &'static str) -> Result<Option<Members<'a>>, EnvelopeError> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else {
        return Ok(None);
    };
    if !raw.get().starts_with('{') {
        return Err(EnvelopeError::Params(place));
    }
    // What is JSON already fails here only for a member that comes twice or whose name is no Unicode.
    Members::read(raw.get()).map(Some).map_err(|_| EnvelopeError::Twice(place))
}
