//! Agents as they stand outside: each with its name and secret, exchanging what it was handed (RFC 8693).

use bailiwick_net::{Http, HttpError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;

use crate::Tokens;

pub const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The longest body, in bytes, sent or answered, that is no attempt at too much.
const MOST: usize = 1 << 20;

/// An agent with a shared secret.
#[derive(Clone)]
pub struct Agent {
    pub base: String,
    pub name: String,
    http: Http,
}

/// The environment variable that holds the secret of the agent of that name, as [`section`] says.
pub fn variable(name: &str) -> String {
    format!("{}_SECRET", name.to_uppercase().replace('-', "_"))
}

/// The secret of the agent of that name.
pub fn secret(name: &str) -> String {
    format!("{name} proves itself by these words")
}

/// `[agent.NAME]` with a shared secret; `rest` is what else it says.
pub fn section(name: &str, rest: &str) -> String {
    format!("[agent.{name}]\nauthenticate = {{ client_secret = {{ env = \"{}\" }} }}\n{rest}\n", variable(name))
}

impl Agent {
    /// The agent of that name at that house.
    pub fn new(base: &str, name: &str) -> Self {
        Self { base: base.to_owned(), name: name.to_owned(), http: Http::new() }
    }

    /// Exchanges `token` for one to `target`.
    pub async fn exchange(&self, token: &str, target: &str) -> Result<Tokens, Value> {
        self.exchange_with(token, target, &[]).await
    }

    /// The same with further parameters.
    pub async fn exchange_with(&self, token: &str, target: &str, more: &[(&str, &str)]) -> Result<Tokens, Value> {
        let fixed = [
            ("grant_type", EXCHANGE),
            ("subject_token", token),
            ("subject_token_type", ACCESS_TOKEN),
            ("audience", target),
        ];
        let given = fixed.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        self.token(&given.chain(more.iter().copied()).collect::<Vec<_>>()).await
    }

    /// The token endpoint, as this agent.
    pub async fn token(&self, fields: &[(&str, &str)]) -> Result<Tokens, Value> {
        let (status, body) = self.post("/token", fields).await;
        if status != StatusCode::OK {
            return Err(body);
        }
        Ok(Tokens { access: body["access_token"].as_str().unwrap().to_owned(), refresh: None, body })
    }

    /// A form sent to the house, as this agent.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.post_encoded(path, body.into()).await
    }

    /// A form that was encoded before.
    pub async fn post_encoded(&self, path: &str, body: Bytes) -> (StatusCode, Value) {
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let size = body.len();
        let basic = STANDARD.encode(format!("{}:{}", encode(&self.name), encode(&secret(&self.name))));
        let request = Request::post(format!("{}{path}", self.base))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, format!("Basic {basic}"))
            .body(Full::new(body))
            .unwrap();
        match self.http.fetch(request, MOST).await {
            Ok((parts, body)) => (parts.status, serde_json::from_slice(&body).unwrap_or(Value::Null)),
            // Whoever is sent too much may hang up before all of it is there, and what they say is lost.
            Err(HttpError::Broken { .. }) if size > MOST => (StatusCode::PAYLOAD_TOO_LARGE, Value::Null),
            Err(error) => panic!("{path}: {error}"),
        }
    }
}
