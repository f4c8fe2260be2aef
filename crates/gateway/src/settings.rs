//! What the configuration says of one server behind the gateway.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bailiwick_broker::{Credentials, Providers, TwoProviders};
use bailiwick_domain::policy::{Named, ScopeGroup};
use bailiwick_domain::scope::Scope;
use bailiwick_domain::uri::ServerName;
use http::HeaderMap;
use url::Url;
use zeroize::Zeroizing;

use crate::upstream::stdio::PersonalVariable;

use crate::upstream::openapi::Api;

/// One server.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerSettings {
    /// Its name; without one it is served at `/mcp` itself.
    pub name: Option<ServerName>,
    /// What people call it.
    pub title: String,
    /// How it is reached.
    pub upstream: Upstream,
    /// Headers of our own on every request over HTTP, such as an API key.
    pub headers: HeaderMap,
    /// What of its URL lets in whoever knows it: what the server says is cleared of that.
    pub secrets: Vec<Zeroizing<String>>,
    /// What it is shown to let us in, unless `headers` has an `Authorization` already.
    pub credential: Credentials,
    /// What single security schemes of an API are shown instead, by the scheme's name.
    pub security: BTreeMap<String, Credentials>,
    /// What it is shown for single tools instead.
    pub tools: BTreeMap<String, Credentials>,
    /// What it is shown when the gateway asks which tools there are; by default what its callers share.
    pub discovery: Option<Credentials>,
    /// Its scopes in words; without any, read, write and destructive.
    pub groups: Option<Vec<ScopeGroup>>,
    /// Who may hold its scopes; one that is not listed is for every account made here.
    pub allow: BTreeMap<Scope, Vec<Named>>,
    /// Origins of browser-based clients.
    pub allowed_origins: Vec<String>,
}

impl ServerSettings {
    /// What the log and the record call it.
    pub fn label(&self) -> &str {
        self.name.as_ref().map_or(&self.title, |name| name.as_str())
    }

    /// True when one of its tools works with what people connect under that name.
    pub fn works_with(&self, connection: &str) -> bool {
        let mut providers = Providers::default();
        // What two of one name would differ in does not matter here.
        self.add_connections(&mut providers).ok();
        providers.get(connection).is_some()
    }

    /// Adds what people connect accounts of theirs to.
    ///
    /// # Errors
    /// [`TwoProviders`] where two of one name differ.
    pub fn add_connections(&self, providers: &mut Providers) -> Result<(), TwoProviders> {
        let destination = self.destination();
        providers.add((&self.title, &destination), &self.credential)?;
        if let Upstream::Stdio { personal, .. } = &self.upstream {
            let add = |own: &PersonalVariable| {
                providers.add_variable((&self.title, &destination), (&own.name, &own.connection))
            };
            personal.iter().try_for_each(add)?;
        }
        let parts = self.tools.iter().chain(&self.security);
        let mut add = |(part, shown)| providers.add((format!("{}: {part}", self.title).as_str(), &destination), shown);
        parts.into_iter().try_for_each(&mut add)
    }

    /// Where its credentials are shown: what a person connects for it goes there, and nowhere else.
    pub fn destination(&self) -> String {
        match &self.upstream {
            Upstream::Http(url) => url.origin().ascii_serialization(),
            Upstream::OpenApi(api) => api.base().origin().ascii_serialization(),
            Upstream::Stdio { .. } => format!("child:{}", self.label()),
        }
    }

    /// The audiences of tokens of ours that leave for it, or for the authorization servers it trusts.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        let all = std::iter::once(&self.credential)
            .chain(self.tools.values())
            .chain(self.security.values())
            .chain(&self.discovery);
        all.flat_map(Credentials::audiences)
    }
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq)]
pub enum Upstream {
    /// Streamable HTTP at this URL.
    Http(Url),
    /// An API whose operations are the tools.
    OpenApi(Arc<Api>),
    /// A child process that speaks JSON-RPC by lines.
    Stdio {
        /// The program.
        program: String,
        /// Its arguments.
        args: Vec<String>,
        /// Its environment, beside `PATH`, `HOME`, `LANG` and `TERM`.
        env: Vec<(String, String)>,
        /// Which of its values are secrets: what it says is cleared of them.
        secrets: Vec<Zeroizing<String>>,
        /// Variables that hold secrets of each person's own; their children are not shared.
        personal: Vec<PersonalVariable>,
        /// Its working directory.
        cwd: Option<PathBuf>,
        /// Who shares a process of it.
        isolate: Isolate,
    },
}

/// Who shares a child process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolate {
    /// Nobody: each session has its own.
    #[default]
    Session,
    /// All sessions of one person, whichever client they use; it is told whose it is by [`OWNER_VARIABLE`].
    User,
}

/// The variable that tells the process of [`Isolate::User`] whose it is: the `sub` of that person's tokens.
pub const OWNER_VARIABLE: &str = "BAILIWICK_CHILD_OWNER";
