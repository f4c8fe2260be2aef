//! Budgets of jobs: under a grant that has one, each call of a tool takes one of it before the server behind hears of the
//! call. Every other call is made without a word to the database.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_store::Spent;

use crate::call::Call;
use crate::gateway::Gateway;
use crate::refuse::{Refusal, Trail};
use crate::{audit, bearer};

/// The rule that ends a job whose budget is spent.
const RULE: &str = "job:budget";

/// True when calls of this caller are counted.
pub(crate) fn counts(call: &Call) -> bool {
    call.caller.token().claims().dlg.job.as_ref().is_some_and(|job| job.counted)
}

/// Takes one call of the budget and puts `event`, the call, on record: one durable write.
pub(crate) async fn spend(gateway: &Gateway, call: &Call, event: &AuditEvent, trail: &Trail) -> Result<(), Refusal> {
    let spent = gateway.store.spend(call.caller.grant(), event.clone()).await.map_err(|error| {
        tracing::error!(correlation = %trail.correlation, %error, "a call cannot be counted and is refused");
        Refusal::Unrecorded
    })?;
    let calls = match spent {
        Spent::One { .. } => return Ok(()),
        // The feed tells everybody in a moment; the row knew it first.
        Spent::Ended => return Err(bearer::ended(gateway, &call.server, trail, event.at)),
        Spent::Over { calls } => calls,
    };
    let says = says(calls, &gateway.issuer.join(&format!("/account/job/{}", call.caller.grant())));
    let refused = audit::call(AuditKind::ToolRefused, call, trail, event.at).rule(RULE).says(says.clone());
    gateway.store.record_later(event.policy.iter().fold(refused, |event, epoch| event.policy(epoch)));
    Err(Refusal::Spent { rule: RULE, says })
}

fn says(calls: u32, at: &str) -> String {
    let calls = if calls == 1 { "1 call of a tool".to_owned() } else { format!("{calls} calls of tools") };
    format!("the budget of this job is spent: {calls}; the person who gave the job can raise it at {at}")
}
