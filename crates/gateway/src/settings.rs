//! What the configuration says of one server behind the gateway.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bailiwick_domain::policy::{Named, ScopeGroup};
use bailiwick_domain::scope::Scope;
use bailiwick_domain::uri::ServerName;
use url::Url;

/// One server.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Its name; without one it is served at `/mcp` itself.
    pub name: Option<ServerName>,
    /// What people call it.
    pub title: String,
    /// How it is reached.
    pub upstream: Upstream,
    /// Its scopes in words; without any, read, write and destructive.
    pub groups: Option<Vec<ScopeGroup>>,
    /// Who may hold its scopes; one that is not listed is for every account made here.
    pub allow: BTreeMap<Scope, Vec<Named>>,
    /// Origins of browser-based clients.
    pub allowed_origins: Vec<String>,
}

/// How a server is reached.
#[derive(Clone, Debug)]
pub enum Upstream {
    /// Streamable HTTP at this URL.
    Http(Url),
    /// A child process that speaks JSON-RPC by lines.
    Stdio {
        /// The program.
        program: String,
        /// Its arguments.
        args: Vec<String>,
        /// Its environment, beside `PATH`, `HOME`, `LANG` and `TERM`.
        env: Vec<(String, String)>,
        /// Its working directory.
        cwd: Option<PathBuf>,
    },
}
