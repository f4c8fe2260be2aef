//! Giving up the powers that building the walls took.

use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
};

/// Gives up every power, for this process and all it becomes or starts.
pub(super) fn give_up() -> rustix::io::Result<()> {
    clear_ambient_capability_set()?;
    for bit in 0..u64::BITS {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)) {
            // This kernel knows no more of them.
            Err(rustix::io::Errno::INVAL) => break,
            done => done?,
        }
    }
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}
