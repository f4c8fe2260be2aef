//! What a person is asked to do, in the way their client understands.

use bailiwick_domain::mcp::reply::{self, UrlAsk};
use bailiwick_domain::mcp::{Id, Revision};
use bailiwick_domain::time::Timestamp;
use serde_json::json;

use super::state;
use crate::call::{Call, Said};
use crate::refuse::{Trail, rpc_body};
use crate::session::Sessions;

/// The code of MCP 2025-11-25 for a call that needs its person at a URL first; no other revision knows it.
const URL_NEEDED: i64 = -32042;
/// What the question is called.
pub(super) const NAME: &str = "connect";

/// Which account is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// Whose credential it is, by its id.
    pub(crate) provider: String,
    /// What people call it.
    pub(crate) title: String,
    /// True where there was one that works no more.
    pub(crate) lost: bool,
}

/// The link that a person is asked to follow.
#[derive(Debug)]
pub(crate) struct Link {
    /// Where it leads.
    pub(crate) url: String,
    /// What tells it from others; nothing can be done with it.
    pub(crate) id: String,
}

/// The question.
#[derive(Debug)]
pub(crate) struct Asked {
    need: Need,
    link: Link,
    way: Way,
}

/// How it is put.
#[derive(Debug)]
enum Way {
    /// As an error that names the URL: MCP 2025-11-25.
    Fault,
    /// As a question to be answered with the same call: MCP 2026-07-28.
    Question {
        /// What comes back with it.
        state: String,
    },
    /// In the text of a result, to any other client.
    Result,
    /// In the text of an error, where no tool is called.
    Words,
}

impl Asked {
    /// Asks the person behind `call` for what is missing. A client is asked only in the way it said it understands.
    pub(crate) fn of(sessions: &Sessions, call: &Call, (need, link): (Need, Link), now: Timestamp) -> Self {
        let calls_tool = call.said().and_then(Said::tool).is_some();
        let way = match call.revision {
            Some(revision) if calls_tool && call.opens_urls() && revision.is_modern() => {
                Way::Question { state: state::seal(sessions, call, now) }
            }
            Some(Revision::V2025_11_25) if call.opens_urls() => Way::Fault,
            Some(_) | None if calls_tool => Way::Result,
            Some(_) | None => Way::Words,
        };
        Self { need, link, way }
    }

    /// What log and record are told.
    pub(crate) fn says(&self) -> String {
        let provider = &self.need.provider;
        if self.need.lost {
            format!("the connection to {provider} works no more; its person was asked to connect again")
        } else {
            format!("there is no connection to {provider}; its person was asked to connect")
        }
    }

    /// The answer's body.
    pub(crate) fn body(&self, trail: &Trail) -> Vec<u8> {
        let (rule, message, url) = (self.rule(), self.message(), self.link.url.as_str());
        let words = || format!("{message} Open this link in a browser, then try again: {url} ({})", trail.correlation);
        let ask = UrlAsk { message: &message, url, rule: &rule };
        match (&self.way, &trail.id) {
            (Way::Question { state }, Some(id)) => reply::url_needed(id, (NAME, &ask), state),
            (Way::Result, Some(id)) => reply::tool_error(id, &words(), &rule),
            (Way::Fault, id) => self.fault(id.as_ref(), trail, &ask),
            (Way::Words | Way::Question { .. } | Way::Result, _) => {
                rpc_body(-32603, &words(), trail, json!({ "rule": rule }))
            }
        }
    }

    fn fault(&self, id: Option<&Id>, trail: &Trail, ask: &UrlAsk<'_>) -> Vec<u8> {
        let elicitation =
            json!({ "mode": "url", "elicitationId": self.link.id, "url": ask.url, "message": ask.message });
        let data = json!({
            "elicitations": [elicitation],
            "rule": ask.rule,
            "correlation_id": trail.correlation.as_str(),
        });
        reply::error_with(id, URL_NEEDED, ask.message, Some(data))
    }

    fn rule(&self) -> String {
        let what = if self.need.lost { "reconnect" } else { "connect" };
        format!("{what}:{}", self.need.provider)
    }

    fn message(&self) -> String {
        let title = &self.need.title;
        if self.need.lost {
            format!("Your connection to {title} does not work any more. Connect it again to go on.")
        } else {
            format!("This needs your own access to {title}. Connect it to go on.")
        }
    }
}
