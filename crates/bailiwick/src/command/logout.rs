//! `bailiwick logout`: the kept login revoked where it was granted, and forgotten.

use std::process::ExitCode;

use bailiwick_client::{LoggedOut, LogoutError, ServerUrl};

use super::client_world::{ClientWorld, words};

/// `bailiwick logout URL`.
#[derive(clap::Args, Debug)]
pub(crate) struct Logout {
    /// URL of the MCP server
    url: ServerUrl,
    /// Only forget the login here; the server is not told
    #[arg(long)]
    forget: bool,
}

pub(crate) async fn run(args: Logout, world: &ClientWorld) -> ExitCode {
    let server = &args.url;
    match world.client().logout(server, args.forget).await {
        Ok(LoggedOut::NothingKept) => words::note(&format!("bailiwick: no login was kept for {server}")),
        Ok(LoggedOut::Revoked) => words::result(&format!("Logged out of {server}: revoked and forgotten")),
        Ok(LoggedOut::Forgotten) => {
            words::result(&format!("Logged out of {server}: forgotten here, not revoked there"));
        }
        Err(error @ LogoutError::Keep(_)) => return words::failed(&error.to_string()),
        Err(error @ LogoutError::Token(_)) => {
            let again = format!("{} --forget", words::command("logout", server));
            return words::failed(&format!("{error}; still logged in; to forget it here alone: {again}"));
        }
    }
    ExitCode::SUCCESS
}
