//! Lists of tools: each caller sees what it may call. Only the listing is changed, and in it only which tools there are.

use std::sync::Arc;

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::mcp::{Envelope, Message, tool};
use bailiwick_domain::policy::{Ask, Holder, visible};
use bailiwick_resource::Caller;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ceiling::Ceiling;
use crate::discover;
use crate::gateway::Gateway;
use crate::hosted::Hosted;
use crate::sse;

/// What one caller sees of one server.
pub(crate) struct Lens {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) server: Arc<Hosted>,
    pub(crate) caller: Caller,
    pub(crate) holder: Holder,
}

/// What a message is, looked at through a [`Lens`].
pub(crate) enum Seen {
    /// A listing; this is what the caller sees of it.
    Listing(String),
    /// Some other message.
    Other,
    /// No message at all.
    Unreadable,
}

impl Lens {
    /// Looks at a message.
    pub(crate) async fn see(&self, message: &[u8]) -> Seen {
        let Ok(envelope) = Envelope::parse(message) else {
            return Seen::Unreadable;
        };
        if envelope.method_name() == Some("notifications/tools/list_changed") {
            self.server.changed.notify_one();
        }
        let &Message::Response { result: Some(result), .. } = envelope.message() else {
            return Seen::Other;
        };
        let Some(page) = tool::page(result) else {
            return Seen::Other;
        };
        let fresh = self.knows(page.tools.iter().map(|facts| facts.name.as_str()));
        if !fresh {
            discover::refresh(&self.gateway, &self.server).await;
        }
        let kept = self.gateway.known(&self.server, |server| {
            let ceiling = Ceiling::of(&self.gateway, &self.caller, &self.holder, server);
            tool::retain(result, |name| self.shows(&ceiling, &Ask { server, tool: name }))
        });
        let Some(kept) = kept.flatten().map(private) else {
            return Seen::Unreadable;
        };
        Seen::Listing(replaced(envelope.text(), result, &kept).unwrap_or_default())
    }

    /// What the caller sees of an answer: of a listing its part, of any other all; nothing of what cannot be read.
    pub(crate) async fn show(&self, answer: String) -> Option<String> {
        match self.see(answer.as_bytes()).await {
            Seen::Listing(kept) => Some(kept),
            Seen::Other => Some(answer),
            Seen::Unreadable => None,
        }
    }

    /// Looks at an event of a stream. Where `strict`, what cannot be read does not pass: it might be a listing to
    /// somebody who reads it otherwise.
    pub(crate) async fn see_event(&self, event: Bytes, strict: bool) -> Bytes {
        let Some(data) = sse::data(&event).filter(|data| !data.is_empty()) else {
            return event;
        };
        match self.see(&data).await {
            Seen::Listing(kept) => sse::with_data(&event, kept.as_bytes()),
            Seen::Unreadable if strict && holds(Control::ListFilter) => sse::comment(),
            Seen::Other | Seen::Unreadable => event,
        }
    }

    fn knows<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> bool {
        self.gateway.known(&self.server, |server| names.all(|name| server.tool(name).is_some())).unwrap_or(true)
    }

    fn shows(&self, ceiling: &Ceiling, ask: &Ask<'_>) -> bool {
        let stopped = self.gateway.feed.0.is_tool_stopped(ask.server.resource.as_str(), ask.tool);
        (visible(&ceiling.held(&self.caller), ask) && !stopped) || !holds(Control::ListFilter)
    }
}

/// A listing made for one caller must not be kept for others, whatever the server behind says of its own.
fn private(result: String) -> String {
    #[derive(Deserialize)]
    struct Cached<'a> {
        #[serde(borrow, rename = "cacheScope")]
        scope: Option<&'a RawValue>,
    }
    let cached = serde_json::from_str::<Cached<'_>>(&result).ok();
    let private = cached.and_then(|cached| replaced(&result, cached.scope?, r#""private""#));
    private.unwrap_or(result)
}

/// `text` with the value `old`, which lies in it, replaced.
fn replaced(text: &str, old: &RawValue, new: &str) -> Option<String> {
    let start = (old.get().as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    Some(format!("{}{new}{}", text.get(..start)?, text.get(start + old.get().len()..)?))
}
