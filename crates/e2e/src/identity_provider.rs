//! An OpenID Connect provider for one client and one person, which tells the truth or one chosen lie.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bailiwick_domain::jose::{Alg, KeyPair, Signer as _, sign_compact};
use bailiwick_domain::pkce::{Challenge, Verifier};
use bailiwick_domain::text;
use bailiwick_domain::time::Clock as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::forge::Now;

/// The one client it knows.
pub const CLIENT: &str = "bailiwick";
/// Its secret.
pub const SECRET: &str = "s3cret with spaces & signs";

/// A lie; each must keep everybody out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The metadata names a look-alike.
    MetadataIssuer,
    /// The ID token was made by a look-alike.
    TokenIssuer,
    /// The answer names a look-alike.
    AnswerIssuer,
    /// The answer names nobody, though the metadata promised it.
    AnswerNamesNobody,
    /// The ID token belongs to another sign-in.
    Nonce,
    /// The ID token is for another client.
    Audience,
    /// The ID token is not signed.
    Unsigned,
    /// The ID token is signed with the client's secret.
    SharedSecret,
    /// The ID token is signed with a key that is not published.
    ForeignKey,
    /// The ID token is over.
    Expired,
    /// Userinfo speaks of somebody else.
    OtherUserinfo,
    /// The person says no.
    Denies,
}

/// The person who signs in.
#[derive(Clone, Debug)]
pub struct Member {
    pub subject: String,
    pub claims: Value,
    /// Where the groups are told: in the ID token, or in userinfo only.
    pub in_token: bool,
}

impl Member {
    pub fn new(subject: &str, name: &str, groups: &[&str]) -> Self {
        let claims = json!({
            "preferred_username": name,
            "email": format!("{name}@example.com"),
            "email_verified": true,
            "groups": groups,
        });
        Self { subject: subject.to_owned(), claims, in_token: true }
    }

    #[must_use]
    pub fn by_userinfo(mut self) -> Self {
        self.in_token = false;
        self
    }
}

/// The running provider.
pub struct IdentityProvider {
    pub issuer: String,
    inner: Arc<Inner>,
    stop: CancellationToken,
}

struct Inner {
    issuer: String,
    key: KeyPair,
    stranger: KeyPair,
    lie: Option<Lie>,
    member: Mutex<Member>,
    codes: Mutex<BTreeMap<String, Asked>>,
    keys_fetched: Mutex<usize>,
}

#[derive(Clone)]
struct Asked {
    nonce: String,
    challenge: String,
}

impl IdentityProvider {
    /// An honest one.
    pub async fn start(member: Member) -> Self {
        Self::lying(None, member).await
    }

    pub async fn lying(lie: impl Into<Option<Lie>>, member: Member) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            issuer: issuer.clone(),
            key: KeyPair::generate(Alg::Es256).unwrap(),
            stranger: KeyPair::generate(Alg::Es256).unwrap(),
            lie: lie.into(),
            member: Mutex::new(member),
            codes: Mutex::default(),
            keys_fetched: Mutex::new(0),
        });
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/auth", get(authorize))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .route("/jwks", get(keys))
            .with_state(Arc::clone(&inner));
        let stop = CancellationToken::new();
        tokio::spawn(bailiwick_net::serve(bailiwick_net::Listener::Tcp(listener), routes, stop.clone()));
        Self { issuer, inner, stop }
    }

    /// Somebody else signs in from now on, or the same person with other claims.
    pub fn now(&self, member: Member) {
        *self.inner.member.lock().unwrap() = member;
    }

    /// How often its keys were asked for.
    pub fn keys_fetched(&self) -> usize {
        *self.inner.keys_fetched.lock().unwrap()
    }

    /// Something it says unasked.
    pub fn sign_as(&self, typ: &str, claims: &Value) -> String {
        sign_compact(&self.inner.key, typ, claims).unwrap()
    }

    /// The same with a key that is not published.
    pub fn sign_as_stranger(&self, typ: &str, claims: &Value) -> String {
        sign_compact(&self.inner.stranger, typ, claims).unwrap()
    }

    /// The section of the configuration that trusts it.
    pub fn section(&self, name: &str) -> String {
        format!(
            "[login.{name}]\nkind = \"oidc\"\nissuer = \"{}\"\nclient_id = \"{CLIENT}\"\ntitle = \"Example Corp\"\n\
             client_secret = {{ command = [\"printf\", \"%s\", \"{SECRET}\"] }}\n",
            self.issuer
        )
    }
}

impl Drop for IdentityProvider {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Inner {
    fn lies(&self, lie: Lie) -> bool {
        self.lie == Some(lie)
    }

    /// The issuer, or one that differs by a slash.
    fn name(&self, lie: Lie) -> String {
        if self.lies(lie) { format!("{}/", self.issuer) } else { self.issuer.clone() }
    }

    fn id_token(&self, nonce: &str) -> String {
        let member = self.member.lock().unwrap().clone();
        let now = Now.now();
        let exp = if self.lies(Lie::Expired) {
            now.before(Duration::from_mins(5))
        } else {
            now.after(Duration::from_mins(5))
        };
        let mut claims = if member.in_token { member.claims } else { json!({}) };
        claims["iss"] = json!(self.name(Lie::TokenIssuer));
        claims["sub"] = json!(member.subject);
        claims["aud"] = json!(if self.lies(Lie::Audience) { "another client" } else { CLIENT });
        claims["nonce"] = json!(if self.lies(Lie::Nonce) { "another sign-in" } else { nonce });
        claims["iat"] = json!(now.seconds());
        claims["exp"] = json!(exp.seconds());
        self.sign(&claims)
    }

    fn sign(&self, claims: &Value) -> String {
        let unsigned = |alg: &str| {
            let header = json!({ "alg": alg, "typ": "JWT", "kid": self.key.kid() });
            format!("{}.{}", text::encode(header.to_string().as_bytes()), text::encode(claims.to_string().as_bytes()))
        };
        if self.lies(Lie::Unsigned) {
            return format!("{}.", unsigned("none"));
        }
        if self.lies(Lie::SharedSecret) {
            let input = unsigned("HS256");
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), input.as_bytes());
            return format!("{input}.{}", text::encode(tag.as_ref()));
        }
        let key = if self.lies(Lie::ForeignKey) { &self.stranger } else { &self.key };
        sign_compact(key, "JWT", claims).unwrap()
    }
}

async fn metadata(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", inner.issuer);
    Json(json!({
        "issuer": inner.name(Lie::MetadataIssuer),
        "authorization_endpoint": at("/auth"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/jwks"),
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn authorize(State(inner): State<Arc<Inner>>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let asked = |name: &str| query.get(name).cloned().unwrap_or_default();
    if asked("client_id") != CLIENT || asked("code_challenge_method") != "S256" || asked("nonce").is_empty() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let mut back = Url::parse(&asked("redirect_uri")).unwrap();
    back.query_pairs_mut().append_pair("state", &asked("state"));
    if !inner.lies(Lie::AnswerNamesNobody) {
        back.query_pairs_mut().append_pair("iss", &inner.name(Lie::AnswerIssuer));
    }
    if inner.lies(Lie::Denies) {
        back.query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("error_description", "<b>upstream says</b>");
        return Redirect::to(back.as_str()).into_response();
    }
    let mut codes = inner.codes.lock().unwrap();
    let code = format!("code-{}", codes.len());
    codes.insert(code.clone(), Asked { nonce: asked("nonce"), challenge: asked("code_challenge") });
    back.query_pairs_mut().append_pair("code", &code);
    Redirect::to(back.as_str()).into_response()
}

async fn token(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: String) -> Response {
    let form: BTreeMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let refused = || (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    // What `client_secret_basic` makes of the secret: urlencoded, then base64.
    if headers
        .get("authorization")
        .is_none_or(|header| header != "Basic YmFpbGl3aWNrOnMzY3JldCt3aXRoK3NwYWNlcyslMjYrc2lnbnM=")
    {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_client" }))).into_response();
    }
    let sent = |name: &str| form.get(name).map_or("", String::as_str);
    // A code may come twice: that the state does not is for the other side to see to.
    let Some(asked) = inner.codes.lock().unwrap().get(sent("code")).cloned() else { return refused() };
    let opens = Verifier::parse(sent("code_verifier"))
        .zip(Challenge::parse(&asked.challenge))
        .is_some_and(|(verifier, challenge)| challenge.opens_with(&verifier));
    if !opens {
        return refused();
    }
    let answer =
        json!({ "access_token": "upstream-access", "token_type": "Bearer", "id_token": inner.id_token(&asked.nonce) });
    Json(answer).into_response()
}

async fn userinfo(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    if headers.get("authorization").is_none_or(|header| header != "Bearer upstream-access") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let member = inner.member.lock().unwrap().clone();
    let mut claims = member.claims;
    claims["sub"] = if inner.lies(Lie::OtherUserinfo) { json!("somebody else") } else { json!(member.subject) };
    Json(claims).into_response()
}

async fn keys(State(inner): State<Arc<Inner>>) -> Json<Value> {
    *inner.keys_fetched.lock().unwrap() += 1;
    Json(json!({ "keys": [inner.key.public().to_json()] }))
}
