//! `bailiwick token`: a valid access token on standard output, for scripts.

use std::process::ExitCode;

use bailiwick_client::{Approach, Client, Held, LoginAsk, LoginError, RenewError, ServerUrl, Wanted};

use super::client_world::{ClientWorld, words};

/// `bailiwick token URL`.
#[derive(clap::Args, Debug)]
pub(crate) struct Token {
    /// URL of the MCP server
    url: ServerUrl,
    /// Log in by following redirects, where a login is needed
    #[arg(long)]
    headless: bool,
}

#[derive(Debug, thiserror::Error)]
enum TokenFailure {
    #[error("{0}")]
    Renew(#[from] RenewError),
    #[error("{0}")]
    Login(#[from] LoginError),
}

pub(crate) async fn run(args: Token, world: &ClientWorld) -> ExitCode {
    match held(&world.client(), &args).await {
        Ok(Some(held)) => {
            words::result(held.expose());
            ExitCode::SUCCESS
        }
        Ok(None) => words::login_needed(&args.url),
        Err(TokenFailure::Login(error)) => words::login_failed(&error),
        Err(error @ TokenFailure::Renew(_)) => words::failed(&error.to_string()),
    }
}

async fn held(client: &Client, args: &Token) -> Result<Option<Held>, TokenFailure> {
    let held = client.held(&args.url).await?;
    if held.is_some() || !args.headless {
        return Ok(held);
    }
    let ask = LoginAsk { approach: Approach::Headless, wanted: Wanted::Suggested, given: None, challenge: None };
    client.login(&args.url, ask).await?;
    Ok(client.held(&args.url).await?)
}
