//! The command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::command::access::Access;
use crate::command::agents::Agents;
use crate::command::audit::Audit;
use crate::command::backup::{Backup, Restore};
use crate::command::call::Call;
use crate::command::clients::Clients;
use crate::command::config::ConfigCommand;
use crate::command::demo_server::DemoServer;
use crate::command::grants::Grants;
use crate::command::import::Import;
use crate::command::keys::Keys;
use crate::command::login::Login;
use crate::command::logout::Logout;
use crate::command::servers::Servers;
use crate::command::token::Token;
use crate::command::tools::Tools;
use crate::command::users::Users;
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
  bailiwick serve                              protect a sample server
  bailiwick serve http://localhost:3000/mcp    protect a server over HTTP
  bailiwick serve -- npx -y @modelcontextprotocol/server-everything
                                               protect a server over stdio
  bailiwick serve --openapi petstore.yaml      make tools of an HTTP API, and protect them
and from another terminal:
  bailiwick call http://localhost:8787/mcp list_notes

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 needs a login.
BAILIWICK_LOG=debug shows more of what happens.";

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
    /// Move a desktop client's MCP servers behind the gateway and seal their secrets
    Import(Import),
    /// Accounts: list, add, disable, enable, password
    Users(Users),
    /// Apps that somebody let act: list, disable, enable
    Clients(Clients),
    /// Keys that protect what is kept: rotate-vault
    Keys(Keys),
    /// Agents that act for people: list, stop, start, cut, mend
    Agents(Agents),
    /// MCP servers behind the gateway: list, tools; stop and start a tool
    Servers(Servers),
    /// Who let which app do what: list, show, revoke; token to end one token
    Grants(Grants),
    /// The record of who did what: tail, search, verify, checkpoint, export
    Audit(Audit),
    /// Who could call a tool, by which rule and through which app: report
    Access(Access),
    /// The configuration: check, schema, show
    Config(ConfigCommand),
    /// Write everything that is remembered, but the master key, into one file
    Backup(Backup),
    /// Put a backup into an empty data directory
    Restore(Restore),
    /// The sample MCP server, over standard input and output (serve starts it by itself)
    DemoServer(DemoServer),
    /// Become a hosted server, behind walls
    #[command(hide = true)]
    Launch(Launch),
}

/// Where the data lives.
#[derive(Args, Clone, Debug)]
pub(crate) struct DataDirectory {
    /// Where keys and database live [default: the platform's place, such as ~/.local/share/bailiwick]
    #[arg(long, value_name = "DIR", env = "BAILIWICK_DATA", hide_env_values = true, global = true)]
    data: Option<PathBuf>,
}

impl DataDirectory {
    /// The directory, if one was given.
    pub(crate) fn given(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    /// The directory, as given or the platform's.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.data
            .clone()
            .or_else(|| directories::ProjectDirs::from("", "", "bailiwick").map(|dirs| dirs.data_dir().to_owned()))
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// `bailiwick serve`.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// The MCP server to protect, over HTTP; with --openapi, where the API is
    #[arg(
        help = "URL of the MCP server to protect, such as http://localhost:3000/mcp; with --openapi, of the API",
        value_name = "UPSTREAM_URL",
        conflicts_with = "child"
    )]
    pub(crate) upstream: Option<String>,
    /// Or the command that starts it and speaks to it over stdio
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) child: Vec<String>,
    /// Make tools of an HTTP API: its OpenAPI 3.0 or 3.1 document, JSON or YAML [base URL: the document's first server]
    #[arg(long, value_name = "FILE", conflicts_with = "child")]
    pub(crate) openapi: Option<PathBuf>,
    /// Serve it at /mcp/NAME instead of /mcp; a name is made of a-z, 0-9 and -
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Configuration file, usually bailiwick.toml; without it, everything has a default
    #[arg(long, value_name = "FILE", env = "BAILIWICK_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDirectory,
    /// Where to listen: localhost:PORT, or ADDRESS:PORT [default: localhost:8787]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// The origin clients reach this process at; the issuer of every token [default: http://localhost:PORT]
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Where operators read metrics: ADDRESS:PORT, or off
    #[arg(long, value_name = "ADDR", env = "BAILIWICK_METRICS", default_value = "127.0.0.1:8788")]
    pub(crate) metrics: String,
    /// How log lines are written, on standard error
    #[arg(long, value_enum, env = "BAILIWICK_LOG_FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
    /// For tests and demos, on loopback only: signs USER in and approves every consent without asking
    #[arg(long, value_name = "USER")]
    pub(crate) dev_approve: Option<String>,
    /// Start hosted servers without walls around them: each can read and change whatever this process can
    #[arg(long)]
    pub(crate) no_sandbox: bool,
}
