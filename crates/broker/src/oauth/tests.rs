//! Accounts at a provider that keeps a book, does as it is told, and lies when asked to.

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

#[tokio::test]
async fn an_account_is_connected_by_code_and_pkce_and_we_register_once() {
    let world = World::new().await;
    let departure = world.begin().await.unwrap();
    let query: BTreeMap<_, _> = departure.url.query_pairs().into_owned().collect();
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "registered"),
        ("redirect_uri", CALLBACK),
        ("scope", "crm.read"),
        ("resource", "https://crm.example/mcp"),
        ("code_challenge_method", "S256"),
        ("state", &departure.state),
    ] {
        assert_eq!(query[name], value, "{name}");
    }

    world.finish(&departure, &world.iss()).await.unwrap();

    let form = &world.forms()[0];
    assert_eq!((form["grant_type"].as_str(), form["code"].as_str()), ("authorization_code", "c1"));
    assert!(form["code_verifier"].len() >= 43 && form["resource"] == "https://crm.example/mcp");
    let view = world.view().await.unwrap();
    assert_eq!((view.client.as_str(), view.scope.to_string().as_str()), ("registered", "crm.read"));
    assert_eq!(world.shown().await.unwrap(), "access-1");
    world.begin().await.unwrap();
    assert_eq!(world.book.lock().unwrap().registered, 1);
}

#[tokio::test]
async fn an_answer_by_somebody_else_connects_nothing() {
    let world = World::new().await;
    let departure = world.begin().await.unwrap();
    for more in ["&iss=https://evil.example", "", "&iss=https://evil.example&error=access_denied"] {
        assert_eq!(world.finish(&departure, more).await, Err(ConnectError::Issuer), "{more:?}");
    }
    let stranger = Departure { state: "another".to_owned(), ..world.begin().await.unwrap() };
    assert_eq!(world.finish(&stranger, &world.iss()).await, Err(ConnectError::Issuer));
    let other = UserOauth { connection: "other".to_owned(), ..UserOauth::clone(&world.settings) };
    let query = format!("state={}&code=c1{}", departure.state, world.iss());
    let answer = (departure.sealed.as_str(), query.as_str());
    let swapped = world.accounts.finish(&other, &world.key, answer, world.event()).await;

    assert_eq!(swapped, Err(ConnectError::Issuer), "a code of one provider is brought to no other");
    assert!(world.forms().is_empty() && world.view().await.is_none());
}

#[tokio::test]
async fn a_provider_that_is_not_who_it_says_or_knows_no_pkce_is_not_used() {
    for lie in [json!({ "issuer": "https://evil.example" }), json!({ "code_challenge_methods_supported": ["plain"] })] {
        let world = World::new().await;
        world.book.lock().unwrap().metadata = lie;

        assert!(matches!(world.begin().await, Err(ConnectError::Down(_))));
    }
}

#[tokio::test]
async fn where_a_provider_points_elsewhere_nobody_goes_inside() {
    let (world, inside) = (World::new().await, World::new().await);
    let token = format!("{}/token", inside.book.lock().unwrap().issuer);
    world.book.lock().unwrap().metadata = json!({ "token_endpoint": token });
    let departure = world.begin().await.unwrap();

    let refused = world.finish(&departure, &world.iss()).await;

    assert!(matches!(refused, Err(ConnectError::Down(_))), "{refused:?}");
    assert!(inside.forms().is_empty());
}

#[tokio::test]
async fn more_than_was_asked_for_is_not_kept_and_on_record() {
    let world = World::new().await;
    let departure = world.begin().await.unwrap();
    world.answers(200, json!({ "access_token": "a", "token_type": "Bearer", "scope": "crm.read crm.admin" }));

    let refused = world.finish(&departure, &world.iss()).await;

    assert!(matches!(&refused, Err(ConnectError::Refused(says)) if says.contains("crm.admin")), "{refused:?}");
    assert!(world.view().await.is_none());
}

#[tokio::test]
async fn what_an_answer_to_a_refresh_means() {
    for (status, body, state) in [
        (400, json!({ "error": "invalid_grant" }), ConnectionState::NeedsReconnect),
        // It registered us by itself, and knows us no more.
        (401, json!({ "error": "invalid_client" }), ConnectionState::NeedsReconnect),
        (429, json!({}), ConnectionState::Retryable),
        (503, json!({ "error": "temporarily_unavailable" }), ConnectionState::Retryable),
        (200, json!({ "no": "token" }), ConnectionState::NeedsReconnect),
    ] {
        let world = World::new().await;
        world.connect().await;
        world.pass(Duration::from_hours(1));
        world.answers(status, body);

        let refused = world.shown().await.unwrap_err();

        let view = world.view().await.unwrap();
        assert_eq!(view.state, state, "{status}: {refused}");
        let lost = matches!(refused, BrokerError::Lost { .. });
        assert_eq!(lost, state == ConnectionState::NeedsReconnect, "{status}: {refused}");
        world.book.lock().unwrap().says = None;
        world.pass(Duration::from_secs(5));
        assert_eq!(world.shown().await.is_ok(), !lost, "{status}: it is tried again where that can help");
    }
}

#[tokio::test]
async fn who_is_no_client_any_more_is_registered_anew() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));
    world.answers(401, json!({ "error": "invalid_client" }));
    assert!(matches!(world.shown().await, Err(BrokerError::Lost { .. })));
    world.book.lock().unwrap().says = None;

    world.connect().await;

    assert!(world.shown().await.is_ok());
    assert_eq!(world.book.lock().unwrap().registered, 2);
}

#[tokio::test]
async fn an_account_serves_only_what_its_person_connected_it_to() {
    let world = World::new().await;
    world.connect().await;
    assert_eq!(world.shown().await.unwrap(), "access-1", "and lies open now");
    let settings = || UserOauth::clone(&world.settings);
    let lost = |refused| matches!(refused, Err(BrokerError::Lost { .. }));

    let elsewhere = UserOauth { issuer: Some("https://other.example".to_owned()), ..settings() };
    assert!(lost(world.shown_by(&Arc::new(elsewhere), DESTINATION).await), "another provider");
    let url = Some("https://other.example/a".parse().unwrap());
    let written = UserOauth { issuer: None, authorization_url: url, ..settings() };
    assert!(lost(world.shown_by(&Arc::new(written), DESTINATION).await), "another provider, as written");
    let endpoint = UserOauth { token_url: Some("https://other.example/t".parse().unwrap()), ..settings() };
    assert!(lost(world.shown_by(&Arc::new(endpoint), DESTINATION).await), "another of the same host");
    let client = UserOauth { client_id: Some("another".to_owned()), ..settings() };
    assert!(lost(world.shown_by(&Arc::new(client), DESTINATION).await), "another client");
    assert!(lost(world.shown_by(&world.settings, "https://new.example").await), "another place");
    let less = UserOauth { scopes: ScopeSet::parse("crm.list").unwrap(), ..settings() };
    let less = world.shown_by(&Arc::new(less), DESTINATION).await;
    assert!(matches!(less, Err(BrokerError::Overgrant(_))), "less is asked for by now: {less:?}");
    assert_eq!(world.shown().await.unwrap(), "access-1", "nothing is lost when the settings are as they were");
}

#[tokio::test]
async fn what_was_consented_to_is_what_was_asked_for_by_that_name() {
    let mut world = World::new().await;
    let scopes = ScopeSet::parse("api://crm/.default offline_access").unwrap();
    world.settings = Arc::new(UserOauth { scopes, ..UserOauth::clone(&world.settings) });

    world.connect().await;

    assert_eq!(world.shown().await.unwrap(), "access-1");
}

#[tokio::test]
async fn a_provider_that_does_not_say_where_to_ask_takes_no_refresh_from_anybody() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));
    world.book.lock().unwrap().hangs = true;
    let accounts = Arc::clone(&world.accounts);
    let (settings, key) = (Arc::clone(&world.settings), world.key.clone());
    let waiting = tokio::spawn(async move {
        let account = Account { settings: &settings, key: &key, destination: Some(DESTINATION) };
        accounts.usable(&account, None).await.map(|usable| usable.generation)
    });
    tokio::time::sleep(Duration::from_millis(200)).await;

    assert_eq!(world.view().await.unwrap().state, ConnectionState::Fresh, "nothing is begun yet");
    waiting.abort();
}

#[tokio::test]
async fn what_a_provider_repeats_of_our_secrets_is_told_to_nobody() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));
    let says = json!({ "error": "invalid_grant", "error_description": "no such token: refresh-1" });
    world.answers(400, says);

    assert!(world.shown().await.is_err());

    let trouble = world.view().await.unwrap().trouble.unwrap();
    assert!(trouble.contains("no such token") && !trouble.contains("refresh-1"), "{trouble}");
}

#[tokio::test]
async fn a_token_renewed_early_is_shown_while_the_provider_cannot_answer() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_secs(3580));
    world.answers(503, json!({}));

    assert_eq!(world.shown().await.unwrap(), "access-1");
    assert_eq!(world.view().await.unwrap().state, ConnectionState::Retryable);

    world.pass(Duration::from_secs(20));
    assert!(matches!(world.shown().await, Err(BrokerError::Later(_))), "not past its end");
}

#[tokio::test]
async fn renewed_tokens_are_kept_before_they_are_judged() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));
    let greedy = json!({
        "access_token": "a2", "refresh_token": "r2", "token_type": "Bearer", "expires_in": 60,
        "scope": "crm.read crm.admin",
    });
    world.answers(200, greedy);

    assert!(matches!(world.shown().await, Err(BrokerError::Overgrant(_))), "it is shown to nobody");

    assert_eq!(world.view().await.unwrap().scope.to_string(), "crm.admin crm.read");
    world.pass(Duration::from_mins(1));
    world.book.lock().unwrap().says = None;
    assert!(world.shown().await.is_ok(), "and the refresh token was not lost");
    assert_eq!(world.forms().last().unwrap()["refresh_token"], "r2");
}

#[tokio::test]
async fn whoever_leaves_does_not_cut_a_refresh_off() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));

    let asked = tokio::time::timeout(Duration::from_millis(1), world.shown()).await;

    assert!(asked.is_err(), "they left at once");
    world.accounts.tasks.close();
    world.accounts.tasks.wait().await;
    assert!(world.shown().await.is_ok());
    assert!(world.forms().len() <= 1, "and the provider was asked once");
}

#[tokio::test]
async fn an_end_is_told_to_the_provider_and_holds_in_memory() {
    let world = World::new().await;
    world.connect().await;
    assert!(world.shown().await.is_ok());
    let ended = AuditEvent::new(AuditKind::ConnectionEnded, world.clock.now());

    world.accounts.end(Some(&world.settings), &world.key, ended.clone()).await.unwrap();

    assert_eq!(world.forms()[0]["token"], "refresh-1");
    assert!(matches!(world.shown().await, Err(BrokerError::Unconnected { .. })));
    assert_eq!(world.accounts.end(None, &world.key, ended).await, Err(ConnectError::Missing));
}

#[tokio::test]
async fn an_account_is_called_by_its_name_and_stays_the_same() {
    let world = World::new().await;
    let said = |sub: &str| {
        let claims = json!({ "sub": sub, "aud": "registered", "preferred_username": "ada" });
        let id_token = format!("e30.{}.sig", bailiwick_domain::text::encode(claims.to_string().as_bytes()));
        json!({
            "access_token": format!("of {sub}"), "refresh_token": "r", "token_type": "Bearer", "expires_in": 60,
            "scope": "crm.read", "id_token": id_token,
        })
    };
    world.answers(200, said("42"));
    world.connect().await;
    assert_eq!(world.view().await.unwrap().account.as_deref(), Some("ada"));
    world.pass(Duration::from_mins(1));
    assert_eq!(world.shown().await.unwrap(), "of 42");

    world.answers(200, said("43"));
    world.pass(Duration::from_mins(1));

    assert!(matches!(world.shown().await, Err(BrokerError::Lost { .. })));
    assert_eq!(world.view().await.unwrap().state, ConnectionState::NeedsReconnect);
}

#[tokio::test]
async fn a_test_renews_and_says_what_is_wrong() {
    let world = World::new().await;
    assert_eq!(world.test_at(DESTINATION).await, Err(ConnectError::Missing));
    world.connect().await;

    world.test_at(DESTINATION).await.unwrap();
    assert_eq!(world.forms()[0]["refresh_token"], "refresh-1");
    world.answers(400, json!({ "error": "invalid_grant" }));

    assert!(matches!(world.test_at(DESTINATION).await, Err(ConnectError::Refused(_))));
}

#[tokio::test]
async fn a_test_says_so_where_a_server_has_moved() {
    let world = World::new().await;
    world.connect().await;

    assert!(matches!(world.test_at("https://new.example").await, Err(ConnectError::Refused(_))));
    world.test_at(DESTINATION).await.unwrap();
}

#[tokio::test]
async fn what_ends_at_once_is_not_renewed_for_ever() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));
    let brief = json!({ "access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 0 });
    world.answers(200, brief);

    let refused = world.shown().await;

    assert!(matches!(refused, Err(BrokerError::Later(_))), "{refused:?}");
    assert!(world.forms().len() < 8);
}

#[tokio::test]
async fn scopes_that_cannot_be_read_cost_no_refresh_token() {
    let world = World::new().await;
    world.connect().await;
    world.pass(Duration::from_hours(1));
    let odd = json!({
        "access_token": "a2", "refresh_token": "r2", "token_type": "Bearer", "expires_in": 60, "scope": "crm.read \u{e9}",
    });
    world.answers(200, odd);
    assert!(matches!(world.shown().await, Err(BrokerError::Overgrant(_))));
    world.pass(Duration::from_mins(1));
    world.book.lock().unwrap().says = None;

    assert!(world.shown().await.is_ok());

    assert_eq!(world.forms().last().unwrap()["refresh_token"], "r2");
}

#[tokio::test]
async fn where_another_took_the_providers_place_nothing_is_told_to_them() {
    let world = World::new().await;
    let departure = world.begin().await.unwrap();
    let moved = json!({ "token_endpoint": format!("{}/other", world.book.lock().unwrap().issuer) });
    world.pass(Duration::from_mins(9));
    world.book.lock().unwrap().metadata = moved;
    world.pass(Duration::from_mins(2));
    assert_eq!(world.finish(&departure, &world.iss()).await, Err(ConnectError::Issuer), "a code");
    world.book.lock().unwrap().metadata = Value::Null;
    world.pass(Duration::from_mins(11));
    world.connect().await;
    let another = UserOauth { client_id: Some("another".to_owned()), ..UserOauth::clone(&world.settings) };
    let ended = AuditEvent::new(AuditKind::ConnectionEnded, world.clock.now());

    world.accounts.end(Some(&another), &world.key, ended).await.unwrap();

    assert!(world.forms().is_empty(), "a token");
}

#[tokio::test]
async fn each_provider_that_reads_our_description_has_one_of_its_own() {
    let world = World::new().await;

    let document = world.accounts.document("crm/look up");

    assert_eq!(document["client_id"], "https://us.example/connect/client/crm/look%20up");
    assert_eq!(document["redirect_uris"], json!(["https://us.example/connect/callback/crm/look%20up"]));
}
