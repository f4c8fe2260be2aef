//! A house in front of servers that want each person's own access: one a key, one a sign-in at a provider.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bailiwick_domain::control::Control;
use bailiwick_domain::pkce::{Challenge, Verifier};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::honeypot::Honeypot;
use crate::oauth::code_of;
use crate::visitor::Seen;
use crate::{Answer, App, Mcp, Setup, Visitor, World, admin};

/// Everybody's.
pub const PASSWORD: &str = "correct horse battery";

/// A provider at which one client signs people in: `alice` and whoever else comes.
pub struct CodeHost {
    pub issuer: String,
    inner: Arc<Inner>,
    stop: CancellationToken,
}

struct Inner {
    issuer: String,
    /// Who it says it is in its answers.
    says: Mutex<String>,
    codes: Mutex<BTreeMap<String, String>>,
    asked: Mutex<usize>,
}

impl CodeHost {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            says: Mutex::new(issuer.clone()),
            issuer: issuer.clone(),
            codes: Mutex::default(),
            asked: Mutex::new(0),
        });
        let routes = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/auth", get(authorize))
            .route("/token", post(token))
            .route("/revoke", post(async || StatusCode::OK))
            .with_state(Arc::clone(&inner));
        let stop = CancellationToken::new();
        tokio::spawn(bailiwick_net::serve(bailiwick_net::Listener::Tcp(listener), routes, stop.clone()));
        Self { issuer, inner, stop }
    }

    /// It answers in another's name from now on.
    pub fn answer_as(&self, issuer: &str) {
        issuer.clone_into(&mut self.inner.says.lock().unwrap());
    }

    /// It never says who it is: as many do, who do not know RFC 9207.
    pub fn says_nothing(&self) {
        self.answer_as("");
    }

    /// How often tokens were asked for.
    pub fn asked(&self) -> usize {
        *self.inner.asked.lock().unwrap()
    }
}

impl Drop for CodeHost {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn metadata(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", inner.issuer);
    Json(json!({
        "issuer": inner.issuer,
        "authorization_endpoint": at("/auth"),
        "token_endpoint": at("/token"),
        "revocation_endpoint": at("/revoke"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": !inner.says.lock().unwrap().is_empty(),
    }))
}

async fn authorize(State(inner): State<Arc<Inner>>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let asked = |name: &str| query.get(name).cloned().unwrap_or_default();
    if asked("client_id") != "bailiwick" || asked("code_challenge_method") != "S256" {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let mut codes = inner.codes.lock().unwrap();
    let code = format!("code-{}", codes.len());
    codes.insert(code.clone(), asked("code_challenge"));
    let mut back = Url::parse(&asked("redirect_uri")).unwrap();
    let says = inner.says.lock().unwrap().clone();
    back.query_pairs_mut().append_pair("code", &code).append_pair("state", &asked("state"));
    if !says.is_empty() {
        back.query_pairs_mut().append_pair("iss", &says);
    }
    Redirect::to(back.as_str()).into_response()
}

async fn token(State(inner): State<Arc<Inner>>, body: String) -> Response {
    let form: BTreeMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let sent = |name: &str| form.get(name).map_or("", String::as_str);
    *inner.asked.lock().unwrap() += 1;
    let opens = |challenge: &String| {
        let pair = Verifier::parse(sent("code_verifier")).zip(Challenge::parse(challenge));
        pair.is_some_and(|(verifier, challenge)| challenge.opens_with(&verifier))
    };
    if !inner.codes.lock().unwrap().get(sent("code")).is_some_and(opens) {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    }
    let token = format!("at-{}", sent("code"));
    let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": "repo" });
    Json(body).into_response()
}

/// The house, its servers, and two people in it.
pub struct Row {
    pub world: World,
    pub keyed: Honeypot,
    pub signed: Honeypot,
    pub host: CodeHost,
    /// Who runs it, signed in.
    pub alice: Visitor,
    /// Somebody else, signed in.
    pub bob: Visitor,
}

impl Row {
    pub async fn start(off: &[Control]) -> Self {
        let (keyed, signed, host) = (Honeypot::start().await, Honeypot::start().await, CodeHost::start().await);
        let config = format!(
            "[server.crm]\nupstream = \"{}\"\ntitle = \"CRM\"\n\
             credential = {{ kind = \"api_key\", header = \"x-api-key\", per = \"user\" }}\n\
             discovery = {{ kind = \"none\" }}\n\
             [server.code]\nupstream = \"{}\"\ntitle = \"Code Host\"\n\
             discovery = {{ kind = \"none\" }}\n\
             [server.code.credential]\nkind = \"user_oauth\"\nissuer = \"{}\"\nclient_id = \"bailiwick\"\n\
             scopes = [\"repo\"]\n",
            keyed.url, signed.url, host.issuer
        );
        let world = Setup::config(config).without(off).start();
        let mut alice = Visitor::new(&world.base);
        alice.set_up(&world.setup_link(), "alice", PASSWORD).await;
        let bob = json!({ "order": "add_user", "name": "bob", "password": PASSWORD });
        admin::order(world.data(), &bob).await.expect("carried out");
        let mut bob = Visitor::new(&world.base);
        let page = bob.open(&world.url("/login")).await;
        bob.sign_in(&page, "bob", PASSWORD).await;
        Self { world, keyed, signed, host, alice, bob }
    }

    /// A client that acts for that person at a server, in a session of its own.
    pub async fn client(&self, person: &Visitor, server: &str) -> Mcp {
        client(&self.world, person, server).await
    }

    /// The link that a call was answered with.
    pub fn link(&self, answer: &Answer) -> String {
        link(&self.world, answer)
    }
}

/// A client that acts for that person at a server, in a session of its own.
pub async fn client(world: &World, person: &Visitor, server: &str) -> Mcp {
    let resource = world.url(&format!("/mcp/{server}"));
    let app = App::register_for(&world.base, &resource).await;
    let mut person = person.clone();
    let page = person.open(&app.authorize_url(&format!("{server}:read"))).await;
    let done = person.submit(&page, &page.form("checkbox"), Some(("decision", "allow"))).await;
    let tokens = app.redeem(&code_of(&done)).await.expect("tokens");
    let mut client = Mcp::new(&resource, Some(&tokens.access));
    client.begin().await;
    client
}

/// The link that a call was answered with.
pub fn link(world: &World, answer: &Answer) -> String {
    let text = answer.body["result"]["content"][0]["text"].as_str().unwrap_or_default();
    let mut words = text.split_whitespace();
    let link = words.find(|word| word.starts_with(&format!("{}/connect/", world.base)));
    link.unwrap_or_else(|| panic!("no link: {} {}", answer.status, answer.text)).to_owned()
}

/// Leaves `key` on the page of a link.
pub async fn leave(person: &mut Visitor, link: &str, key: &str) -> Seen {
    let page = person.open(link).await;
    if !page.has_form("password") {
        return page;
    }
    let form = page.form("password").fill("password", key);
    person.submit(&page, &form, None).await
}

/// Goes on to the provider from the page of a link; answers the page, and where it leads.
pub async fn leads(person: &mut Visitor, link: &str) -> (Seen, Option<String>) {
    let page = person.open(link).await;
    if !page.has_form("form_token") {
        return (page, None);
    }
    let left = person.submit(&page, &page.form("form_token"), None).await;
    let there = left.body.split_once("content=\"0; url=").and_then(|(_, rest)| rest.split('"').next());
    let there = there.map(|there| there.replace("&#38;", "&"));
    (left, there)
}

/// Goes on to the provider from the page of a link, and fetches its answer without going back with it.
pub async fn away(person: &mut Visitor, link: &str) -> Option<String> {
    let there = leads(person, link).await.1?;
    Visitor::new(&there).once(http::Method::GET, &there, None).await.location
}
