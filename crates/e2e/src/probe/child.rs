//! A hosted server that turns on the house it lives in.

use bailiwick_domain::control::Control;
use serde_json::Value;

use super::{Verdict, beaten};
use crate::hostile::Hostile;

/// What of these kinds it reached must be nothing.
async fn nothing(off: &[Control], kinds: &[&str]) -> Verdict {
    let reached = Hostile::start(off, "").await.attack().await;
    let found: Vec<&Value> = kinds.iter().filter_map(|kind| reached.get(kind)).collect();
    beaten(found.is_empty(), format!("it reached {found:?}"))
}

fn and(off: &[Control], more: Control) -> Vec<Control> {
    off.iter().copied().chain([more]).collect()
}

/// Keys, data, `~/.ssh` and sockets by path; the view alone must keep them from it.
pub async fn child_out_of_view(off: &[Control]) -> Verdict {
    nothing(&and(off, Control::ChildFiles), &["files", "sockets"]).await
}

/// Keys, data and `~/.ssh`, and a change of its own program; the rules over files alone must keep them from it.
pub async fn child_against_files(off: &[Control]) -> Verdict {
    nothing(&and(off, Control::ChildView), &["files"]).await
}

/// Memory, environment, signals, ptrace; nothing of the gateway may even be seen.
pub async fn child_against_processes(off: &[Control]) -> Verdict {
    nothing(off, &["processes"]).await
}

/// TCP to the gateway and to others, abstract sockets.
pub async fn child_against_network(off: &[Control]) -> Verdict {
    nothing(off, &["network"]).await
}

/// More open files than anybody needs.
pub async fn child_without_limits(off: &[Control]) -> Verdict {
    nothing(off, &["limits"]).await
}
