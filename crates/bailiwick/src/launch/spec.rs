//! What a hosted server gets: passed from the house to the launcher as JSON in an argument. It names paths and walls and
//! holds no secret; those travel in the environment.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a hosted server gets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// Where it begins; without one, at its home.
    pub(crate) cwd: Option<PathBuf>,
    /// Its home directory: its own, empty at first, and kept.
    pub(crate) home: PathBuf,
    /// An empty directory to build its view of the file system on.
    pub(crate) root: PathBuf,
    /// What it may read and execute, beside the system's own directories.
    pub(crate) read: Vec<PathBuf>,
    /// What it may change.
    pub(crate) write: Vec<PathBuf>,
    /// Variables whose values it finds in files, at the paths that the variables hold then.
    #[serde(default)]
    pub(crate) files: Vec<String>,
    /// What it must not see even where a directory above is given.
    pub(crate) hide: Vec<PathBuf>,
    /// Whether it may use the network.
    pub(crate) network: bool,
    /// Which walls the kernel can build.
    pub(crate) walls: Walls,
    /// Controls that are off: only the mutation run has any.
    #[serde(default)]
    pub(crate) off: Vec<String>,
}

/// Which walls the kernel can build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Walls {
    /// A world of its own: users, processes, files, network.
    pub(crate) namespaces: bool,
    /// Rules over files, signals and sockets.
    pub(crate) landlock: bool,
}

impl Walls {
    /// All of them.
    pub(crate) const ALL: Self = Self { namespaces: true, landlock: true };
    /// None: limits and a clean environment stay.
    pub(crate) const NONE: Self = Self { namespaces: false, landlock: false };
}
