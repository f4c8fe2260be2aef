//! A gateway on a loopback port, in front of the fixtures, and tokens for it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use bailiwick_broker::{ApiKey, Broker, Credential, Credentials, Key, Place, Providers, SignedJwt};
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::chain::Directory;
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::grant::Approval;
use bailiwick_domain::ids::{ClientId, GrantId, TokenId, TransactionId, UserId};
use bailiwick_domain::jose::{Alg, JwkSet, KeyPair, Signer};
use bailiwick_domain::policy::{Catalogue, Named};
use bailiwick_domain::scope::{Scope, ScopeSet};
use bailiwick_domain::seal::MasterKey;
use bailiwick_domain::time::{Clock, Timestamp};
use bailiwick_domain::token::{FrontDoor, ToolsDetail, mint};
use bailiwick_domain::uri::{Issuer, Resource, ServerName};
use bailiwick_gateway::{Gateway, Isolate, Parts, PersonalVariable, ServerSettings, Upstream};
use bailiwick_net::Http;
use bailiwick_resource::Verifier;
use bailiwick_store::{AuditFilter, Database, NO_PASSWORD, NewUser, Settings, Store, TokenRow};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::behind::Behind;
use crate::fixture;

pub(crate) struct World {
    pub(crate) origin: String,
    pub(crate) behind: Behind,
    pub(crate) store: Store,
    pub(crate) broker: Arc<Broker>,
    pub(crate) catalogue: Arc<ArcSwap<Catalogue>>,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) directory: Arc<ArcSwap<Directory>>,
    pub(crate) issuer: Issuer,
    pub(crate) key: Arc<KeyPair>,
    http: Http,
    _data: TempDir,
}

/// A token, and what it hangs from.
pub(crate) struct Held {
    pub(crate) raw: String,
    pub(crate) grant: GrantId,
}

pub(crate) struct Now;
impl Clock for Now {
    #[expect(clippy::disallowed_methods, reason = "tests run in real time")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }
}

pub(crate) struct Dice;
impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).unwrap();
    }
}

impl World {
    /// Servers: `json`, `sse` and `own` over HTTP, the last with a key of each person's own, `child` over stdio, `gone` where nobody listens; their tools are known.
    pub(crate) async fn new() -> Self {
        let world = Self::undiscovered().await;
        let gateway = Arc::clone(&world.gateway);
        tokio::spawn(async move { gateway.discover().await });
        for name in ["json", "sse", "own", "child", "personal", "api"] {
            world.until(|catalogue| server(catalogue, name).reachable).await;
        }
        world.behind.forget();
        world
    }

    pub(crate) async fn undiscovered() -> Self {
        let data = tempfile::tempdir().unwrap();
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(Now), Arc::new(Dice));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Issuer::parse(&origin).unwrap();
        let key = Arc::new(KeyPair::generate(Alg::Es256).unwrap());
        let keys = Arc::new(ArcSwap::from_pointee(JwkSet::new(vec![key.public()])));
        let store = Store::open(Settings {
            database: Database::Sqlite(data.path().join("test.db")),
            master: MasterKey::new([1; 32]),
            entropy: Arc::clone(&entropy),
            clock: Arc::clone(&clock),
            staleness: Duration::from_mins(1),
        });
        let store = store.await.unwrap();
        let behind = Behind::new().await;
        let catalogue = Arc::new(ArcSwap::from_pointee(Catalogue::default()));
        let directory = Arc::new(ArcSwap::from_pointee(Directory::default()));
        let broker = Arc::new(Broker::new(bailiwick_broker::Parts {
            issuer: issuer.clone(),
            signer: Arc::clone(&key) as Arc<dyn Signer>,
            store: store.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            http: Http::new(),
        }));
        let (servers, mut connections) = (servers(&behind.origin), Providers::default());
        for server in &servers {
            server.add_connections(&mut connections).unwrap();
        }
        broker.reload(connections);
        let gateway = Arc::new(Gateway::new(Parts {
            servers,
            issuer: issuer.clone(),
            verifier: Verifier::new(issuer.clone(), keys),
            broker: Arc::clone(&broker),
            store: store.clone(),
            catalogue: Arc::clone(&catalogue),
            directory: Arc::clone(&directory),
            sealer: MasterKey::new([1; 32]).sealer("gateway session"),
            clock,
            entropy,
            http: Http::with_patience(Duration::from_secs(5), Duration::from_secs(2)),
        }));
        let routes = Arc::clone(&gateway).routes();
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let http = Http::new();
        Self { origin, behind, store, broker, catalogue, gateway, directory, issuer, key, http, _data: data }
    }

    /// Waits until the catalogue is as it should be.
    pub(crate) async fn until(&self, is: impl Fn(&Catalogue) -> bool) {
        for _ in 0..1000 {
            if is(&self.catalogue.load()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the catalogue never became what it should: {:?}", self.catalogue.load());
    }

    pub(crate) fn resource(&self, server: &str) -> Resource {
        self.issuer.resource(ServerName::parse(server).as_ref())
    }

    /// A token of alice's for one server.
    pub(crate) async fn token(&self, server: &str, scope: &str) -> String {
        self.hold("us_alice", "app", server, scope, Vec::new()).await.raw
    }

    #[expect(clippy::too_many_arguments, reason = "everything a token says")]
    pub(crate) async fn hold(
        &self,
        user: &str,
        client: &str,
        server: &str,
        scope: &str,
        details: Vec<ToolsDetail>,
    ) -> Held {
        self.account(user).await;
        self.issue((user, client), server, scope, details).await
    }

    /// A token of somebody who has no account.
    pub(crate) async fn unaccounted(&self, subject: &str, server: &str, scope: &str) -> String {
        self.issue((subject, "app"), server, scope, Vec::new()).await.raw
    }

    async fn issue(&self, (user, client): (&str, &str), server: &str, scope: &str, details: Vec<ToolsDetail>) -> Held {
        let now = Now.now();
        let approval = Approval {
            grant: GrantId::draw(&Dice),
            user: UserId::from_stored(user),
            client: ClientId::parse(client).unwrap(),
            client_name: client.to_owned(),
            resource: self.resource(server),
            scope: ScopeSet::parse(scope).unwrap(),
            details,
            transaction: TransactionId::draw(&Dice),
            created_at: now,
            expires_at: now.after(Duration::from_hours(1)),
            job: None,
        };
        let minted = mint(
            self.key.as_ref(),
            &self.issuer,
            &FrontDoor { approval: &approval, scope: &approval.scope, agent: None },
            TokenId::draw(&Dice),
            now,
        )
        .unwrap();
        let row = TokenRow {
            jti: minted.claims.jti.clone(),
            grant: approval.grant.clone(),
            parent: None,
            hop: 0,
            actor: None,
            audience: approval.resource.clone(),
            scope: approval.scope.clone(),
            issued_at: now,
            expires_at: now.after(Duration::from_mins(5)),
        };
        let grant = approval.grant.clone();
        self.store.machine_token(approval, row, AuditEvent::new(AuditKind::TokenIssued, now)).await.unwrap();
        Held { raw: minted.raw.to_string(), grant }
    }

    /// An account of that id, whose name is what follows `us_`.
    pub(crate) async fn account(&self, id: &str) {
        let id = UserId::from_stored(id);
        let name = id.as_str().trim_start_matches("us_").to_owned();
        let user = NewUser::new(id, name, NO_PASSWORD.to_owned(), Now.now());
        // It may be there already.
        self.store.create_user(user, AuditEvent::new(AuditKind::UserCreated, Now.now())).await.unwrap();
    }

    pub(crate) async fn set_groups(&self, user: &str, groups: &[&str]) {
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        let event = AuditEvent::new(AuditKind::UserChanged, Now.now());
        assert!(self.store.set_groups(&UserId::from_stored(user), groups, event).await.unwrap());
    }

    pub(crate) async fn disable(&self, user: &str) {
        let event = AuditEvent::new(AuditKind::UserDisabled, Now.now());
        assert!(self.store.disable_user(&UserId::from_stored(user), event).await.unwrap());
    }

    /// What a configuration that was read anew comes to.
    pub(crate) fn allow(&self, name: &str, scope: &str, entries: &[&str]) {
        let mut catalogue = Catalogue::clone(&self.catalogue.load());
        let server = catalogue.servers.iter_mut().find(|server| server.resource == self.resource(name)).unwrap();
        let named = entries.iter().map(|entry| Named::parse(entry).unwrap()).collect();
        server.allow.insert(Scope::parse(scope).unwrap(), named);
        self.catalogue.store(Arc::new(catalogue));
    }

    pub(crate) async fn revoke(&self, grant: &GrantId) {
        let event = AuditEvent::new(AuditKind::GrantRevoked, Now.now()).grant(grant);
        assert!(self.store.revoke_grant(grant, "test", event).await.unwrap());
    }

    /// What is on record of that kind, once something is.
    pub(crate) async fn audited(&self, kind: AuditKind) -> Vec<AuditEvent> {
        self.audited_all(kind, 1).await
    }

    /// What is on record of that kind, once there is so much of it.
    pub(crate) async fn audited_all(&self, kind: AuditKind, count: usize) -> Vec<AuditEvent> {
        for _ in 0..200 {
            let filter = AuditFilter { limit: 100, kind: Some(kind), ..AuditFilter::default() };
            let rows = self.store.audit_rows(&filter).await.unwrap();
            if rows.len() >= count {
                return rows.into_iter().map(|row| row.event).collect();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Vec::new()
    }

    /// A POST with the headers every client sends.
    pub(crate) fn post(&self, server: &str, token: &str) -> http::request::Builder {
        Request::post(format!("{}/mcp/{server}", self.origin))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
    }

    /// Sends one message and reads the whole answer.
    pub(crate) async fn say(&self, server: &str, token: &str, body: &Value) -> Answer {
        self.send(self.post(server, token), body.to_string()).await
    }

    /// The same within a session.
    pub(crate) async fn say_in(&self, session: &str, server: &str, token: &str, body: &Value) -> Answer {
        self.send(self.post(server, token).header("mcp-session-id", session), body.to_string()).await
    }

    pub(crate) async fn send(&self, request: http::request::Builder, body: impl Into<Bytes>) -> Answer {
        let (parts, body) = self.open(request, body).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends one message; the body streams.
    pub(crate) async fn open(&self, request: http::request::Builder, body: impl Into<Bytes>) -> Response<Incoming> {
        self.http.send(request.body(Full::new(body.into())).unwrap()).await.unwrap()
    }

    /// Begins a session; gives its id.
    pub(crate) async fn initialize(&self, server: &str, token: &str) -> String {
        let answer = self.say(server, token, &fixture::initialize()).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        let session = answer.header("mcp-session-id").expect("a session").to_owned();
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(self.say_in(&session, server, token, &ready).await.status, 202);
        session
    }
}

/// One whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The message, whether it came alone or as the last event of a stream.
    pub(crate) fn message(&self) -> Value {
        let text = self.text();
        let last = text.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap_or(text);
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    pub(crate) fn tools(&self) -> Vec<String> {
        let message = self.message();
        let tools = message["result"]["tools"].as_array().unwrap_or_else(|| panic!("no tools in {message}"));
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) fn server<'a>(catalogue: &'a Catalogue, name: &str) -> &'a bailiwick_domain::policy::Server {
    catalogue.servers.iter().find(|server| server.name.as_ref().is_some_and(|own| own.as_str() == name)).unwrap()
}

pub(crate) fn servers(behind: &str) -> Vec<ServerSettings> {
    let server = |name: &str, upstream: Upstream| ServerSettings {
        name: ServerName::parse(name),
        title: format!("The {name} server"),
        upstream,
        security: BTreeMap::new(),
        credential: match name {
            "json" => {
                let audience = "https://json.example/mcp".to_owned();
                Credentials::only(Credential::SignedJwt(SignedJwt { audience }))
            }
            "own" => own_key(),
            _ => Credentials::default(),
        },
        tools: if name == "api" { BTreeMap::from([("locked".to_owned(), own_key())]) } else { BTreeMap::new() },
        discovery: None,
        groups: None,
        headers: http::HeaderMap::new(),
        secrets: Vec::new(),
        allow: BTreeMap::new(),
        allowed_origins: vec!["https://inspector.example".to_owned()],
    };
    let at = |url: String| Upstream::Http(url.parse().unwrap());
    vec![
        server("json", at(format!("{behind}/json"))),
        server("sse", at(format!("{behind}/sse"))),
        server("own", at(format!("{behind}/json"))),
        server("gone", at("http://127.0.0.1:1/mcp".to_owned())),
        server("child", child()),
        server("personal", personal()),
        server("api", Upstream::OpenApi(Arc::new(crate::api::described(behind)))),
    ]
}

/// A key of each person's own.
fn own_key() -> Credentials {
    let place = Place::Header { name: "x-api-key".to_owned(), prefix: String::new() };
    Credentials::only(Credential::ApiKey(ApiKey { place, key: Key::Personal("own".to_owned()) }))
}

/// A child of each person's own, with a secret of theirs.
fn personal() -> Upstream {
    let Upstream::Stdio { program, args, env, secrets, cwd, .. } = child() else { unreachable!() };
    let personal =
        vec![PersonalVariable { name: "OWN_TOKEN".to_owned(), connection: "personal".to_owned(), file: false }];
    Upstream::Stdio { program, args, env, secrets, personal, cwd, isolate: Isolate::User }
}

fn child() -> Upstream {
    Upstream::Stdio {
        program: example("stdio_fixture").to_string_lossy().into_owned(),
        args: Vec::new(),
        env: vec![("FIXTURE".to_owned(), "yes".to_owned())],
        secrets: Vec::new(),
        personal: Vec::new(),
        cwd: None,
        isolate: Isolate::Session,
    }
}

/// Where cargo put an example beside this test.
fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().join("examples").join(name)
}
