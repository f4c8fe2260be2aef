//! The wiring: which store, which keys, which servers; everything concrete is named here.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use bailiwick_authority::{Authority, ClientDocuments, Keys, ProviderSettings, Providers, SetupDoor};
use bailiwick_domain::chain::Directory;
use bailiwick_domain::client::Client;
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::jose::Alg;
use bailiwick_domain::policy::Catalogue;
use bailiwick_domain::seal::MasterKey;
use bailiwick_domain::time::{Clock, Timestamp};
use bailiwick_domain::uri::{Issuer, ServerName};
use bailiwick_gateway::{Credential, Gateway, Isolate, Reloaded, ServerSettings, Upstream};
use bailiwick_net::{Http, Listen};
use bailiwick_resource::Verifier;
use bailiwick_store::{Database, OpenError, Settings, Store};

use crate::args;
use crate::config::{Chains, Config, ConfigError, SandboxEntry, Secret, ServerEntry, Text, master_key};
use crate::front::FrontPlan;
use crate::keep;
use crate::notary::Notary;
use crate::sandbox::Hosting;
use crate::wire::{SystemClock, SystemEntropy};

/// Set by the build; a clock that lies before it is wrong.
const BUILT: i64 = 1_763_000_000;

/// Everything that must be right before anything starts.
pub(crate) struct Plan {
    pub(crate) data: PathBuf,
    pub(crate) listen: Listen,
    pub(crate) public_url: Option<String>,
    pub(crate) dev_approve: Option<String>,
    pub(crate) front: FrontPlan,
    database: Database,
    key: MasterKey,
    staleness: Duration,
    signing: Alg,
    servers: Vec<ServerSettings>,
    clients: Vec<Client>,
    chains: Chains,
    providers: Vec<ProviderSettings>,
    documents: Option<ClientDocuments>,
}

/// Why the house cannot open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HouseError {
    /// The configuration or the command line.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Anything else, in a sentence.
    #[error("{0}")]
    Other(String),
}

impl HouseError {
    /// The same, with the place in the file that a complaint about it points to.
    pub(crate) fn placed(self, file: Option<&Path>) -> Self {
        match self {
            Self::Config(error) => error.placed(file).into(),
            Self::Store(_) | Self::Other(_) => self,
        }
    }
}

impl Plan {
    /// Makes the plan from file and command line; the command line wins.
    pub(crate) async fn make(args: &args::Serve) -> Result<Self, HouseError> {
        Self::of(args).await.map_err(|error| error.placed(args.config.as_deref()))
    }

    async fn of(args: &args::Serve) -> Result<Self, HouseError> {
        let mut config = Config::read(args.config.as_deref())?;
        let data = args.data.path().ok_or_else(|| {
            HouseError::Other("no data directory: the platform names none; give one with --data DIR".to_owned())
        })?;
        keep::private_directory(&data).map_err(|error| {
            HouseError::Other(format!(
                "cannot make the data directory {}: {error}; choose another with --data DIR",
                data.display()
            ))
        })?;
        let listen =
            args.listen.clone().or_else(|| config.listen.clone()).unwrap_or_else(|| "localhost:8787".to_owned());
        let listen = Listen::parse(&listen).ok_or_else(|| {
            ConfigError::Value(format!(
                "{listen:?} is not an address to listen on, such as localhost:8787 or 0.0.0.0:443"
            ))
        })?;
        if SystemClock.now() < Timestamp::from_seconds(BUILT) {
            return Err(HouseError::Other(
                "the clock of this machine is wrong: it lies before this program was built".to_owned(),
            ));
        }
        let database = database(&config, &data);
        let fresh = match &database {
            Database::Sqlite(path) => !path.exists(),
            Database::Postgres(_) => true,
        };
        let key = master_key(config.key.as_ref(), &data, fresh, &SystemEntropy)?;
        config.unseal(&database, &key).await?;
        let servers = servers(args, &config, &data)?;
        let chains = Chains::of(&config, &servers)?;
        let mut clients: Vec<Client> =
            config.client.iter().map(|(name, entry)| entry.client(name)).collect::<Result<_, _>>()?;
        clients.extend(chains.clients()?);
        Ok(Self {
            key,
            staleness: Duration::from_secs(config.staleness.unwrap_or(5).max(1)),
            signing: config.signing()?,
            servers,
            clients,
            chains,
            providers: config.login.iter().map(|(name, entry)| entry.provider(name)).collect::<Result<_, _>>()?,
            documents: config.cimd.documents()?,
            front: config.front()?,
            public_url: args.public_url.clone().or(config.public_url),
            dev_approve: args.dev_approve.clone(),
            data,
            listen,
            database,
        })
    }
}

pub(crate) fn database(config: &Config, data: &Path) -> Database {
    match &config.database {
        Some(url) => Database::Postgres(url.clone()),
        None => Database::Sqlite(data.join("bailiwick.db")),
    }
}

/// The servers of the file, and the one of the command line; the sample server when there is none at all.
fn servers(args: &args::Serve, config: &Config, data: &Path) -> Result<Vec<ServerSettings>, HouseError> {
    let key = config.key.as_ref().and_then(Secret::path);
    let hosting = Hosting::new(data, &[args.config.as_deref(), key], args.no_sandbox)?;
    let mut servers = Vec::new();
    for (name, entry) in &config.server {
        let settings = entry.settings(Some(crate::command::config::server_name(name)?))?;
        servers.push(hosting.host(settings, &entry.sandbox)?);
    }
    let name = args.name.as_deref().map(crate::command::config::server_name).transpose()?;
    if name.is_some() && config.server.contains_key(args.name.as_deref().unwrap_or_default()) {
        return Err(HouseError::Other("--name is the name of a server in the configuration file already".to_owned()));
    }
    let given = args.upstream.is_some() || !args.child.is_empty();
    if given {
        let entry = from_command_line(args);
        servers.push(hosting.host(entry.settings(name)?, &entry.sandbox)?);
        if !args.child.is_empty() && !args.no_sandbox {
            eprintln!(
                "bailiwick: the server behind may use the network; `sandbox = {{ network = false }}` in a configuration file cuts it off"
            );
        }
    } else if servers.is_empty() {
        servers.push(sample(name, &hosting, data)?);
    }
    Ok(servers)
}

fn from_command_line(args: &args::Serve) -> ServerEntry {
    let child = (!args.child.is_empty()).then(|| args.child.iter().cloned().map(Text::Plain).collect());
    let title = args.name.clone().or_else(|| title_of(args.upstream.as_deref(), &args.child));
    // What a person starts by hand is most often fetched first.
    let sandbox = SandboxEntry { network: true, ..SandboxEntry::default() };
    ServerEntry {
        upstream: args.upstream.clone().map(Text::Plain),
        command: child,
        title,
        sandbox,
        ..ServerEntry::default()
    }
}

/// A name people recognise: the package or program, or the host.
fn title_of(upstream: Option<&str>, child: &[String]) -> Option<String> {
    let url = upstream.and_then(|raw| url::Url::parse(raw).ok());
    if let Some(host) = url.as_ref().and_then(url::Url::host_str) {
        return Some(host.to_owned());
    }
    let word = child.iter().rev().find(|word| !word.starts_with('-'))?;
    let last = word.rsplit('/').next().unwrap_or(word);
    Some(last.to_owned())
}

fn sample(name: Option<ServerName>, hosting: &Hosting, data: &Path) -> Result<ServerSettings, HouseError> {
    let program = std::env::current_exe()
        .map_err(|error| HouseError::Other(format!("cannot find this program to start the sample server: {error}")))?;
    let home = hosting.home(SAMPLE);
    keep::private_directory(&home)
        .map_err(|error| HouseError::Other(format!("cannot make {}: {error}", home.display())))?;
    let notes = home.join("notes.json");
    // Where they were kept before the sample server had a home of its own.
    let former = data.join("sample-notes.json");
    if former.is_file() && !notes.exists() {
        std::fs::rename(&former, &notes)
            .map_err(|error| HouseError::Other(format!("cannot move {}: {error}", former.display())))?;
    }
    let notes = notes.to_string_lossy().into_owned();
    let mut settings = ServerSettings {
        name,
        title: "Sample notes".to_owned(),
        upstream: Upstream::Stdio {
            program: program.to_string_lossy().into_owned(),
            args: ["demo-server", "--notes"].map(str::to_owned).into_iter().chain([notes]).collect(),
            env: Vec::new(),
            cwd: None,
            isolate: Isolate::Session,
        },
        headers: HeaderMap::new(),
        credential: Credential::None,
        groups: None,
        allow: std::collections::BTreeMap::new(),
        allowed_origins: Vec::new(),
    };
    hosting.host_at(&mut settings, &SandboxEntry::default(), SAMPLE)?;
    Ok(settings)
}

/// Where the sample server lives: no name of a server looks like this.
const SAMPLE: &str = "_sample";

/// A token for a server behind must be worth nothing here, so no audience may be one of ours.
fn refuse_own_audience(servers: &[ServerSettings], issuer: &Issuer) -> Result<(), HouseError> {
    let ours = |audience: &str| {
        url::Url::parse(audience).is_ok_and(|url| url.origin().ascii_serialization() == issuer.as_str())
    };
    match servers
        .iter()
        .find(|server| matches!(&server.credential, Credential::SignedJwt { audience } if ours(audience)))
    {
        None => Ok(()),
        Some(server) => {
            let label = server.name.as_ref().map_or("the server".to_owned(), |name| format!("server.{name}"));
            Err(ConfigError::Value(format!(
                "{label}: it would be sent tokens that are valid at this gateway itself; give it another `audience`, or \
                 `credential = {{ kind = \"none\" }}`"
            ))
            .into())
        }
    }
}

/// The running house.
pub(crate) struct House {
    pub(crate) issuer: Issuer,
    pub(crate) store: Store,
    pub(crate) catalogue: Arc<ArcSwap<Catalogue>>,
    pub(crate) directory: Arc<ArcSwap<Directory>>,
    pub(crate) notary: Notary,
    pub(crate) setup: Arc<SetupDoor>,
    /// How long the welcome waits for servers: a child that is installed first needs its time.
    patience: Duration,
    gateway: Arc<Gateway>,
    authority: Arc<Authority>,
}

impl House {
    /// Opens store and keys and builds every role.
    pub(crate) async fn open(plan: Plan, issuer: Issuer) -> Result<Self, HouseError> {
        refuse_own_audience(&plan.servers, &issuer)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let sealers = Sealers::derive(&plan.key);
        let children = plan.servers.iter().any(|server| matches!(server.upstream, Upstream::Stdio { .. }));
        let patience = Duration::from_secs(if children { 30 } else { 3 });
        let store = Store::open(Settings {
            database: plan.database,
            master: plan.key,
            entropy: Arc::clone(&entropy),
            clock: Arc::clone(&clock),
            staleness: plan.staleness,
        })
        .await?;
        let keys = Keys::load(&store, clock.as_ref(), plan.signing)
            .await
            .map_err(|error| HouseError::Other(format!("the signing keys cannot be loaded: {error}")))?;
        let catalogue = Arc::new(ArcSwap::from_pointee(Catalogue::default()));
        let directory = Arc::new(ArcSwap::from_pointee(plan.chains.directory(&issuer)?));
        let setup = Arc::new(SetupDoor::new(entropy.as_ref(), issuer.is_loopback() && plan.listen.is_loopback()));
        let gateway = Gateway::new(bailiwick_gateway::Parts {
            servers: plan.servers,
            issuer: issuer.clone(),
            verifier: Verifier::new(issuer.clone(), keys.public()),
            signer: keys.shared(),
            store: store.clone(),
            catalogue: Arc::clone(&catalogue),
            directory: Arc::clone(&directory),
            sealer: sealers.sessions,
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            http: Http::new(),
        });
        let authority = Authority::new(bailiwick_authority::Parts {
            issuer: issuer.clone(),
            store: store.clone(),
            keys,
            catalogue: Arc::clone(&catalogue),
            directory: Arc::clone(&directory),
            secrets: sealers.authority,
            clients: plan.clients,
            clock,
            entropy,
            dev_approve: plan.dev_approve,
            setup: Arc::clone(&setup),
            providers: Providers::new(plan.providers),
        });
        Ok(Self {
            notary: Notary::new(store.clone(), &plan.data),
            issuer,
            store,
            catalogue,
            directory,
            setup,
            patience,
            gateway: Arc::new(gateway),
            authority: Arc::new(authority.with_documents(plan.documents)),
        })
    }

    /// What a reload and whoever watches need.
    pub(crate) fn reins(&self) -> Reins {
        Reins {
            gateway: Arc::clone(&self.gateway),
            authority: Arc::clone(&self.authority),
            store: self.store.clone(),
            issuer: self.issuer.clone(),
            directory: Arc::clone(&self.directory),
        }
    }

    /// Every route of every role.
    pub(crate) fn routes(&self) -> Router {
        let store = self.store.clone();
        let ready = move || {
            let store = store.clone();
            async move { if store.ready().await { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE } }
        };
        let routes = Router::new()
            .route("/healthz", get(async || StatusCode::OK))
            .route("/readyz", get(ready))
            .merge(Arc::clone(&self.gateway).routes())
            .merge(Arc::clone(&self.authority).routes());
        crate::entrance::before(routes)
    }

    /// Keeps the catalogue of tools true until the process ends; returns when every server has answered, or has had
    /// time enough to.
    pub(crate) async fn discover(&self) {
        let gateway = Arc::clone(&self.gateway);
        tokio::spawn(async move { gateway.discover().await });
        let waiting = || self.catalogue.load().servers.iter().filter(|server| !server.reachable).count();
        let begun = tokio::time::Instant::now();
        let mut said = false;
        while waiting() > 0 && begun.elapsed() < self.patience {
            tokio::time::sleep(Duration::from_millis(25)).await;
            if !said && begun.elapsed() > Duration::from_secs(2) {
                eprintln!("bailiwick: waiting for {} server(s) to list their tools", waiting());
                said = true;
            }
        }
    }

    /// Ends children and streams, then the store.
    pub(crate) async fn close(self) {
        self.gateway.close().await;
        let signed = async {
            self.store.settle_audit().await;
            if let Err(error) = self.notary.sign().await {
                tracing::error!(%error, "the end of the record could not be signed");
            }
        };
        // Where the database takes no writes, the end is not put off for that.
        tokio::time::timeout(Duration::from_secs(10), signed).await.ok();
        self.store.close().await;
    }
}

/// What can be changed, and looked at, while the house runs.
#[derive(Clone)]
pub(crate) struct Reins {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) store: Store,
    authority: Arc<Authority>,
    issuer: Issuer,
    pub(crate) directory: Arc<ArcSwap<Directory>>,
}

/// What a reload changed.
pub(crate) struct Taken {
    pub(crate) servers: Reloaded,
    pub(crate) clients: Vec<ClientId>,
    pub(crate) logins: Vec<String>,
}

impl Reins {
    /// Whether the house may be run by that plan.
    pub(crate) fn check(&self, plan: &Plan) -> Result<(), HouseError> {
        refuse_own_audience(&plan.servers, &self.issuer)
    }

    /// Takes over what of a plan can change live; says what is another now.
    pub(crate) async fn take(&self, plan: Plan) -> Result<Taken, HouseError> {
        let directory = plan.chains.directory(&self.issuer)?;
        self.store.set_staleness(plan.staleness);
        self.authority.reload_documents(plan.documents);
        let logins = self.authority.reload_providers(plan.providers);
        let clients = self.authority.reload_clients(plan.clients);
        self.directory.store(Arc::new(directory));
        let servers = self.gateway.reload(plan.servers).await;
        self.gateway.look_over();
        Ok(Taken { servers, clients, logins })
    }
}

struct Sealers {
    sessions: bailiwick_domain::seal::Sealer,
    authority: bailiwick_authority::Secrets,
}

impl Sealers {
    fn derive(key: &MasterKey) -> Self {
        Self { sessions: key.sealer("gateway session"), authority: bailiwick_authority::Secrets::derive(key) }
    }
}
