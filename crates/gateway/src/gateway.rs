//! The gateway itself: what every step of the pipeline stands on.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::Request;
use bailiwick_broker::Broker;
use bailiwick_domain::chain::Directory;
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::ids::CorrelationId;
use bailiwick_domain::policy::{Catalogue, Server};
use bailiwick_domain::seal::Sealer;
use bailiwick_domain::time::{Clock, Timestamp};
use bailiwick_domain::token::Standing;
use bailiwick_domain::uri::{Issuer, ServerName};
use bailiwick_net::Http;
use bailiwick_resource::{Caller, Liveness as _, Verifier};
use bailiwick_store::{Change, ChangeKind, Store};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::call::Call;
use crate::door::Door;
use crate::hosted::{Hosted, Reach};
use crate::liveness::Feed;
use crate::refuse::Trail;
use crate::session::Sessions;
use crate::settings::ServerSettings;
use crate::streams::{Errand, Streams, Ticket, Watch};
use crate::{ceiling, discover, pipeline};

/// How often what was left open is looked over, also when nothing was heard.
const SWEEP: Duration = Duration::from_secs(30);
/// How long the store may take to say which secrets people have.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a gateway is made of.
pub struct Parts {
    /// The servers behind it.
    pub servers: Vec<ServerSettings>,
    /// Who we are outward.
    pub issuer: Issuer,
    /// Verifies tokens.
    pub verifier: Verifier,
    /// Obtains what servers behind are shown.
    pub broker: Arc<Broker>,
    /// Knows revocations and keeps the audit.
    pub store: Store,
    /// Which tools there are; the gateway keeps it true.
    pub catalogue: Arc<ArcSwap<Catalogue>>,
    /// Which agents there are, and toward what they may act.
    pub directory: Arc<ArcSwap<Directory>>,
    /// Seals session ids.
    pub sealer: Sealer,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws ids.
    pub entropy: Arc<dyn Entropy>,
    /// Reaches the servers.
    pub http: Http,
}

/// The protected resource in front of every server.
pub struct Gateway {
    pub(crate) issuer: Issuer,
    pub(crate) verifier: Verifier,
    pub(crate) broker: Arc<Broker>,
    pub(crate) store: Store,
    pub(crate) catalogue: Arc<ArcSwap<Catalogue>>,
    pub(crate) directory: Arc<ArcSwap<Directory>>,
    pub(crate) sessions: Sessions,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) http: Http,
    pub(crate) door: Door,
    pub(crate) feed: Feed,
    pub(crate) streams: Arc<Streams>,
    pub(crate) servers: ArcSwap<Vec<Arc<Hosted>>>,
    /// Woken when there are others.
    pub(crate) reloaded: Notify,
    pub(crate) stop: CancellationToken,
}

impl Gateway {
    /// Puts a gateway together. The catalogue names its servers from now on; their tools follow with
    /// [`Self::discover`].
    pub fn new(parts: Parts) -> Self {
        let issuer = parts.issuer;
        let known = parts.servers.iter().map(|settings| {
            let resource = issuer.resource(settings.name.as_ref());
            let known = Server::new(settings.name.clone(), settings.title.clone(), resource, settings.groups.clone());
            Server { allow: settings.allow.clone(), ..known }
        });
        parts.catalogue.store(Arc::new(Catalogue { servers: known.collect() }));
        Self {
            feed: Feed(parts.store.revocations()),
            sessions: Sessions::new(parts.sealer, Arc::clone(&parts.entropy)),
            door: Door::of(&issuer),
            servers: ArcSwap::from_pointee(
                parts
                    .servers
                    .into_iter()
                    .map(|settings| Arc::new(Hosted::new(&parts.broker, &issuer, settings)))
                    .collect(),
            ),
            broker: parts.broker,
            reloaded: Notify::new(),
            issuer,
            verifier: parts.verifier,
            store: parts.store,
            catalogue: parts.catalogue,
            directory: parts.directory,
            clock: parts.clock,
            entropy: parts.entropy,
            http: parts.http,
            streams: Arc::default(),
            stop: CancellationToken::new(),
        }
    }

    /// Its routes: `/mcp`, `/mcp/{name}` and the metadata of each server. What they open is closed again when its grant
    /// is revoked.
    pub fn routes(self: Arc<Self>) -> Router {
        tokio::spawn(Arc::clone(&self).watch());
        pipeline::routes(self)
    }

    /// Keeps the catalogue of tools true until [`Self::close`].
    pub async fn discover(&self) {
        let mut kept = FuturesUnordered::new();
        let mut begun: Vec<Arc<Hosted>> = Vec::new();
        loop {
            begun.retain(|server| !server.retired.is_cancelled());
            for server in self.servers.load().iter() {
                if !begun.iter().any(|known| Arc::ptr_eq(known, server)) {
                    begun.push(Arc::clone(server));
                    kept.push(discover::until_retired(self, Arc::clone(server)));
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.reloaded.notified() => {}
                Some(()) = kept.next() => {}
            }
        }
    }

    /// The servers, as people call them, that work with what is connected under that name.
    pub fn working_with(&self, connection: &str) -> Vec<String> {
        let servers = self.servers.load();
        let working = servers.iter().filter(|server| server.settings.works_with(connection));
        working.map(|server| server.settings.title.clone()).collect()
    }

    /// Ends streams and children.
    pub async fn close(&self) {
        self.stop.cancel();
        self.streams.sweep(|_| true);
        for server in self.servers.load().iter() {
            if let Reach::Stdio(children) = server.reach.as_ref() {
                children.close().await;
            }
        }
    }

    /// The server at `/mcp/{name}`, or the unnamed one.
    pub(crate) fn server(&self, name: Option<&str>) -> Option<Arc<Hosted>> {
        let called = |server: &&Arc<Hosted>| server.settings.name.as_ref().map(ServerName::as_str) == name;
        self.servers.load().iter().find(called).cloned()
    }

    /// What the catalogue says of a server, with the catalogue that says it.
    pub(crate) fn known<T>(&self, server: &Hosted, read: impl FnOnce(&Server) -> T) -> Option<T> {
        self.catalogue.load().by_resource(&server.resource).map(read)
    }

    /// Opens a stream for a call, to be cut when what it hangs from is ended.
    pub(crate) fn open_stream(&self, call: &Call) -> Ticket {
        self.streams.open(call, Watch { feed: self.feed.clone(), clock: Arc::clone(&self.clock) })
    }

    /// The trail of a request: the one it was given at the entrance of the house, else a new one.
    pub(crate) fn trail(&self, request: &Request) -> Trail {
        let given = request.extensions().get::<CorrelationId>().cloned();
        Trail { correlation: given.unwrap_or_else(|| CorrelationId::draw(self.entropy.as_ref())), id: None }
    }

    /// Closes what is open for revoked grants and for people who may hold nothing any more, as soon as it hears of
    /// them, what nobody used for long, and children that hold a secret which is their person's no more.
    async fn watch(self: Arc<Self>) {
        let mut changes = self.feed.0.subscribe();
        loop {
            let heard = tokio::select! {
                () = self.stop.cancelled() => return,
                heard = changes.recv() => Some(heard),
                () = tokio::time::sleep(SWEEP) => None,
            };
            if let Some(Ok(Change { kind: ChangeKind::UserChanged, subject })) = &heard {
                // Where the store does not answer, the next call is refused all the same.
                self.store.holder(subject).await.ok();
            }
            self.sweep(self.clock.now());
            let whose = match &heard {
                Some(Ok(Change { kind: ChangeKind::Connection, subject })) => subject.split_once(' '),
                Some(Ok(_)) => continue,
                Some(Err(RecvError::Closed)) => return,
                // What was missed may have been a change of theirs.
                Some(Err(RecvError::Lagged(_))) | None => None,
            };
            // A store that is slow keeps nobody else open.
            timeout(PATIENCE, self.end_outdated(whose)).await.ok();
        }
    }

    /// Closes what is open for whom the configuration now lets nothing through.
    pub fn look_over(&self) {
        self.sweep(self.clock.now());
    }

    fn sweep(&self, now: Timestamp) {
        let ended = |caller: &Caller| {
            self.feed.standing(caller.token(), now) == Standing::Revoked || ceiling::is_shut_out(self, caller)
        };
        self.streams.sweep(|errand: &Errand| ended(&errand.caller) || errand.is_stopped(&self.feed));
        for server in self.servers.load().iter() {
            if let Reach::Stdio(children) = server.reach.as_ref() {
                children.sweep(now, ended);
            }
        }
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
