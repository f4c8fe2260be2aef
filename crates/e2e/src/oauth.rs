//! A foreign app's side of OAuth, spelled out by hand.

use bailiwick_net::Http;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};
use url::Url;

use crate::visitor::{Seen, Visitor};

pub const CALLBACK: &str = "http://127.0.0.1:7171/callback";
/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Tokens as an app holds them.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    pub body: Value,
}

impl Tokens {
    /// The claims of the access token, unverified.
    pub fn claims(&self) -> Value {
        claims(&self.access)
    }
}

/// The claims of a JWT, unverified.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a JWT");
    serde_json::from_slice(&bailiwick_domain::text::decode(payload).expect("base64url")).expect("claims")
}

/// A registered public app.
#[derive(Clone)]
pub struct App {
    pub base: String,
    pub client_id: String,
    pub resource: String,
    http: Http,
}

impl App {
    /// Registers (RFC 7591) for the unnamed server.
    pub async fn register(base: &str) -> Self {
        Self::register_over(Http::new(), base, &format!("{base}/mcp")).await
    }

    /// An app that is not registered.
    pub fn at(base: &str) -> Self {
        let resource = format!("{base}/mcp");
        Self { base: base.to_owned(), client_id: String::new(), resource, http: Http::new() }
    }

    /// Registers for the server at `resource`.
    pub async fn register_for(base: &str, resource: &str) -> Self {
        Self::register_over(Http::new(), base, resource).await
    }

    /// The same, over this client.
    pub async fn register_over(http: Http, base: &str, resource: &str) -> Self {
        let app = Self { resource: resource.to_owned(), http, ..Self::at(base) };
        let body = json!({ "client_name": "Probe", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"] });
        let request = Request::post(format!("{base}/register"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        let (parts, body) = app.http.fetch(request, 1 << 20).await.unwrap();
        assert_eq!(parts.status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&body));
        let answer: Value = serde_json::from_slice(&body).unwrap();
        Self { client_id: answer["client_id"].as_str().unwrap().to_owned(), ..app }
    }

    /// The authorization URL.
    pub fn authorize_url(&self, scope: &str) -> String {
        let mut url = Url::parse(&format!("{}/authorize", self.base)).unwrap();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .append_pair("state", "st")
            .append_pair("resource", &self.resource)
            .append_pair("scope", scope);
        url.into()
    }

    /// A code where everything is approved at once (`--dev-approve`).
    pub async fn code(&self, scope: &str) -> String {
        let seen = Visitor::over(self.http.clone(), &self.base).open(&self.authorize_url(scope)).await;
        code_of(&seen)
    }

    /// Code and tokens in one go (`--dev-approve`).
    pub async fn tokens(&self, scope: &str) -> Tokens {
        let code = self.code(scope).await;
        self.redeem(&code).await.expect("tokens")
    }

    /// Redeems a code.
    pub async fn redeem(&self, code: &str) -> Result<Tokens, Value> {
        self.redeem_with(code, VERIFIER, CALLBACK).await
    }

    pub async fn redeem_with(&self, code: &str, verifier: &str, redirect: &str) -> Result<Tokens, Value> {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", &self.client_id),
            ("code", code),
            ("code_verifier", verifier),
            ("redirect_uri", redirect),
            ("resource", &self.resource),
        ])
        .await
    }

    /// Refreshes.
    pub async fn refresh(&self, refresh: &str) -> Result<Tokens, Value> {
        self.token(&[("grant_type", "refresh_token"), ("client_id", &self.client_id), ("refresh_token", refresh)]).await
    }

    /// Revokes (RFC 7009).
    pub async fn revoke(&self, token: &str) -> StatusCode {
        self.post("/revoke", &[("client_id", &self.client_id), ("token", token)]).await.0
    }

    /// The token endpoint.
    pub async fn token(&self, fields: &[(&str, &str)]) -> Result<Tokens, Value> {
        let (status, body) = self.post("/token", fields).await;
        if status != StatusCode::OK {
            return Err(body);
        }
        Ok(Tokens {
            access: body["access_token"].as_str().unwrap().to_owned(),
            refresh: body["refresh_token"].as_str().map(str::to_owned),
            body,
        })
    }

    /// A form POST; a server that is gone answers 599.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(format!("{}{path}", self.base))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        match self.http.fetch(request, 1 << 20).await {
            Ok((parts, body)) => (parts.status, serde_json::from_slice(&body).unwrap_or(Value::Null)),
            Err(error) => (StatusCode::from_u16(599).unwrap(), json!({ "error": "gone", "says": error.to_string() })),
        }
    }
}

/// The code in the redirect a visit ended with.
pub fn code_of(seen: &Seen) -> String {
    parameter(seen, "code").unwrap_or_else(|| panic!("no code: {} {:?}\n{}", seen.status, seen.location, seen.body))
}

/// A parameter of the redirect a visit ended with.
pub fn parameter(seen: &Seen, name: &str) -> Option<String> {
    let url = Url::parse(seen.location.as_deref()?).ok()?;
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
