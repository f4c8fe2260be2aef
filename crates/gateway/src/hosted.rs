//! One server as it is hosted here: where it stands outward, and how it is reached inward.

use std::sync::Arc;

use bailiwick_broker::Broker;
use bailiwick_domain::uri::{Issuer, Resource};
use http::Uri;
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::credential::{self, Shown};
use crate::settings::{ServerSettings, Upstream};
use crate::upstream::openapi::Api;
use crate::upstream::stdio::{Children, Program};

/// A hosted server.
#[derive(Debug)]
pub(crate) struct Hosted {
    /// Its name and words; the catalogue knows its tools.
    pub(crate) settings: ServerSettings,
    /// The audience of its tokens.
    pub(crate) resource: Resource,
    /// Where what it is shown goes.
    pub(crate) destination: String,
    /// How it is reached.
    pub(crate) reach: Arc<Reach>,
    /// What it is shown over HTTP.
    pub(crate) credentials: Shown,
    /// What its URL and `headers` of its settings say that must never come back.
    pub(crate) secrets: Vec<Zeroizing<String>>,
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
    /// As the operations of this API.
    OpenApi(Arc<Api>),
    /// Through these children.
    Stdio(Children),
    /// Not at all: what the configuration says is no URL.
    Nowhere(String),
}

impl Hosted {
    pub(crate) fn new(broker: &Broker, issuer: &Issuer, settings: ServerSettings) -> Self {
        let changed = Arc::new(Notify::new());
        let reach = match &settings.upstream {
            Upstream::Http(url) => match url.as_str().parse() {
                Ok(uri) => Reach::Http(uri),
                // It may hold a key; whoever wrote it knows it.
                Err(error) => Reach::Nowhere(format!("its URL cannot be used: {error}")),
            },
            Upstream::OpenApi(api) => Reach::OpenApi(Arc::clone(api)),
            Upstream::Stdio { program, args, env, secrets, personal, cwd, isolate } => {
                let program = Program {
                    executable: program.clone(),
                    args: args.clone(),
                    env: env.clone(),
                    secrets: secrets.clone(),
                    personal: personal.clone(),
                    cwd: cwd.clone(),
                    isolate: *isolate,
                };
                Reach::Stdio(Children::new(program, Arc::clone(&changed)))
            }
        };
        let resource = issuer.resource(settings.name.as_ref());
        let (credentials, reach) = match Shown::prepare(broker, &settings) {
            Ok(shown) => (shown, reach),
            Err(error) => (Shown::default(), Reach::Nowhere(error.to_string())),
        };
        let mut secrets = credential::secrets(&settings.headers);
        secrets.extend(settings.secrets.iter().cloned());
        Self {
            destination: settings.destination(),
            settings,
            resource,
            secrets,
            reach: Arc::new(reach),
            credentials,
            changed,
            surveyed: Mutex::new(None),
            retired: CancellationToken::new(),
        }
    }

    /// The same place under new settings; what runs behind it goes on where the way there is the same.
    pub(crate) fn after(former: &Self, broker: &Broker, issuer: &Issuer, settings: ServerSettings) -> Self {
        let mut new = Self::new(broker, issuer, settings);
        // Where the credentials are none that can be shown, there is no way; once they can be, there is one again.
        let both = [&new.reach, &former.reach].iter().all(|reach| !matches!(reach.as_ref(), Reach::Nowhere(_)));
        if both && new.settings.upstream == former.settings.upstream {
            new.reach = Arc::clone(&former.reach);
            new.changed = Arc::clone(&former.changed);
        }
        new
    }

    /// What the log calls it.
    pub(crate) fn label(&self) -> &str {
        self.settings.label()
    }
}
