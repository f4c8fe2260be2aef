//! The plan: what file and command line come to, all of it right before anything starts.

mod servers;
mod warnings;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bailiwick_authority::{ClientDocuments, LoginSettings, SamlGrantor};
use bailiwick_domain::client::Client;
use bailiwick_domain::jose::Alg;
use bailiwick_domain::seal::MasterKey;
use bailiwick_domain::time::{Clock as _, Timestamp};
use bailiwick_gateway::ServerSettings;
use bailiwick_net::Listen;
use bailiwick_store::{Database, KeyWrap, OpenError};

use crate::args;
use crate::config::{Chains, Config, ConfigError, master_key};
use crate::front::FrontPlan;
use crate::keep;
use crate::wire::{SystemClock, SystemEntropy};

pub(crate) use servers::refuse_own_audience;
use servers::{connections, servers};

/// Set by the build; a clock that lies before it is wrong.
const BUILT: i64 = 1_763_000_000;

/// Everything that must be right before anything starts.
pub(crate) struct Plan {
    pub(crate) data: PathBuf,
    pub(crate) listen: Listen,
    pub(crate) public_url: Option<String>,
    pub(crate) dev_approve: Option<String>,
    pub(crate) front: FrontPlan,
    pub(crate) database: Database,
    pub(crate) key: MasterKey,
    pub(crate) vault: Arc<dyn KeyWrap>,
    pub(crate) staleness: Duration,
    pub(crate) signing: Alg,
    pub(crate) servers: Vec<ServerSettings>,
    /// What people can connect accounts of theirs to.
    pub(crate) connections: bailiwick_broker::Providers,
    pub(crate) clients: Vec<Client>,
    pub(crate) chains: Chains,
    pub(crate) providers: Vec<LoginSettings>,
    pub(crate) grantors: Vec<SamlGrantor>,
    pub(crate) documents: Option<ClientDocuments>,
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
            vault: config.vault.keys(&key)?,
            key,
            staleness: Duration::from_secs(config.staleness.unwrap_or(5).max(1)),
            signing: config.signing()?,
            connections: connections(&servers)?,
            servers,
            clients,
            chains,
            providers: config.login.iter().map(|(name, entry)| entry.provider(name)).collect::<Result<_, _>>()?,
            grantors: config.grantors()?,
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
