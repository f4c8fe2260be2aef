//! The first step's last duty: it stays outside, ends when the server ends, and ends the server when the gateway is gone.

use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitCode};

use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{SignalKind, signal};

use super::{Trouble, failed};

/// A handle on the gateway. Its death is told by process, not by the thread that happened to start this.
pub(super) fn gateway() -> Option<OwnedFd> {
    pidfd_open(getppid()?, PidfdFlags::empty()).ok()
}

/// Starts the second step and attends to it.
pub(super) fn attend(spec: &str, gateway: Option<OwnedFd>) -> Result<ExitCode, Trouble> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("bailiwick").args(["launch", "--inside", spec]);
    let mut child = command.spawn().map_err(failed("its first process"))?;
    // One thread: this process cannot start threads any more, for its children live in another world.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed("its attendant"))?;
    runtime.block_on(watch(&mut child, gateway))
}

async fn watch(child: &mut Child, gateway: Option<OwnedFd>) -> Result<ExitCode, Trouble> {
    let server = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let server = server.and_then(|id| pidfd_open(id, PidfdFlags::empty()).ok());
    // The server gets the same signal as this process, and decides itself when to go.
    let _patience = signal(SignalKind::terminate()).map_err(failed("its attendant"))?;
    tokio::select! {
        () = ended(server) => {}
        () = ended(gateway) => drop(child.kill()),
    }
    let status = child.wait().map_err(failed("its end"))?;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// Waits until a process has ended; for ever where there is no handle on it.
#[expect(
    deprecated,
    reason = "its successor is unsafe for the sake of what only borrows its descriptor; this one is owned"
)]
async fn ended(process: Option<OwnedFd>) {
    let handle = process.and_then(|fd| AsyncFd::with_interest(fd, Interest::READABLE).ok());
    match handle {
        Some(handle) => drop(handle.readable().await),
        None => std::future::pending().await,
    }
}
