//! How much of the machine a server may take.

use bailiwick_domain::control::{Control, holds};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Trouble, failed};

/// Open files.
const FILES: u64 = 4096;
/// Processes and threads: counted for this server alone only in a world of its own.
const PROCESSES: u64 = 512;
/// The largest file it may write.
const FILE_SIZE: u64 = 4 << 30;
/// The memory a process may fill; address space is not limited, for runtimes reserve far more than they use.
const MEMORY: u64 = 8 << 30;

/// Sets the limits, never above those that hold already.
pub(super) fn set(own_world: bool) -> Result<(), Trouble> {
    if !holds(Control::ChildLimits) {
        return Ok(());
    }
    let mut limits =
        vec![(Resource::Core, 0), (Resource::Nofile, FILES), (Resource::Fsize, FILE_SIZE), (Resource::Data, MEMORY)];
    if own_world {
        limits.push((Resource::Nproc, PROCESSES));
    }
    for (resource, most) in limits {
        let most = Some(getrlimit(resource).maximum.map_or(most, |already| already.min(most)));
        setrlimit(resource, Rlimit { current: most, maximum: most }).map_err(failed(format!("limit {resource:?}")))?;
    }
    Ok(())
}
