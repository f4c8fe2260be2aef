//! One server as it is hosted here: where it stands outward, and how it is reached inward.

use std::sync::Arc;

use bailiwick_domain::jose::SignError;
use bailiwick_domain::uri::{Issuer, Resource};
use bailiwick_resource::Caller;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::credential::Signed;
use crate::gateway::Gateway;
use crate::settings::{Credential, ServerSettings, Upstream};
use crate::upstream::stdio::{Children, Program};

/// A hosted server.
#[derive(Debug)]
pub(crate) struct Hosted {
    /// Its name and words; the catalogue knows its tools.
    pub(crate) settings: ServerSettings,
    /// The audience of its tokens.
    pub(crate) resource: Resource,
    /// How it is reached.
    pub(crate) reach: Arc<Reach>,
    /// What it is shown over HTTP, if anything.
    pub(crate) credential: Option<Signed>,
    /// Woken when its list of tools should be read again.
    pub(crate) changed: Arc<Notify>,
    /// When its tools were read last. Whoever reads them holds this.
    pub(crate) surveyed: Mutex<Option<Instant>>,
    /// Cancelled when the configuration names another in its place, or none.
    pub(crate) retired: CancellationToken,
}

/// How a server is reached.
#[derive(Debug)]
pub(crate) enum Reach {
    /// At this URL.
    Http(Uri),
    /// Through these children.
    Stdio(Children),
    /// Not at all: what the configuration says is no URL.
    Nowhere(String),
}

impl Hosted {
    pub(crate) fn new(issuer: &Issuer, settings: ServerSettings) -> Self {
        let changed = Arc::new(Notify::new());
        let reach = match &settings.upstream {
            Upstream::Http(url) => match url.as_str().parse() {
                Ok(uri) => Reach::Http(uri),
                // It may hold a key; whoever wrote it knows it.
                Err(error) => Reach::Nowhere(format!("its URL cannot be used: {error}")),
            },
            Upstream::Stdio { program, args, env, cwd, isolate } => {
                let program = Program {
                    executable: program.clone(),
                    args: args.clone(),
                    env: env.clone(),
                    cwd: cwd.clone(),
                    isolate: *isolate,
                };
                Reach::Stdio(Children::new(program, Arc::clone(&changed)))
            }
        };
        let resource = issuer.resource(settings.name.as_ref());
        let credential = match &settings.credential {
            // The operator has said what it is shown.
            Credential::SignedJwt { .. } if settings.headers.contains_key(AUTHORIZATION) => None,
            Credential::SignedJwt { audience } => Some(Signed::new(audience.clone())),
            Credential::None => None,
        };
        Self {
            settings,
            resource,
            reach: Arc::new(reach),
            credential,
            changed,
            surveyed: Mutex::new(None),
            retired: CancellationToken::new(),
        }
    }

    /// The same place under new settings; what runs behind it goes on where the way there is the same.
    pub(crate) fn after(former: &Self, issuer: &Issuer, settings: ServerSettings) -> Self {
        let mut new = Self::new(issuer, settings);
        if new.settings.upstream == former.settings.upstream {
            new.reach = Arc::clone(&former.reach);
            new.changed = Arc::clone(&former.changed);
        }
        new
    }

    /// The headers of ours that it is shown over HTTP, on behalf of `caller` or of the gateway itself: what the
    /// configuration writes has the last word.
    ///
    /// # Errors
    /// [`SignError`] when the key fails.
    pub(crate) fn own_headers(&self, gateway: &Gateway, caller: Option<&Caller>) -> Result<HeaderMap, SignError> {
        let mut headers = HeaderMap::new();
        if let Some(signed) = &self.credential {
            headers.insert(AUTHORIZATION, signed.header(gateway, caller)?);
        }
        headers.extend(self.settings.headers.clone());
        Ok(headers)
    }

    /// What the log calls it.
    pub(crate) fn label(&self) -> &str {
        self.settings.name.as_ref().map_or(&self.settings.title, |name| name.as_str())
    }
}
