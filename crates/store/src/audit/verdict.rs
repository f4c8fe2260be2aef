//! What checking the audit comes to.

use bailiwick_domain::ids::WriterId;
use bailiwick_domain::time::Timestamp;

/// What [`crate::Store::verify_audit`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditVerdict {
    /// How many rows were checked and are as they were written.
    pub rows: u64,
    /// By how many writers.
    pub writers: u64,
    /// How many checkpoints were checked.
    pub checkpoints: u64,
    /// The newest of them.
    pub signed: Option<Signed>,
    /// How many rows came after their writer's last checkpoint: chained, but not signed yet.
    pub unsigned: u64,
    /// What is wrong: the first of each chain, oldest first; with none, the record is whole.
    pub breaks: Vec<Break>,
}

impl AuditVerdict {
    /// True when nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.breaks.is_empty()
    }
}

/// Until when the record is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// By which checkpoint.
    pub number: i64,
    /// Until when.
    pub at: Timestamp,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// What.
    pub flaw: Flaw,
    /// In whose chain; `None` in the chain of checkpoints.
    pub writer: Option<WriterId>,
    /// At which number there.
    pub seq: i64,
    /// The time of that row, where one can be read.
    pub at: Option<Timestamp>,
    /// Its kind, where one can be read.
    pub kind: Option<String>,
    /// The time of the last row before it that is as it was written.
    pub after: Option<Timestamp>,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The row does not say what was written.
    Altered,
    /// The row does not follow the one before it: it, or that one, was moved, put in, or altered.
    Moved,
    /// The row is not there.
    Missing,
    /// The rows from here on are not there.
    Truncated,
    /// Nothing of the chain is there.
    Gone,
    /// The chain was written anew: it fits together, but is not what was signed.
    Rewritten,
    /// The chain's rows are there, its head is not.
    Headless,
    /// The row was put at the end of a chain by somebody who is not its writer.
    Extra,
    /// The checkpoint is not there.
    CheckpointMissing,
    /// The checkpoint does not say what was signed.
    CheckpointAltered,
}

impl Flaw {
    /// Its name for machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Moved => "moved",
            Self::Missing => "missing",
            Self::Truncated => "truncated",
            Self::Gone => "gone",
            Self::Rewritten => "rewritten",
            Self::Headless => "headless",
            Self::Extra => "extra",
            Self::CheckpointMissing => "checkpoint_missing",
            Self::CheckpointAltered => "checkpoint_altered",
        }
    }
}
