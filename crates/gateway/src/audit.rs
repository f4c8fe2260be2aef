//! What the gateway puts on record: every call of a tool, allowed or not, and every token that was refused.

use bailiwick_domain::audit::{AuditEvent, AuditKind, Outcome, UpstreamEnd};
use bailiwick_domain::ids::UserId;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::Resource;
use bailiwick_resource::Caller;

use crate::call::Call;
use crate::refuse::{Refusal, Trail};

/// An event of this caller's at that server.
fn event(kind: AuditKind, caller: &Caller, trail: &Trail, now: Timestamp) -> AuditEvent {
    let delegation = &caller.token().claims().dlg;
    let event = AuditEvent::new(kind, now)
        .correlation(&trail.correlation)
        .user(&UserId::from_stored(caller.subject()))
        .client(caller.client())
        .grant(caller.grant())
        .token(caller.jti())
        .transaction(caller.transaction())
        .actors(caller.chain().actors().map(|actor| actor.sub.clone()))
        .scope(caller.scope());
    match &delegation.parent {
        Some(parent) => event.derived_from(parent, delegation.hop),
        None => event,
    }
}

/// A call, as it was decided by `rule`.
pub(crate) fn call(kind: AuditKind, call: &Call, trail: &Trail, now: Timestamp) -> AuditEvent {
    let event = event(kind, &call.caller, trail, now).resource(&call.server.resource);
    let Some(said) = call.said() else { return event };
    let event = said.method.iter().fold(event, |event, method| event.method(method.clone()));
    let event = said.arguments.iter().fold(event, |event, digest| event.arguments(digest.clone()));
    said.tool().into_iter().fold(event, |event, tool| event.tool(tool.to_owned()))
}

/// A call that was allowed, sent off at `began`, and came to nothing; for want of a credential, says which rule so.
pub(crate) fn failed(event: AuditEvent, why: &Refusal, began: Timestamp, now: Timestamp) -> AuditEvent {
    let ms = u64::try_from(now.since(began).as_millis()).unwrap_or(u64::MAX);
    let end = UpstreamEnd { status: why.upstream_status().map(|status| status.as_u16()), ms };
    let mut event = event.outcome(Outcome::Failed).says(why.to_string()).upstream(end);
    event.at = now;
    if let Refusal::Credential(error) = why {
        event.kind = AuditKind::CredentialRefused;
        event = event.rule(error.rule());
    }
    event
}

/// A token that was refused at that server.
pub(crate) fn token(resource: &Resource, says: &str, trail: &Trail, now: Timestamp) -> AuditEvent {
    AuditEvent::new(AuditKind::RequestRefused, now).correlation(&trail.correlation).resource(resource).says(says)
}

/// Counts a call of a tool at that server: `allowed`, `refused`, or, after `allowed`, `failed`.
pub(crate) fn count(server: &str, outcome: &'static str) {
    metrics::counter!("bailiwick_tool_calls_total", "server" => server.to_owned(), "outcome" => outcome).increment(1);
}
