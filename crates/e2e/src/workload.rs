//! Machines that prove who they are by what they sign: the operator has only the public halves of their keys, in files.

use std::sync::atomic::{AtomicU32, Ordering};

use bailiwick_domain::jose::{Alg, KeyPair, Signer as _, sign_compact};
use bailiwick_domain::time::Clock as _;
use http::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::forge::Now;
use crate::{App, World};

pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
pub const JWT_SPIFFE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";
pub const CLUSTER: &str = "https://k8s.example.com";

/// Whoever holds a signing key, and the file in which the operator finds its public half.
pub struct Signing {
    key: KeyPair,
    directory: TempDir,
}

impl Signing {
    /// A new key, for that `use`.
    pub fn new(purpose: &str) -> Self {
        let it = Self { key: KeyPair::generate(Alg::Es256).unwrap(), directory: TempDir::new().unwrap() };
        it.publish(purpose);
        it
    }

    fn publish(&self, purpose: &str) {
        let mut key = self.key.public().to_json();
        key["use"] = json!(purpose);
        let draft = self.directory.path().join("draft");
        std::fs::write(&draft, json!({ "keys": [key] }).to_string()).unwrap();
        std::fs::rename(draft, self.file()).unwrap();
    }

    /// Another key in the same file.
    #[must_use]
    pub fn rotated(self, purpose: &str) -> Self {
        let it = Self { key: KeyPair::generate(Alg::Es256).unwrap(), directory: self.directory };
        it.publish(purpose);
        it
    }

    pub fn file(&self) -> String {
        self.directory.path().join("keys.json").display().to_string()
    }

    pub fn sign(&self, typ: &str, claims: &Value) -> String {
        sign_compact(&self.key, typ, claims).unwrap()
    }
}

/// The section of a machine that authenticates so.
pub fn section(name: &str, authenticate: &str) -> String {
    format!("[client.{name}]\ngrant_types = [\"client_credentials\"]\nscope = \"mcp:read mcp:write\"\n{authenticate}\n")
}

/// What a client with a key of its own says, good for this server and this minute.
pub fn claims(client: &str, world: &World) -> Value {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let jti = format!("jti-{}", LAST.fetch_add(1, Ordering::Relaxed));
    let now = seconds();
    json!({ "iss": client, "sub": client, "aud": world.base, "iat": now, "exp": now + 60, "jti": jti })
}

/// The present, as tokens write it.
pub fn seconds() -> i64 {
    Now.now().seconds()
}

/// A machine's token request.
pub struct Request<'a> {
    pub kind: &'a str,
    pub client_id: Option<&'a str>,
    pub assertion: &'a str,
}

impl<'a> Request<'a> {
    pub fn bearer(assertion: &'a str) -> Self {
        Self { kind: JWT_BEARER, client_id: None, assertion }
    }

    /// Asks for a token; the status and the body of the answer.
    pub async fn send(&self, world: &World) -> (StatusCode, Value) {
        let resource = world.mcp();
        let mut fields = vec![
            ("grant_type", "client_credentials"),
            ("resource", &resource),
            ("scope", "mcp:read"),
            ("client_assertion_type", self.kind),
            ("client_assertion", self.assertion),
        ];
        fields.extend(self.client_id.map(|id| ("client_id", id)));
        App::at(&world.base).post("/token", &fields).await
    }

    /// The access token it gets.
    pub async fn token(&self, world: &World) -> String {
        let (status, body) = self.send(world).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }
}
