//! `bailiwick config`: whether a file would be accepted, what may stand in one, and what is in force.

use std::path::PathBuf;
use std::process::ExitCode;

use bailiwick_domain::uri::ServerName;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::place::Place;
use crate::admin::order::Order;
use crate::config::{Chains, Config, ConfigError};

/// `bailiwick config`.
#[derive(Args, Debug)]
pub(crate) struct ConfigCommand {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Validate a configuration file without starting; errors name line and column
    Check {
        /// The file
        #[arg(value_name = "FILE", default_value = "bailiwick.toml")]
        file: PathBuf,
    },
    /// Print the JSON Schema of the configuration file
    Schema,
    /// Show the configuration in force; what may be a secret is left out
    Show,
}

/// Runs the command.
pub(crate) async fn run(command: ConfigCommand) -> ExitCode {
    let ConfigCommand { place, verb } = command;
    match verb {
        Verb::Check { file } => {
            let checked = check(&file).map_err(|error| error.placed(Some(&file)).to_string());
            let checked =
                checked.map(|servers| serde_json::json!({ "file": file.display().to_string(), "servers": servers }));
            place.print(checked, |told| {
                format!("{}: good, {} server(s)", file.display(), told.get("servers").unwrap_or(&Value::Null))
            })
        }
        Verb::Schema => place.print(Ok(Config::schema()), |schema| format!("{schema:#}")),
        Verb::Show => place.print(place.order(Order::Config).await, in_force),
    }
}

fn in_force(told: &Value) -> String {
    let file = told.get("file").and_then(Value::as_str).unwrap_or("no file: every field has its default");
    let settings = told.get("settings").and_then(|settings| toml::to_string(settings).ok()).unwrap_or_default();
    format!("# {file}\n{settings}").trim_end().to_owned()
}

fn check(file: &std::path::Path) -> Result<usize, ConfigError> {
    let mut config = Config::read(Some(file))?;
    config.trust_sealed();
    config.signing()?;
    config.front()?;
    let servers = config.server.iter().map(|(name, entry)| entry.settings(Some(server_name(name)?)));
    let chains = Chains::of(&config, &servers.collect::<Result<Vec<_>, _>>()?)?;
    chains.clients()?;
    for (name, entry) in &config.client {
        entry.client(name)?;
    }
    for (name, entry) in &config.login {
        entry.provider(name)?;
    }
    config.grantors()?;
    config.cimd.documents()?;
    Ok(config.server.len())
}

/// Reads a server's name.
pub(crate) fn server_name(raw: &str) -> Result<ServerName, ConfigError> {
    ServerName::parse(raw)
        .ok_or_else(|| ConfigError::Value(format!("{raw:?} is not a server's name: use a-z, 0-9 and -")))
}
