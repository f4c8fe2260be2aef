//! A world of its own: users, mounts, processes, shared memory and, unless it may use it, the network.

use bailiwick_domain::control::{Control, holds};
use rustix::process::{getgid, getuid};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities};
use rustix::thread::{UnshareFlags, configure_capability_in_ambient_set, set_capabilities};

use super::{Spec, Trouble, failed};

/// What the second step needs of the new world's powers; the server itself gets none.
const POWERS: [CapabilitySet; 3] = [CapabilitySet::SYS_ADMIN, CapabilitySet::NET_ADMIN, CapabilitySet::SETPCAP];

/// Enters new namespaces. Whoever is started next is the first process in them.
pub(super) fn enter(spec: &Spec) -> Result<(), Trouble> {
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    let mut flags = UnshareFlags::NEWUSER | UnshareFlags::NEWNS | UnshareFlags::NEWIPC;
    if holds(Control::ChildProcesses) {
        flags |= UnshareFlags::NEWPID;
    }
    if !spec.network && holds(Control::ChildNetwork) {
        flags |= UnshareFlags::NEWNET;
    }
    unshare(flags).map_err(failed("the kernel allows no user namespaces"))?;
    // The same person inside as outside, so that nobody gains anything by name.
    write("/proc/self/setgroups", "deny")?;
    write("/proc/self/uid_map", &format!("{user} {user} 1"))?;
    write("/proc/self/gid_map", &format!("{group} {group} 1"))?;
    hand_on().map_err(failed("powers for the second step"))
}

#[expect(deprecated, reason = "its successor is unsafe for the sake of a flag that is not used here")]
fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    rustix::thread::unshare(flags)
}

fn write(file: &str, text: &str) -> Result<(), Trouble> {
    std::fs::write(file, text).map_err(failed(file))
}

/// Lets the powers outlive the start of the second step.
fn hand_on() -> rustix::io::Result<()> {
    let all = POWERS.into_iter().fold(CapabilitySet::empty(), CapabilitySet::union);
    let now = capabilities(None)?;
    set_capabilities(None, CapabilitySets { inheritable: all, ..now })?;
    POWERS.into_iter().try_for_each(|power| configure_capability_in_ambient_set(power, true))
}
