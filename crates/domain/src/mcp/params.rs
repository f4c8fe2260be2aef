//! The members of `params` that are decided over.

use std::borrow::Cow;

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
}

impl<'a> Params<'a> {
    /// Reads `params`; `null` counts as absent.
    pub(super) fn read(raw: Option<&'a RawValue>) -> Result<Self, EnvelopeError> {
        let Some(members) = object(raw, "params")? else {
            return Ok(Self::default());
        };
        if members.disguised(&["name", "uri", "taskId", "arguments", "_meta"]).is_some() {
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
        })
    }

    /// The revision named in `_meta`, where it is text.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
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
