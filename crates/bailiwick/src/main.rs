//! Bailiwick: puts OAuth in front of MCP servers and keeps every AI agent within what it was given.

mod admin;
mod args;
mod command;
mod config;
mod house;
mod keep;
mod launch;
mod sandbox;
mod welcome;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::command::client_world::ClientWorld;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The sample server speaks on standard output and needs neither runtime nor log.
    if let Command::DemoServer(args) = &cli.command {
        return command::demo_server::run(args);
    }
    // The launcher turns into another program, and may not have more than one thread until then.
    if let Command::Launch(args) = &cli.command {
        return launch::run(args);
    }
    log_to_stderr();
    #[cfg(feature = "mutants")]
    switch_off_controls();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("bailiwick: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(run(cli.command))
}

async fn run(command: Command) -> ExitCode {
    match command {
        Command::Serve(args) => command::serve::run(args).await,
        Command::Login(args) => command::login::run(args, &ClientWorld::new()).await,
        Command::Logout(args) => command::logout::run(args, &ClientWorld::new()).await,
        Command::Tools(args) => command::tools::run(args, &ClientWorld::new()).await,
        Command::Call(args) => command::call::run(args, &ClientWorld::new()).await,
        Command::Token(args) => command::token::run(args, &ClientWorld::new()).await,
        Command::Audit(args) => command::audit::run(args).await,
        Command::Config(args) => command::config::run(&args),
        Command::DemoServer(args) => command::demo_server::run(&args),
        Command::Launch(args) => launch::run(&args),
    }
}

/// Logs go to standard error; `BAILIWICK_LOG` sets the level, such as `debug` or `bailiwick_gateway=trace`.
fn log_to_stderr() {
    let filter = wire::environment("BAILIWICK_LOG").unwrap_or_else(|| "warn".to_owned());
    let filter = tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_default();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}

/// The mutation run names the controls that are off for this process: `BAILIWICK_MUTANTS=audience,expiry`.
#[cfg(feature = "mutants")]
fn switch_off_controls() {
    use bailiwick_domain::control::{Control, switch_off};
    let names = wire::environment("BAILIWICK_MUTANTS").unwrap_or_default();
    for control in names.split(',').filter_map(Control::named) {
        eprintln!("bailiwick: MUTANT: the control {:?} is switched off", control.name());
        switch_off(control);
    }
}
