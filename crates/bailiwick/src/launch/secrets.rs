//! Secrets that a server wants in files: they are in memory, where its own world alone sees them, and gone with it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{Trouble, failed};

/// Where they lie for the server.
pub(super) const PLACE: &str = "/run/bailiwick";

/// Where the server finds what the variable of that name held.
pub(super) fn path(name: &str) -> PathBuf {
    Path::new(PLACE).join(name)
}

/// Writes the values of these variables into files of their names under `place`.
pub(super) fn write(names: &[String], place: &Path) -> Result<(), Trouble> {
    names.iter().try_for_each(|name| {
        let value = std::env::var_os(name).unwrap_or_default();
        let file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(place.join(name));
        file.and_then(|mut file| file.write_all(value.as_bytes())).map_err(failed(format!("the file of {name}")))
    })
}
