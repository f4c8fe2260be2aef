//! `sandbox = { … }`: what a hosted server may reach.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// What a hosted server may reach, beside the system's own directories and what its command names.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SandboxEntry {
    /// Files and directories it may read and execute.
    pub(crate) read: Vec<PathBuf>,
    /// Files and directories it may change.
    pub(crate) write: Vec<PathBuf>,
    /// Whether it may use the network.
    pub(crate) network: bool,
    /// Go on with the walls this kernel can build when it cannot build all.
    pub(crate) weak: bool,
}

/// `isolate`: who shares a child process.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IsolateWord {
    /// Nobody: each session has its own.
    #[default]
    Session,
    /// All sessions of one person.
    User,
}
