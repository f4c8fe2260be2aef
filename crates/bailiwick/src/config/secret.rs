//! Secrets are never written in the configuration: it names a file, an environment variable or a command.

use std::path::PathBuf;
use std::process::Command;

use schemars::JsonSchema;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{ConfigError, Sealed};

/// Where a secret comes from.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Secret {
    /// The content of a file, trailing line break dropped.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// What a command prints, trailing line break dropped.
    Command(Vec<String>),
    /// What `bailiwick import` sealed in the database, by its name there.
    Sealed(Sealed),
}

impl Secret {
    /// The file it lies in, if it lies in one.
    pub(crate) fn path(&self) -> Option<&std::path::Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Env(_) | Self::Command(_) | Self::Sealed(_) => None,
        }
    }

    /// Fetches the secret.
    pub(crate) fn fetch(&self, what: &str) -> Result<Zeroizing<String>, ConfigError> {
        let raw = match self {
            Self::File(path) => std::fs::read_to_string(path)
                .map_err(|error| ConfigError::Value(format!("{what}: cannot read {}: {error}", path.display())))?,
            Self::Env(name) => crate::wire::environment(name)
                .ok_or_else(|| ConfigError::Value(format!("{what}: the environment variable {name} is not set")))?,
            Self::Command(words) => run(words, what)?,
            Self::Sealed(sealed) => sealed.opened(what)?,
        };
        let text = Zeroizing::new(raw.trim_end_matches(['\n', '\r']).to_owned());
        if text.is_empty() {
            return Err(ConfigError::Value(format!("{what}: the secret is empty")));
        }
        Ok(text)
    }
}

fn run(words: &[String], what: &str) -> Result<String, ConfigError> {
    let refused = |says: String| ConfigError::Value(format!("{what}: {says}"));
    let (program, args) = words.split_first().ok_or_else(|| refused("the command is empty".to_owned()))?;
    let output =
        Command::new(program).args(args).output().map_err(|error| refused(format!("cannot run {program}: {error}")))?;
    if !output.status.success() {
        return Err(refused(format!("{program} failed ({})", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| refused(format!("{program} printed something that is not text")))
}
