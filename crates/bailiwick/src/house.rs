//! The wiring: which store, which keys, which servers; everything concrete is named here.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use bailiwick_authority::{Authority, Keys, SetupDoor};
use bailiwick_broker::{Broker, Providers};
use bailiwick_domain::chain::Directory;
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::jose::Alg;
use bailiwick_domain::policy::Catalogue;
use bailiwick_domain::seal::MasterKey;
use bailiwick_domain::time::Clock;
use bailiwick_domain::uri::Issuer;
use bailiwick_gateway::{Gateway, Reloaded, ServerSettings, Upstream};
use bailiwick_net::Http;
use bailiwick_resource::Verifier;
use bailiwick_store::{KeyWrap, Settings, Store};

use crate::connector::BrokerConnector;
use crate::notary::Notary;
use crate::plan::{HouseError, Plan, refuse_own_audience};
use crate::wire::{SystemClock, SystemEntropy};

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
    broker: Arc<Broker>,
}

impl House {
    /// Opens store and keys and builds every role.
    pub(crate) async fn open(plan: Plan, issuer: Issuer) -> Result<Self, HouseError> {
        refuse_own_audience(&plan.servers, &issuer)?;
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let sealers = Sealers::derive(&plan.key);
        let patience = patience(&plan.servers);
        let settings = Settings {
            database: plan.database,
            master: plan.key,
            entropy: Arc::clone(&entropy),
            clock: Arc::clone(&clock),
            staleness: plan.staleness,
        };
        let store = opened(settings, plan.vault).await?;
        let keys = signing_keys(&store, clock.as_ref(), plan.signing).await?;
        let catalogue = Arc::new(ArcSwap::from_pointee(Catalogue::default()));
        let directory = Arc::new(ArcSwap::from_pointee(plan.chains.directory(&issuer)?));
        let setup = Arc::new(SetupDoor::new(entropy.as_ref(), issuer.is_loopback() && plan.listen.is_loopback()));
        let broker = broker((&issuer, plan.connections), &keys, (&store, &clock, &entropy));
        let gateway = Arc::new(Gateway::new(bailiwick_gateway::Parts {
            servers: plan.servers,
            issuer: issuer.clone(),
            verifier: Verifier::new(issuer.clone(), keys.public()),
            broker: Arc::clone(&broker),
            store: store.clone(),
            catalogue: Arc::clone(&catalogue),
            directory: Arc::clone(&directory),
            sealer: sealers.sessions,
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            http: Http::new(),
        }));
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
            providers: bailiwick_authority::Providers::new(plan.providers),
        });
        let authority = authority.with_documents(plan.documents).with_grantors(plan.grantors);
        let authority = authority.with_connector(Arc::new(BrokerConnector::new(&broker, &gateway)));
        Ok(Self {
            notary: Notary::new(store.clone(), &plan.data),
            issuer,
            store,
            catalogue,
            directory,
            setup,
            patience,
            gateway,
            broker,
            authority: Arc::new(authority),
        })
    }

    /// What a reload and whoever watches need.
    pub(crate) fn reins(&self) -> Reins {
        Reins {
            gateway: Arc::clone(&self.gateway),
            authority: Arc::clone(&self.authority),
            broker: Arc::clone(&self.broker),
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
        let broker = Arc::clone(&self.broker);
        let document = async move |Path(connection): Path<String>| {
            broker.client_document(&connection).map(axum::Json).ok_or(StatusCode::NOT_FOUND)
        };
        let routes = Router::new()
            .route("/healthz", get(async || StatusCode::OK))
            .route("/readyz", get(ready))
            .route(&format!("{}/{{*connection}}", bailiwick_broker::DOCUMENTS), get(document))
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
        self.broker.close().await;
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

/// How long the welcome waits for these servers.
fn patience(servers: &[ServerSettings]) -> Duration {
    let children = servers.iter().any(|server| matches!(server.upstream, Upstream::Stdio { .. }));
    Duration::from_secs(if children { 30 } else { 3 })
}

/// What tokens are signed with.
async fn signing_keys(store: &Store, clock: &dyn Clock, alg: Alg) -> Result<Keys, HouseError> {
    let keys = Keys::load(store, clock, alg).await;
    keys.map_err(|error| HouseError::Other(format!("the signing keys cannot be loaded: {error}")))
}

/// What obtains credentials for the servers behind.
fn broker((issuer, connections): (&Issuer, Providers), keys: &Keys, (store, clock, entropy): Means<'_>) -> Arc<Broker> {
    let broker = Arc::new(Broker::new(bailiwick_broker::Parts {
        issuer: issuer.clone(),
        signer: keys.shared(),
        store: store.clone(),
        clock: Arc::clone(clock),
        entropy: Arc::clone(entropy),
        http: Http::new(),
    }));
    broker.reload(connections);
    broker
}

/// Store, clock and dice.
type Means<'a> = (&'a Store, &'a Arc<dyn Clock>, &'a Arc<dyn Entropy>);

/// What can be changed, and looked at, while the house runs.
#[derive(Clone)]
pub(crate) struct Reins {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) store: Store,
    authority: Arc<Authority>,
    broker: Arc<Broker>,
    issuer: Issuer,
    pub(crate) directory: Arc<ArcSwap<Directory>>,
}

/// What a reload changed.
pub(crate) struct Taken {
    pub(crate) servers: Reloaded,
    pub(crate) clients: Vec<ClientId>,
    pub(crate) logins: Vec<String>,
    pub(crate) issuers: Vec<String>,
}

impl Reins {
    /// Whether the house may be run by that plan.
    pub(crate) fn check(&self, plan: &Plan) -> Result<(), HouseError> {
        refuse_own_audience(&plan.servers, &self.issuer)
    }

    /// Takes over what of a plan can change live; says what is another now.
    pub(crate) async fn take(&self, plan: Plan) -> Result<Taken, HouseError> {
        let directory = plan.chains.directory(&self.issuer)?;
        self.store.use_keys(plan.vault).await?;
        self.store.set_staleness(plan.staleness);
        self.authority.reload_documents(plan.documents);
        let logins = self.authority.reload_providers(plan.providers);
        let issuers = self.authority.reload_grantors(plan.grantors);
        let clients = self.authority.reload_clients(plan.clients);
        self.directory.store(Arc::new(directory));
        self.broker.reload(plan.connections);
        let servers = self.gateway.reload(plan.servers).await;
        self.gateway.look_over();
        Ok(Taken { servers, clients, logins, issuers })
    }
}

/// The store, with the keys of its vault.
async fn opened(settings: Settings, vault: Arc<dyn KeyWrap>) -> Result<Store, HouseError> {
    let store = Store::open(settings).await?;
    store.use_keys(vault).await?;
    Ok(store)
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
