//! Administration: a Unix socket in the data directory, mode 0600, that also wants a token from that directory, so that
//! a process which can reach the socket but not the files gets nothing.

mod administration;
mod client;
pub(crate) mod moment;
pub(crate) mod order;
pub(crate) mod secrets;
mod server;

use std::path::{Path, PathBuf};

pub(crate) use administration::Administration;
pub(crate) use client::{AdminClient, AdminError};
pub(crate) use server::AdminServer;

/// Where the socket is.
pub(crate) fn socket(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// Where the token is.
pub(crate) fn token_file(data: &Path) -> PathBuf {
    data.join("admin.token")
}
