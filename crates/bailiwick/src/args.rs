//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::command::audit::Audit;
use crate::command::call::Call;
use crate::command::config::ConfigCommand;
use crate::command::demo_server::DemoServer;
use crate::command::login::Login;
use crate::command::logout::Logout;
use crate::command::token::Token;
use crate::command::tools::Tools;
use crate::launch::Launch;

/// Puts OAuth in front of MCP servers: who may let an AI agent do what, with whose authority, against which tool.
#[derive(Debug, Parser)]
#[command(name = "bailiwick", version, after_help = AFTER)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Start here:
  bailiwick serve                                    a sample server, protected, on http://localhost:8787/mcp
  bailiwick serve http://localhost:3000/mcp          protect a server that speaks HTTP
  bailiwick serve -- npx -y @modelcontextprotocol/server-everything
                                                     protect a server that speaks stdio
  bailiwick call http://localhost:8787/mcp list_notes";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Protect an MCP server: authority, gateway and pages on one port
    Serve(Serve),
    /// Sign in to an MCP server in the browser and keep the tokens
    Login(Login),
    /// Revoke and forget the tokens for an MCP server
    Logout(Logout),
    /// List the tools of an MCP server that you may call
    Tools(Tools),
    /// Call a tool of an MCP server
    Call(Call),
    /// Print a valid access token for an MCP server, for scripts
    Token(Token),
    /// Look at the record of who did what
    Audit(Audit),
    /// Check a configuration file
    Config(ConfigCommand),
    /// The sample MCP server, over standard input and output
    DemoServer(DemoServer),
    /// Become a hosted server, behind walls
    #[command(hide = true)]
    Launch(Launch),
}

/// Where the data lives.
#[derive(Args, Clone, Debug)]
pub(crate) struct DataDirectory {
    /// Data directory: keys, database, administration socket [default: the platform's, such as ~/.local/share/bailiwick]
    #[arg(long, value_name = "DIR", env = "BAILIWICK_DATA")]
    data: Option<PathBuf>,
}

impl DataDirectory {
    /// The directory, as given or the platform's.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.data
            .clone()
            .or_else(|| directories::ProjectDirs::from("", "", "bailiwick").map(|dirs| dirs.data_dir().to_owned()))
    }
}

/// `bailiwick serve`.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// URL of the MCP server to protect, such as <http://localhost:3000/mcp>
    #[arg(value_name = "UPSTREAM_URL", conflicts_with = "child")]
    pub(crate) upstream: Option<String>,
    /// Command that starts the MCP server to protect, over stdio
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) child: Vec<String>,
    /// Serve it at /mcp/NAME instead of /mcp
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "BAILIWICK_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDirectory,
    /// Where to listen: localhost:PORT (both families) or ADDRESS:PORT [default: localhost:8787]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// The origin clients reach this process at; the issuer of every token [default: http://localhost:PORT]
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// For tests and demos, on loopback only: signs USER in and approves every consent without asking
    #[arg(long, value_name = "USER")]
    pub(crate) dev_approve: Option<String>,
    /// Start hosted servers without walls around them: each can read and change whatever this process can
    #[arg(long)]
    pub(crate) no_sandbox: bool,
}
