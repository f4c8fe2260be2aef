//! `bailiwick config check`: says whether a file would be accepted, without starting anything.

use std::path::PathBuf;
use std::process::ExitCode;

use bailiwick_domain::uri::ServerName;
use clap::{Args, Subcommand};

use crate::config::{Config, ConfigError};

/// `bailiwick config`.
#[derive(Args, Debug)]
pub(crate) struct ConfigCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Validate a configuration file; errors name line and column
    Check {
        /// The file
        #[arg(value_name = "FILE", default_value = "bailiwick.toml")]
        file: PathBuf,
    },
}

/// Runs the command.
pub(crate) fn run(command: &ConfigCommand) -> ExitCode {
    let Verb::Check { file } = &command.verb;
    match check(file) {
        Ok(servers) => {
            println!("{}: good, {servers} server(s)", file.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bailiwick: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check(file: &std::path::Path) -> Result<usize, ConfigError> {
    let config = Config::read(Some(file))?;
    config.signing()?;
    for (name, entry) in &config.server {
        entry.settings(Some(server_name(name)?))?;
    }
    for (name, entry) in &config.client {
        entry.client(name)?;
    }
    config.cimd.documents()?;
    Ok(config.server.len())
}

/// Reads a server's name.
pub(crate) fn server_name(raw: &str) -> Result<ServerName, ConfigError> {
    ServerName::parse(raw)
        .ok_or_else(|| ConfigError::Value(format!("{raw:?} is not a server's name: use a-z, 0-9 and -")))
}
