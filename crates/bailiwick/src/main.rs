//! Bailiwick: puts OAuth in front of MCP servers and keeps every AI agent within what it was given.

mod admin;
mod args;
mod command;
mod config;
mod connector;
#[cfg(target_os = "linux")]
mod dump;
mod entrance;
mod front;
mod house;
mod keep;
mod launch;
mod logs;
mod metrics;
mod notary;
mod plan;
mod reload;
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
    logs::to_stderr(&cli.command);
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
        Command::Import(args) => command::import::run(args).await,
        Command::Keys(args) => command::keys::run(args).await,
        Command::Agents(args) => command::agents::run(args).await,
        Command::Audit(args) => command::audit::run(args).await,
        Command::Access(args) => command::access::run(args).await,
        Command::Users(args) => command::users::run(args).await,
        Command::Clients(args) => command::clients::run(args).await,
        Command::Servers(args) => command::servers::run(args).await,
        Command::Grants(args) => command::grants::run(args).await,
        Command::Backup(args) => command::backup::run(args).await,
        Command::Restore(args) => command::backup::restore(args).await,
        Command::Config(args) => command::config::run(args).await,
        Command::DemoServer(args) => command::demo_server::run(&args),
        Command::Launch(args) => launch::run(&args),
    }
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
