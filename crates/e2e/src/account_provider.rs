//! An authorization server where people have accounts: it rotates refresh tokens, takes the second use of one for theft,
//! and can be told to be slow, silent or greedy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::UserId;
use bailiwick_domain::pkce::{Challenge, Verifier};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::{Clock as _, Timestamp};
use bailiwick_store::{ConnectionKey, NewConnection, Store};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::forge::Now;

/// The client it knows.
pub const CLIENT: &str = "bailiwick";
/// What it gives.
pub const SCOPE: &str = "crm.read";

/// What it does to a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Answers after this long.
    Honest(Duration),
    /// Rotates, and never answers.
    Silent,
    /// Says 503 and does nothing.
    Busy,
    /// Gives more than was asked for.
    Greedy,
}

/// The running provider.
pub struct AccountProvider {
    pub issuer: String,
    inner: Arc<Inner>,
    stop: CancellationToken,
}

struct Inner {
    issuer: String,
    mood: Mutex<Mood>,
    book: Mutex<Book>,
    next: AtomicUsize,
    asked: Notify,
}

#[derive(Default)]
struct Book {
    /// Codes, with the challenge that opens them.
    codes: BTreeMap<String, String>,
    /// Refresh tokens that may be used.
    live: BTreeSet<String>,
    /// Those that were.
    spent: BTreeSet<String>,
    refreshes: usize,
    reuses: usize,
    revoked: usize,
    registered: usize,
}

impl AccountProvider {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            issuer: issuer.clone(),
            mood: Mutex::new(Mood::Honest(Duration::ZERO)),
            book: Mutex::default(),
            next: AtomicUsize::new(0),
            asked: Notify::new(),
        });
        let routes = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/auth", get(authorize))
            .route("/register", post(register))
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .with_state(Arc::clone(&inner));
        let stop = CancellationToken::new();
        tokio::spawn(bailiwick_net::serve(bailiwick_net::Listener::Tcp(listener), routes, stop.clone()));
        Self { issuer, inner, stop }
    }

    /// What it does from now on.
    pub fn is_now(&self, mood: Mood) {
        *self.inner.mood.lock().unwrap() = mood;
    }

    /// Waits until somebody asks to refresh.
    pub async fn asked(&self) {
        self.inner.asked.notified().await;
    }

    /// How often it was asked for new tokens, and how often with a refresh token that was used before.
    pub fn refreshes(&self) -> (usize, usize) {
        let book = self.inner.book.lock().unwrap();
        (book.refreshes, book.reuses)
    }

    /// How many tokens were revoked, and how many clients registered.
    pub fn others(&self) -> (usize, usize) {
        let book = self.inner.book.lock().unwrap();
        (book.revoked, book.registered)
    }

    /// The `credential` of a server whose people have accounts here.
    pub fn credential(&self) -> String {
        format!(
            "{{ kind = \"user_oauth\", issuer = \"{}\", client_id = \"{CLIENT}\", scopes = [\"{SCOPE}\"], \
             connection = \"crm\" }}",
            self.issuer
        )
    }

    /// Connects that person for the server at `to`, as if they had been here; answers the access token.
    pub async fn connect(&self, store: &Store, (user, to): (&UserId, &str), expires_at: Timestamp) -> String {
        let (access, refresh) = self.inner.issue();
        let account = Account { issuer: &self.issuer, access: &access, refresh: &refresh, scope: SCOPE, to };
        keep(store, user, &account, expires_at).await;
        access
    }
}

/// What a provider gave for an account.
pub struct Account<'a> {
    pub issuer: &'a str,
    pub access: &'a str,
    pub refresh: &'a str,
    pub scope: &'a str,
    /// The server that it was connected for.
    pub to: &'a str,
}

/// Where what is connected for a server at that URL may be shown, in the words of the vault.
pub fn shown_at(url: &str) -> Vec<String> {
    vec![url::Url::parse(url).unwrap().origin().ascii_serialization()]
}

/// Keeps an account for that person, in the words in which the broker does.
pub async fn keep(store: &Store, user: &UserId, account: &Account<'_>, expires_at: Timestamp) {
    let registration = json!({
        "client_id": CLIENT, "client_secret": null, "method": "none",
        "redirect_uri": null, "scope": "", "expires_at": null,
    });
    let secret = json!({
        "kind": "oauth", "issuer": account.issuer, "endpoint": "", "access": account.access, "refresh": account.refresh,
        "registration": registration, "to": shown_at(account.to),
    });
    let new = NewConnection {
        key: ConnectionKey { user: user.clone(), provider: "crm".to_owned() },
        client: CLIENT.to_owned(),
        scope: ScopeSet::parse(account.scope).unwrap(),
        account: None,
        secret: secret.to_string().into(),
        expires_at: Some(expires_at),
        rotates: true,
    };
    let event = AuditEvent::new(AuditKind::ConnectionMade, Now.now()).user(user);
    store.connect(new, event).await.unwrap();
}

impl Drop for AccountProvider {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Inner {
    fn issue(&self) -> (String, String) {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let (access, refresh) = (format!("canary-access-{n}"), format!("canary-refresh-{n}"));
        self.book.lock().unwrap().live.insert(refresh.clone());
        (access, refresh)
    }

    fn tokens(&self, scope: &str) -> Value {
        let (access, refresh) = self.issue();
        json!({
            "access_token": access, "token_type": "Bearer", "expires_in": 3600,
            "refresh_token": refresh, "scope": scope,
        })
    }

    /// Takes a refresh token: once, and a second time is theft.
    fn take(&self, refresh: &str) -> bool {
        let mut book = self.book.lock().unwrap();
        book.refreshes += 1;
        if book.live.remove(refresh) {
            book.spent.insert(refresh.to_owned());
            return true;
        }
        if book.spent.contains(refresh) {
            book.reuses += 1;
            book.live.clear();
        }
        false
    }
}

async fn metadata(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", inner.issuer);
    Json(json!({
        "issuer": inner.issuer,
        "authorization_endpoint": at("/auth"),
        "token_endpoint": at("/token"),
        "registration_endpoint": at("/register"),
        "revocation_endpoint": at("/revoke"),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn authorize(State(inner): State<Arc<Inner>>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let asked = |name: &str| query.get(name).cloned().unwrap_or_default();
    if asked("code_challenge_method") != "S256" || asked("client_id").is_empty() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let code = format!("code-{}", inner.next.fetch_add(1, Ordering::Relaxed));
    inner.book.lock().unwrap().codes.insert(code.clone(), asked("code_challenge"));
    let mut back = Url::parse(&asked("redirect_uri")).unwrap();
    back.query_pairs_mut()
        .append_pair("state", &asked("state"))
        .append_pair("iss", &inner.issuer)
        .append_pair("code", &code);
    Redirect::to(back.as_str()).into_response()
}

async fn register(State(inner): State<Arc<Inner>>, Json(mut client): Json<Value>) -> Response {
    inner.book.lock().unwrap().registered += 1;
    client["client_id"] = json!(format!("registered-{}", inner.next.fetch_add(1, Ordering::Relaxed)));
    (StatusCode::CREATED, Json(client)).into_response()
}

async fn token(State(inner): State<Arc<Inner>>, body: String) -> Response {
    let form: BTreeMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let sent = |name: &str| form.get(name).map_or("", String::as_str);
    let refused = || (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    if sent("grant_type") == "authorization_code" {
        let asked = inner.book.lock().unwrap().codes.remove(sent("code"));
        let opens = Verifier::parse(sent("code_verifier")).zip(asked.and_then(|asked| Challenge::parse(&asked)));
        let opens = opens.is_some_and(|(verifier, challenge)| challenge.opens_with(&verifier));
        return if opens { Json(inner.tokens(SCOPE)).into_response() } else { refused() };
    }
    let mood = *inner.mood.lock().unwrap();
    if mood == Mood::Busy {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let taken = inner.take(sent("refresh_token"));
    inner.asked.notify_one();
    match mood {
        _ if !taken => refused(),
        Mood::Silent => std::future::pending().await,
        Mood::Honest(pause) => {
            tokio::time::sleep(pause).await;
            Json(inner.tokens(SCOPE)).into_response()
        }
        Mood::Greedy | Mood::Busy => Json(inner.tokens("crm.read crm.admin")).into_response(),
    }
}

async fn revoke(State(inner): State<Arc<Inner>>, body: String) -> StatusCode {
    let mut book = inner.book.lock().unwrap();
    let form = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect::<BTreeMap<_, _>>();
    if book.live.remove(form.get("token").map_or("", String::as_str)) {
        book.revoked += 1;
    }
    StatusCode::OK
}
