//! Accounts at a provider that keeps a book, does as it is told, and lies when asked to.

mod connecting;
mod renewing;
mod serving;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::seal::MasterKey;
use bailiwick_domain::time::{Clock, Timestamp};
use bailiwick_domain::uri::Issuer;
use bailiwick_net::Http;
use bailiwick_store::{ConnectionKey, ConnectionState, ConnectionView, Database, Settings, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ConnectError, Departure};
use crate::accounts::{Account, Accounts};
use crate::obtained::BrokerError;
use crate::settings::UserOauth;

struct Dice;
impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).unwrap();
    }
}

struct Hand(AtomicI64);
impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// What the provider does, and what was done to it.
#[derive(Default)]
struct Book {
    issuer: String,
    /// The status and body it answers `/token` with; tokens without any.
    says: Option<(u16, Value)>,
    /// Every form that was sent to it.
    forms: Vec<BTreeMap<String, String>>,
    registered: usize,
    /// What its metadata say instead.
    metadata: Value,
    /// Whether nobody learns its metadata any more.
    hangs: bool,
}

type Shared = Arc<Mutex<Book>>;

struct World {
    accounts: Arc<Accounts>,
    settings: Arc<UserOauth>,
    key: ConnectionKey,
    clock: Arc<Hand>,
    book: Shared,
    _data: TempDir,
}

const CALLBACK: &str = "https://us.example/connect/callback/crm";
const DESTINATION: &str = "https://crm.example";

impl World {
    async fn new() -> Self {
        let book = Shared::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        book.lock().unwrap().issuer.clone_from(&issuer);
        let routes = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/register", post(register))
            .route("/token", post(token))
            .route("/revoke", post(token))
            .with_state(Arc::clone(&book));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let data = tempfile::tempdir().unwrap();
        let clock = Arc::new(Hand(AtomicI64::new(1_800_000_000_000)));
        let store = Store::open(Settings {
            database: Database::Sqlite(data.path().join("bailiwick.db")),
            master: MasterKey::new([7; 32]),
            entropy: Arc::new(Dice),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            staleness: Duration::from_secs(5),
        });
        let wheels = (Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(Dice) as Arc<dyn Entropy>);
        let us = Issuer::parse("https://us.example").unwrap();
        let accounts = Arc::new(Accounts::new(us, store.await.unwrap(), wheels, Http::new()));
        let settings = UserOauth {
            connection: "crm".to_owned(),
            upstream: Some("https://crm.example/mcp".parse().unwrap()),
            issuer: Some(issuer),
            authorization_url: None,
            token_url: None,
            revocation_url: None,
            client_id: None,
            client_secret: None,
            scopes: ScopeSet::parse("crm.read").unwrap(),
            resource: None,
            rotates: true,
        };
        let key = ConnectionKey { user: UserId::draw(&Dice), provider: "crm".to_owned() };
        Self { accounts, settings: Arc::new(settings), key, clock, book, _data: data }
    }

    fn event(&self) -> AuditEvent {
        AuditEvent::new(AuditKind::ConnectionMade, self.clock.now()).user(&self.key.user)
    }

    fn answers(&self, status: u16, body: Value) {
        self.book.lock().unwrap().says = Some((status, body));
    }

    fn forms(&self) -> Vec<BTreeMap<String, String>> {
        std::mem::take(&mut self.book.lock().unwrap().forms)
    }

    async fn begin(&self) -> Result<Departure, ConnectError> {
        let to = [DESTINATION.to_owned()].into();
        self.accounts.begin((&self.settings, to), CALLBACK, self.clock.now()).await
    }

    async fn finish(&self, departure: &Departure, more: &str) -> Result<(), ConnectError> {
        let query = format!("state={}&code=c1{more}", departure.state);
        self.accounts.finish(&self.settings, &self.key, (&departure.sealed, &query), self.event()).await
    }

    fn iss(&self) -> String {
        format!("&iss={}", self.book.lock().unwrap().issuer)
    }

    async fn connect(&self) {
        let departure = self.begin().await.unwrap();
        self.finish(&departure, &self.iss()).await.unwrap();
        self.forms();
    }

    async fn view(&self) -> Option<ConnectionView> {
        self.accounts.store.connections(&self.key.user).await.unwrap().pop()
    }

    async fn shown(&self) -> Result<String, BrokerError> {
        self.shown_by(&self.settings, DESTINATION).await
    }

    async fn shown_by(&self, settings: &Arc<UserOauth>, destination: &str) -> Result<String, BrokerError> {
        let account = Account { settings, key: &self.key, destination: Some(destination) };
        let usable = self.accounts.usable(&account, None).await?;
        Ok(usable.obtained.secrets[0].to_string())
    }

    async fn test_at(&self, destination: &str) -> Result<(), ConnectError> {
        self.accounts.test(&self.settings, &self.key, &[destination.to_owned()].into()).await
    }

    fn pass(&self, span: Duration) {
        self.clock.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

async fn metadata(State(book): State<Shared>) -> Json<Value> {
    if book.lock().unwrap().hangs {
        std::future::pending::<()>().await;
    }
    let book = book.lock().unwrap();
    let at = |path: &str| format!("{}{path}", book.issuer);
    let mut document = json!({
        "issuer": book.issuer,
        "authorization_endpoint": at("/auth"),
        "token_endpoint": at("/token"),
        "registration_endpoint": at("/register"),
        "revocation_endpoint": at("/revoke"),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
    });
    for (name, value) in book.metadata.as_object().into_iter().flatten() {
        document[name] = value.clone();
    }
    Json(document)
}

async fn register(State(book): State<Shared>, Json(mut client): Json<Value>) -> Json<Value> {
    book.lock().unwrap().registered += 1;
    client["client_id"] = json!("registered");
    Json(client)
}

async fn token(State(book): State<Shared>, body: String) -> Response {
    let mut book = book.lock().unwrap();
    book.forms.push(url::form_urlencoded::parse(body.as_bytes()).into_owned().collect());
    let n = book.forms.len();
    let tokens = json!({
        "access_token": format!("access-{n}"), "refresh_token": format!("refresh-{n}"), "token_type": "Bearer",
        "expires_in": 3600, "scope": "crm.read",
    });
    match &book.says {
        Some((status, body)) => (StatusCode::from_u16(*status).unwrap(), Json(body.clone())).into_response(),
        None => Json(tokens).into_response(),
    }
}
