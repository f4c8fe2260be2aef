//! What every command of administration takes, and how its order gets there: over the socket of the process that runs,
//! or by opening the data directory where none does.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use crate::admin::order::Order;
use crate::admin::{AdminClient, AdminError, Administration};
use crate::args::DataDirectory;

/// Where to administer, and how to answer.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// Print JSON, for machines
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Configuration file the process was started with, for when nothing runs
    #[arg(long, value_name = "FILE", env = "BAILIWICK_CONFIG", global = true)]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    data: DataDirectory,
}

impl Place {
    /// The data directory.
    pub(crate) fn data(&self) -> Result<PathBuf, String> {
        self.data.path().ok_or_else(|| "no data directory; give one with --data DIR".to_owned())
    }

    /// Has an order carried out.
    pub(crate) async fn order(&self, order: Order) -> Result<Value, String> {
        let data = self.data()?;
        match AdminClient::find(&data).await {
            Ok(client) => {
                let answer: Result<Result<Value, String>, _> = client.post("/orders", &order).await;
                answer.map_err(|error| error.to_string())?
            }
            Err(AdminError::NotRunning) => self.directly(&data, order).await,
            Err(error @ (AdminError::Refused(_) | AdminError::Broken(_))) => Err(error.to_string()),
        }
    }

    async fn directly(&self, data: &Path, order: Order) -> Result<Value, String> {
        let opened = Administration::open(data, self.config.as_deref()).await;
        let administration = opened.map_err(|refused| refused.to_string())?;
        let done = administration.perform(order).await.map_err(|refused| refused.to_string());
        administration.close().await;
        done
    }

    /// Prints what came of an order: as JSON, or as `people` read it.
    pub(crate) fn print(&self, answer: Result<Value, String>, people: impl FnOnce(&Value) -> String) -> ExitCode {
        match answer {
            Ok(value) => {
                let text = if self.json { value.to_string() } else { people(&value) };
                if !text.is_empty() {
                    say(&text);
                }
                ExitCode::SUCCESS
            }
            Err(says) => {
                eprintln!("bailiwick: {says}");
                ExitCode::FAILURE
            }
        }
    }
}

/// Prints a line. Whoever reads may have read enough.
pub(crate) fn say(text: &str) {
    writeln!(std::io::stdout(), "{text}").ok();
}
