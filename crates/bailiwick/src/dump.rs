//! No dump of this process: it would hold every credential that is in use, in a file that nobody clears.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids them, for this process and what it starts.
pub(crate) fn forbid() {
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "cannot forbid core dumps of this process, which would hold credentials");
    }
}
