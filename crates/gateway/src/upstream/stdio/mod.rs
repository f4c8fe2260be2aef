//! Servers that run as child processes and speak JSON-RPC by lines.

mod child;
mod children;
mod exchange;
mod flow;
mod personal;
mod process;
mod switchboard;

use std::path::PathBuf;
use std::time::Duration;

pub(crate) use child::{Birth, Child};
pub(crate) use children::{Asks, Children};
pub(crate) use exchange::forward;
pub(crate) use personal::Own;
pub use personal::PersonalVariable;
pub(crate) use switchboard::Placed;

use zeroize::Zeroizing;

use crate::settings::Isolate;

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The executable.
    pub(crate) executable: String,
    /// Its arguments.
    pub(crate) args: Vec<String>,
    /// Its environment.
    pub(crate) env: Vec<(String, String)>,
    /// Which of its values are secrets.
    pub(crate) secrets: Vec<Zeroizing<String>>,
    /// Variables that hold secrets of each person's own.
    pub(crate) personal: Vec<PersonalVariable>,
    /// Its working directory.
    pub(crate) cwd: Option<PathBuf>,
    /// Who shares a process of it.
    pub(crate) isolate: Isolate,
}

/// Why a child did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Start {
    /// There are as many as there may be, and all are in use.
    #[error("too many sessions with this server are in use")]
    Crowded,
    /// The system would not.
    #[error("{0}")]
    Failed(String),
}

/// Why a child does not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Hung {
    /// It has ended.
    #[error("the child process has ended")]
    Ended,
    /// It says nothing, or does not listen.
    #[error("the child process was silent for {} s", .0.as_secs())]
    Silent(Duration),
}

#[cfg(test)]
mod tests;
