//! Grants: from a client's request through a person's approval to the claim that turns it into tokens, each step a
//! type that only the step before can make.

mod authorize;
mod code;
mod consent;
mod exchange;
mod job;
mod machine;
mod refresh;

pub use authorize::{AuthorizationRequest, AuthorizeError, Destination, RawAuthorize};
pub use code::{Approved, ClaimError, CodeClaim, CodeGrant, CodeReplay, REPLAY_GRACE, judge_replay};
pub use consent::Approval;
pub use exchange::{
    ACCESS_TOKEN, Allowed, Exchange, ExchangeError, ExchangeFields, ExchangeRequest, GRANT, Party, Subject, from_grant,
};
pub use job::{BUDGET_MOST, JOB_LEAST, JOB_MOST, Job, JobError, JobWish, REASON_MOST, read_budget};
pub use machine::{MachineError, MachineRequest, is_machine, machine_subject};
pub use refresh::{REPLAY_WINDOW, Reuse, idle_until, judge_reuse, narrowed};

#[cfg(test)]
mod sample;
#[cfg(test)]
pub(crate) use sample::sample_approval;
