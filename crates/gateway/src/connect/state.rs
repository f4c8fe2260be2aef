//! What a client brings back with the same call (MCP 2026-07-28): sealed, of one caller, one tool and its arguments, for
//! a quarter of an hour. It grants nothing. Another's state, of a server behind that asked something of its own, passes
//! as it is; where it was under way when we asked, it lies in ours and goes on when ours has come back.

use std::time::Duration;

use bailiwick_domain::mcp::{Envelope, INPUT_RESPONSES, Params, REQUEST_STATE, Revision};
use bailiwick_domain::text;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::Resource;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::asked::NAME;
use crate::call::{Aim, Call, Said};
use crate::gateway::Gateway;
use crate::refuse::Refusal;
use crate::session::{Owner, Sessions};

/// How long it serves.
const LIFE: Duration = Duration::from_mins(15);
/// The most of another's state that is kept in ours, in bytes.
const MOST_INNER: usize = 16 * 1024;

#[derive(Serialize, Deserialize)]
struct State {
    #[serde(rename = "o")]
    owner: Owner,
    #[serde(rename = "r")]
    server: Resource,
    #[serde(rename = "t")]
    tool: String,
    #[serde(rename = "a")]
    arguments: Option<String>,
    #[serde(rename = "e")]
    expires_at: Timestamp,
    /// Names and values, as they were spelled, of what the server behind was to be told.
    #[serde(rename = "i", default, skip_serializing_if = "Vec::is_empty")]
    inner: Vec<(String, String)>,
}

impl State {
    fn of(call: &Call, now: Timestamp) -> Option<Self> {
        let said = call.said()?;
        Some(Self {
            owner: call.owner(),
            server: call.server.resource.clone(),
            tool: said.tool()?.to_owned(),
            arguments: said.arguments.clone(),
            expires_at: now.after(LIFE),
            inner: inner(said),
        })
    }

    fn is_of(&self, call: &Call, now: Timestamp) -> bool {
        let same = |said: &Said| said.tool() == Some(self.tool.as_str()) && said.arguments == self.arguments;
        now < self.expires_at
            && self.owner == call.owner()
            && self.server == call.server.resource
            && call.said().is_some_and(same)
    }
}

/// What the client of this call is to bring back with it.
pub(super) fn seal(sessions: &Sessions, call: &Call, now: Timestamp) -> String {
    let plain = State::of(call, now).and_then(|state| serde_json::to_vec(&state).ok()).unwrap_or_default();
    format!("{}{}", mark(&call.server.resource), sessions.seal_state(&plain))
}

/// Takes off a call what we asked its client to bring back; the server behind never sees it.
///
/// # Errors
/// A refusal where it is not of this call, is too old, or its person said no.
pub(crate) fn resume(gateway: &Gateway, call: &mut Call) -> Result<(), Refusal> {
    let now = gateway.clock.now();
    if let Some(body) = resumed(&gateway.sessions, call, now)?
        && let Aim::Say(said) = &mut call.aim
    {
        said.body = Bytes::from(body);
    }
    Ok(())
}

/// The message as it goes on, where it came with a state of ours.
pub(super) fn resumed(sessions: &Sessions, call: &Call, now: Timestamp) -> Result<Option<String>, Refusal> {
    let Some(said) = call.said().filter(|_| call.revision.is_some_and(Revision::is_modern)) else { return Ok(None) };
    let mark = mark(&call.server.resource);
    let Some(sealed) = said.state.as_deref().and_then(|state| state.strip_prefix(&mark)) else { return Ok(None) };
    let plain = sessions.open_state(sealed);
    let state = plain.and_then(|plain| serde_json::from_slice::<State>(&plain).ok());
    let state = state.filter(|state| state.is_of(call, now)).ok_or_else(foreign)?;
    let envelope = Envelope::parse(&said.body)?;
    if said_no(envelope.params()) {
        return Err(declined());
    }
    let more: Vec<_> = state.inner.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Ok(envelope.with_params(&[REQUEST_STATE, INPUT_RESPONSES], &more))
}

/// What tells a state of ours from one of a server behind, which may be a gateway like this one.
fn mark(server: &Resource) -> String {
    let digest: String = text::encode(&text::sha256(server.as_str().as_bytes())).chars().take(8).collect();
    format!("bw_rs_{digest}.")
}

/// What the call came with for the server behind, where that is little enough to be kept.
fn inner(said: &Said) -> Vec<(String, String)> {
    let Ok(envelope) = Envelope::parse(&said.body) else { return Vec::new() };
    let params = envelope.params();
    let found = [(REQUEST_STATE, params.request_state), (INPUT_RESPONSES, params.input_responses)];
    let kept: Vec<_> =
        found.into_iter().filter_map(|(name, raw)| Some((name.to_owned(), raw?.get().to_owned()))).collect();
    if kept.iter().map(|(_, raw)| raw.len()).sum::<usize>() > MOST_INNER { Vec::new() } else { kept }
}

/// True when the person, or their client for them, would not.
fn said_no(params: &Params<'_>) -> bool {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        action: Option<std::borrow::Cow<'a, str>>,
    }
    let answers = params.input_responses.map(RawValue::get);
    let answers =
        answers.and_then(|raw| serde_json::from_str::<std::collections::HashMap<String, &RawValue>>(raw).ok());
    let answer = answers.as_ref().and_then(|answers| answers.get(NAME));
    let answer = answer.and_then(|raw| serde_json::from_str::<Answer<'_>>(raw.get()).ok());
    // Anything but a yes is none; no answer at all is a call like any other, and is asked again where it must be.
    answer.is_some_and(|answer| answer.action.as_deref() != Some("accept"))
}

fn foreign() -> Refusal {
    Refusal::Denied {
        rule: "connect:state".to_owned(),
        says:
            "what came back with this call is not of this call, or is older than a quarter of an hour; call the tool \
               again without it"
                .to_owned(),
    }
}

fn declined() -> Refusal {
    Refusal::Denied {
        rule: "connect:declined".to_owned(),
        says: "the person did not want to connect their account, and without it this tool does nothing".to_owned(),
    }
}
