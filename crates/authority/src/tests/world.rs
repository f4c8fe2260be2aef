//! One authority on a fresh database, a browser that keeps cookies, an application that spells OAuth out by hand.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::{Body, to_bytes};
use bailiwick_domain::chain::Directory;
use bailiwick_domain::client::{AuthMethod, Client, ClientSource, GrantType, secret_digest};
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::jose::{Alg, KeyPair};
use bailiwick_domain::policy::{Catalogue, Named, Server, ToolFacts};
use bailiwick_domain::scope::{Scope, ScopeSet};
use bailiwick_domain::seal::MasterKey;
use bailiwick_domain::text;
use bailiwick_domain::time::{Clock, Timestamp};
use bailiwick_domain::uri::{Issuer, RedirectUri, ServerName};
use bailiwick_net::Peer;
use bailiwick_store::{Database, Settings, Store};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::{Authority, Connector, Keys, LoginSettings, Parts, Providers, Secrets, SetupDoor};

pub(super) const BASE: &str = "http://localhost:8787";
pub(super) const CALLBACK: &str = "http://127.0.0.1:7171/callback";
/// RFC 7636 appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(super) const PASSWORD: &str = "correct horse battery";

pub(super) struct Hands(AtomicI64);
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

struct Counted(AtomicU64);
impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::SeqCst);
            let drawn = text::sha256(&n.to_be_bytes());
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
    }
}

/// How to build it.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) dev_approve: Option<&'static str>,
    pub(super) clients: Vec<Client>,
    pub(super) far: bool,
    pub(super) two_servers: bool,
    pub(super) confidential_only: bool,
    pub(super) providers: Vec<LoginSettings>,
    pub(super) directory: Directory,
    pub(super) connector: Option<fn(Store) -> Arc<dyn Connector>>,
}

pub(super) struct World {
    pub(super) app: Router,
    pub(super) store: Store,
    pub(super) setup: Arc<SetupDoor>,
    catalogue: Arc<ArcSwap<Catalogue>>,
    hands: Arc<Hands>,
    _dir: TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::plan(Plan::default()).await
    }

    pub(super) async fn plan(plan: Plan) -> Self {
        let dir = TempDir::new().unwrap();
        let hands = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
        let clock: Arc<dyn Clock> = hands.clone();
        let entropy: Arc<dyn Entropy> = Arc::new(Counted(AtomicU64::new(0)));
        let master = || MasterKey::new([9; 32]);
        let store = Store::open(Settings {
            database: Database::Sqlite(dir.path().join("test.db")),
            master: master(),
            entropy: entropy.clone(),
            clock: clock.clone(),
            staleness: Duration::from_secs(5),
        })
        .await
        .unwrap();
        let issuer = Issuer::parse(BASE).unwrap();
        let setup = Arc::new(SetupDoor::new(entropy.as_ref(), !plan.far));
        let catalogue = Arc::new(ArcSwap::from_pointee(catalogue(&issuer, plan.two_servers)));
        let directory = Arc::new(ArcSwap::from_pointee(plan.directory));
        let authority = Authority::new(Parts {
            catalogue: catalogue.clone(),
            directory: directory.clone(),
            issuer,
            store: store.clone(),
            keys: Keys::of(Arc::new(KeyPair::generate(Alg::Es256).unwrap())),
            secrets: Secrets::derive(&master()),
            clients: plan.clients,
            clock,
            entropy,
            dev_approve: plan.dev_approve.map(str::to_owned),
            setup: setup.clone(),
            providers: Providers::new(plan.providers),
        });
        let authority = if plan.confidential_only {
            authority.with_auth_methods(vec![AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost])
        } else {
            authority
        };
        let authority = match plan.connector {
            Some(connector) => authority.with_connector(connector(store.clone())),
            None => authority,
        };
        Self { app: Arc::new(authority).routes(), store, setup, catalogue, hands, _dir: dir }
    }

    /// An approving house for tests of what comes after consent.
    pub(super) async fn approving() -> Self {
        Self::plan(Plan { dev_approve: Some("alice"), ..Plan::default() }).await
    }

    /// What a configuration that was read anew comes to.
    pub(super) fn allow(&self, scope: &str, entries: &[&str]) {
        let mut catalogue = Catalogue::clone(&self.catalogue.load());
        let named: Vec<Named> = entries.iter().map(|entry| Named::parse(entry).unwrap()).collect();
        for server in &mut catalogue.servers {
            server.allow.insert(Scope::parse(scope).unwrap(), named.clone());
        }
        self.catalogue.store(Arc::new(catalogue));
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.hands.0.fetch_add(i64::try_from(seconds * 1000).unwrap(), Ordering::SeqCst);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.hands.now()
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Seen {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Seen { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    pub(super) async fn get(&self, path: &str) -> Seen {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// A form POST of a program.
    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Seen {
        self.post_as(None, path, fields).await
    }

    pub(super) async fn post_as(&self, basic: Option<&str>, path: &str, fields: &[(&str, &str)]) -> Seen {
        let mut request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(basic) = basic {
            request = request.header(AUTHORIZATION, basic);
        }
        self.send(request.body(Body::from(encoded(fields))).unwrap()).await
    }

    pub(super) async fn register(&self, metadata: &Value) -> Seen {
        let request = Request::post("/register").header(CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(metadata.to_string())).unwrap()).await
    }

    /// A registered public application that may refresh.
    pub(super) async fn app(&self) -> App<'_> {
        self.app_at(CALLBACK).await
    }

    pub(super) async fn app_at(&self, callback: &str) -> App<'_> {
        let metadata = json!({
            "client_name": "Probe",
            "redirect_uris": [callback],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        });
        let seen = self.register(&metadata).await;
        assert_eq!(seen.status, StatusCode::CREATED, "{}", seen.body);
        App { world: self, id: seen.json()["client_id"].as_str().unwrap().to_owned(), callback: callback.to_owned() }
    }

    pub(super) fn browser(&self) -> Browser<'_> {
        Browser { world: self, cookies: BTreeMap::new(), peer: ([127, 0, 0, 1], 4000).into(), origin: Some(BASE) }
    }

    /// A browser whose person has an account and is signed in.
    pub(super) async fn signed_in(&self) -> Browser<'_> {
        let mut browser = self.browser();
        let page = browser.get("/setup").await;
        let seen = browser.submit(&page, &[("name", "alice"), ("password", PASSWORD), ("again", PASSWORD)]).await;
        assert_eq!(seen.location(), "/account", "{}", seen.body);
        browser
    }
}

fn catalogue(issuer: &Issuer, two: bool) -> Catalogue {
    let mut servers = vec![server(issuer, None)];
    if two {
        servers.push(server(issuer, ServerName::parse("crm")));
    }
    Catalogue { servers }
}

fn server(issuer: &Issuer, name: Option<ServerName>) -> Server {
    let resource = issuer.resource(name.as_ref());
    let mut server = Server::new(name, "Sample notes".to_owned(), resource, None);
    let tools = [
        ("list_notes", Some(true), None),
        ("read_note", Some(true), None),
        ("add_note", None, None),
        ("delete_note", None, Some(true)),
    ];
    for (name, read_only, destructive) in tools {
        let facts = ToolFacts { name: name.to_owned(), read_only, destructive, ..ToolFacts::default() };
        server.tools.push(server.classify(facts));
    }
    server.reachable = true;
    server
}

/// A machine of the operator's, whose secret is `machine secret`.
pub(super) fn machine() -> Client {
    Client {
        id: ClientId::parse("ci").unwrap(),
        name: "CI".to_owned(),
        source: ClientSource::Static,
        redirect_uris: vec![RedirectUri::register("https://ci.example/cb").unwrap()],
        grant_types: GrantType::ALL.to_vec(),
        auth: AuthMethod::ClientSecretBasic,
        scope: ScopeSet::parse("mcp:read mcp:write"),
        uri: None,
        secret: Some(secret_digest("machine secret")),
        assertion: None,
        issued_at: Timestamp::from_millis(0),
    }
}

/// The header of `machine()`.
pub(super) const MACHINE: &str = "Basic Y2k6bWFjaGluZStzZWNyZXQ=";

/// What came back.
pub(super) struct Seen {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    pub(super) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or("").to_owned()
    }

    /// A parameter of the redirect.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(self.location()).ok()?;
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The value of the first field of that name.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let rest = self.body.split_once(&format!("name=\"{name}\" value=\""))?.1;
        Some(rest.split('"').next()?.to_owned())
    }
}

/// A person's browser.
#[derive(Clone)]
pub(super) struct Browser<'a> {
    world: &'a World,
    pub(super) cookies: BTreeMap<String, String>,
    pub(super) peer: SocketAddr,
    pub(super) origin: Option<&'static str>,
}

impl Browser<'_> {
    pub(super) async fn get(&mut self, path: &str) -> Seen {
        self.send(Method::GET, path, &[]).await
    }

    pub(super) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Seen {
        self.send(Method::POST, path, fields).await
    }

    /// Sends the page's first form, with its hidden fields and these.
    pub(super) async fn submit(&mut self, page: &Seen, fields: &[(&str, &str)]) -> Seen {
        let form = page.body.split_once("<form").map(|(_, rest)| rest.split("</form>").next().unwrap()).unwrap();
        let action = form.split_once("action=\"").unwrap().1.split('"').next().unwrap();
        let hidden: Vec<(String, String)> = ["form_token", "request", "link"]
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), page.field(name)?)))
            .collect();
        let mut all: Vec<(&str, &str)> = hidden.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        all.extend_from_slice(fields);
        self.post(action, &all).await
    }

    /// Follows redirects within the house.
    pub(super) async fn open(&mut self, path: &str) -> Seen {
        let mut seen = self.get(path).await;
        while seen.location().starts_with('/') {
            let next = seen.location().to_owned();
            seen = self.get(&next).await;
        }
        seen
    }

    async fn send(&mut self, method: Method, path: &str, fields: &[(&str, &str)]) -> Seen {
        let cookies: Vec<String> = self.cookies.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mut request = Request::builder().method(method.clone()).uri(path).extension(Peer(self.peer));
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            if let Some(origin) = self.origin {
                request = request.header(ORIGIN, origin);
            }
        }
        let seen = self.world.send(request.body(Body::from(encoded(fields))).unwrap()).await;
        for cookie in seen.headers.get_all(SET_COOKIE) {
            let (key, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(key.to_owned(), value.to_owned());
        }
        seen
    }
}

/// A foreign application.
pub(super) struct App<'a> {
    pub(super) world: &'a World,
    pub(super) id: String,
    pub(super) callback: String,
}

impl App<'_> {
    /// The authorization request, with these parameters changed; an empty value leaves one out.
    pub(super) fn request(&self, changes: &[(&str, &str)]) -> String {
        let resource = format!("{BASE}/mcp");
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.callback),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "st ate"),
            ("resource", &resource),
        ];
        fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        fields.extend_from_slice(changes);
        format!("/authorize?{}", encoded(&fields))
    }

    /// A code, where everything is approved at once.
    pub(super) async fn code(&self) -> String {
        let seen = self.world.get(&self.request(&[])).await;
        seen.parameter("code").unwrap_or_else(|| panic!("{} {}", seen.status, seen.body))
    }

    pub(super) async fn redeem(&self, code: &str) -> Seen {
        self.redeem_with(code, &[]).await
    }

    pub(super) async fn redeem_with(&self, code: &str, changes: &[(&str, &str)]) -> Seen {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", &self.id),
            ("code", code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", &self.callback),
        ];
        fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        fields.extend_from_slice(changes);
        self.world.post("/token", &fields).await
    }

    /// Tokens, where everything is approved at once.
    pub(super) async fn tokens(&self) -> Value {
        let code = self.code().await;
        let seen = self.redeem(&code).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
        seen.json()
    }

    pub(super) async fn refresh(&self, refresh: &str) -> Seen {
        self.refresh_with(refresh, &[]).await
    }

    pub(super) async fn refresh_with(&self, refresh: &str, more: &[(&str, &str)]) -> Seen {
        let mut fields = vec![("grant_type", "refresh_token"), ("client_id", &self.id), ("refresh_token", refresh)];
        fields.extend_from_slice(more);
        self.world.post("/token", &fields).await
    }
}

/// The claims of a token, unverified.
pub(super) fn claims(tokens: &Value) -> Value {
    let payload = tokens["access_token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&text::decode(payload).unwrap()).unwrap()
}

pub(super) fn word<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}"))
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let sent = fields.iter().filter(|(_, value)| !value.is_empty());
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(sent).finish()
}
