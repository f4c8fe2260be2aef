//! The decision: a [`Permit`] is leave to forward one call. Whoever forwards takes it by value, so a call is forwarded
//! at most once, and never unasked.

use std::sync::Arc;

use bailiwick_broker::{BrokerError, Choice, Obtained};
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::challenge::Challenge;
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::error::ErrorCode;
use bailiwick_domain::policy::{Ask, Decision, Risk, Server, decide, enter};
use bailiwick_domain::time::Timestamp;

use crate::call::{Call, Said};
use crate::ceiling::Ceiling;
use crate::gateway::Gateway;
use crate::refuse::{Refusal, Trail};
use crate::upstream::Trouble;
use crate::{audit, bearer, budget, connect, credential, discover};

const NO_CREDENTIAL: &str = "no credential is configured for what this token may do with this tool";

/// Leave to forward one call.
#[derive(Debug)]
pub(crate) struct Permit {
    call: Call,
    /// What was put on record, for a call of a tool.
    record: Option<AuditEvent>,
    /// What the server behind is shown.
    shown: Choice,
}

impl Permit {
    /// Decides over a call, and puts the decision on record where a tool is called.
    pub(crate) async fn decide(gateway: &Gateway, call: Call, trail: &Trail, now: Timestamp) -> Result<Self, Refusal> {
        let Some(tool) = call.said().and_then(Said::tool).map(str::to_owned) else {
            let decision = gateway.known(&call.server, |server| without_tool(gateway, &call, server));
            permitted(&call, decision.ok_or(Refusal::NoServer)?)?;
            let shown = credential::choose(gateway, &call).ok_or(BrokerError::Nothing(NO_CREDENTIAL.to_owned()))?;
            return Ok(Self { call, record: None, shown });
        };
        let (mut decision, risk) = over_tool(gateway, &call, &tool).await?;
        let shown = credential::choose(gateway, &call);
        if shown.is_none() && matches!(decision, Decision::Permit { .. }) {
            decision = Decision::Denied { rule: "credential:none".to_owned(), says: NO_CREDENTIAL.to_owned() };
        }
        let (kind, rule, says) = match &decision {
            Decision::Permit { rule } => (AuditKind::ToolCalled, rule, None),
            Decision::Missing { scopes, rule } => (AuditKind::ToolRefused, rule, Some(format!("{scopes} is missing"))),
            Decision::Denied { rule, says } => (AuditKind::ToolRefused, rule, Some(says.clone())),
        };
        let event = audit::call(kind, &call, trail, now).rule(rule.clone()).policy(&gateway.directory.load().epoch);
        let event = says.into_iter().fold(event, AuditEvent::says);
        let named = shown.as_ref().map(Choice::name).filter(|_| kind == AuditKind::ToolCalled);
        let event = named.into_iter().fold(event, AuditEvent::credential);
        if kind == AuditKind::ToolCalled && budget::counts(&call) {
            if let Err(refusal) = budget::spend(gateway, &call, &event, trail).await {
                audit::count(call.server.label(), "refused");
                return Err(refusal);
            }
        } else {
            put_on_record(gateway, &event, risk, trail).await?;
        }
        audit::count(call.server.label(), if kind == AuditKind::ToolCalled { "allowed" } else { "refused" });
        permitted(&call, decision)?;
        let shown = shown.ok_or(BrokerError::Nothing(NO_CREDENTIAL.to_owned()))?;
        Ok(Self { call, record: Some(event), shown })
    }

    /// What may be forwarded.
    pub(crate) fn call(&self) -> &Call {
        &self.call
    }

    /// The credential that the server behind is shown.
    ///
    /// # Errors
    /// A refusal where there is none; where its person can mend that, with the link to do so.
    pub(crate) async fn credential(&self, gateway: &Gateway) -> Result<Arc<Obtained>, Refusal> {
        match credential::obtain(gateway, &self.shown, &self.call).await {
            Ok(obtained) => Ok(obtained),
            Err(error) => connect::instead(gateway, &self.call, error).await,
        }
    }

    /// What the server behind is shown in place of what it did not accept; none where there is nothing else, and where
    /// no tool is called.
    ///
    /// # Errors
    /// A refusal with the link to connect again, where that is what it takes.
    pub(crate) async fn another(
        &self,
        gateway: &Gateway,
        refused: &Arc<Obtained>,
    ) -> Result<Option<Arc<Obtained>>, Refusal> {
        if self.record.is_none() {
            return Ok(None);
        }
        match credential::another(gateway, &self.shown, &self.call, refused).await {
            Ok(another) => Ok(another),
            Err(error) => connect::instead(gateway, &self.call, error).await.map(Some),
        }
    }

    /// Spends the permit.
    pub(crate) fn spend(self) -> Call {
        self.call
    }

    /// The record of a call that came to nothing, if it is one of a tool.
    pub(crate) fn record(&self) -> Option<AuditEvent> {
        self.record.clone()
    }
}

/// What changes something happens only once it is on record; what only looks, once its record waits to be written.
async fn put_on_record(gateway: &Gateway, event: &AuditEvent, risk: Risk, trail: &Trail) -> Result<(), Refusal> {
    let goes_on = event.kind == AuditKind::ToolCalled;
    let kept = if goes_on && risk > Risk::Read && holds(Control::AuditFirst) {
        gateway.store.record(event.clone()).await.map_err(|error| error.to_string())
    } else if gateway.store.record_later(event.clone()) || !goes_on {
        Ok(())
    } else {
        Err("too many entries of the record wait to be written".to_owned())
    };
    kept.map_err(|error| {
        tracing::error!(correlation = %trail.correlation, %error, "a call cannot be recorded and is refused");
        Refusal::Unrecorded
    })
}

/// Decides over a tool. One that is not known may be new: the server is asked again before the call is denied.
async fn over_tool(gateway: &Gateway, call: &Call, tool: &str) -> Result<(Decision, Risk), Refusal> {
    let stopped = gateway.feed.0.is_tool_stopped(call.server.resource.as_str(), tool);
    let ask = |server: &Server| {
        let ceiling = Ceiling::of(gateway, &call.caller, &call.holder, server);
        let decision = ceiling.decision().unwrap_or_else(|| decide(&ceiling.held(&call.caller), &Ask { server, tool }));
        let decision = if stopped { halted(tool) } else { decision };
        let known = server.tool(tool).map(|tool| tool.risk);
        (decision, known, server.reachable)
    };
    let (mut decision, mut risk, mut reachable) = gateway.known(&call.server, ask).ok_or(Refusal::NoServer)?;
    if risk.is_none() && discover::refresh(gateway, &call.server).await {
        (decision, risk, reachable) = gateway.known(&call.server, ask).ok_or(Refusal::NoServer)?;
    }
    if risk.is_none() && !reachable {
        return Err(Trouble::Down("its tools are not known, because it cannot be reached".to_owned()).into());
    }
    Ok((decision, risk.unwrap_or(Risk::Destructive)))
}

/// Nobody calls a tool that is stopped, whatever their token says.
fn halted(tool: &str) -> Decision {
    Decision::Denied { rule: bearer::STOPPED.to_owned(), says: bearer::stopped_says(tool) }
}

/// Decides over what names no tool. The handshake and the listing, which shows only what may be called, are open to
/// every token of this server; so are answers, and the end of one's own session.
fn without_tool(gateway: &Gateway, call: &Call, server: &Server) -> Decision {
    let ceiling = Ceiling::of(gateway, &call.caller, &call.holder, server);
    if let Some(refused) = ceiling.decision() {
        return refused;
    }
    if call.is_about_its_session() {
        return Decision::Permit { rule: "token".to_owned() };
    }
    enter(&ceiling.held(&call.caller), server)
}

fn permitted(call: &Call, decision: Decision) -> Result<(), Refusal> {
    match decision {
        Decision::Permit { .. } => Ok(()),
        Decision::Missing { scopes, rule } => {
            let says = format!("this needs the scope {scopes}");
            let error = Some((ErrorCode::InsufficientScope, says.as_str()));
            let challenge = Challenge { resource: &call.server.resource, scope: &scopes, error }.header();
            Err(Refusal::Scope { challenge, says, rule })
        }
        Decision::Denied { rule, says } if call.said().and_then(Said::tool).is_some() => {
            Err(Refusal::Denied { rule, says })
        }
        Decision::Denied { rule, says } => Err(Refusal::Shut { rule, says }),
    }
}
