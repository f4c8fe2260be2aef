//! A forger: tokens signed with the real key (stolen from the data directory of a stopped process) or with none.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::jose::{Alg, KeyPair, Signer as _, sign_compact};
use bailiwick_domain::seal::MasterKey;
use bailiwick_domain::text;
use bailiwick_domain::time::{Clock, Timestamp};
use bailiwick_store::{Database, Settings, Store};
use serde::Serialize;
use serde_json::{Value, json};

use crate::world::Ended;

/// The machine's clock.
pub struct Now;
impl Clock for Now {
    #[expect(clippy::disallowed_methods, reason = "tests from outside live in real time")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }
}

/// The machine's random numbers.
pub struct Dice;
impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).unwrap();
    }
}

/// Opens the data directory of a process that ended.
pub async fn open_store(ended: &Ended) -> Store {
    open_data(ended.data()).await
}

/// Opens a data directory that no process serves.
pub async fn open_data(data: &Path) -> Store {
    let key = std::fs::read_to_string(data.join("master.key")).unwrap();
    Store::open(Settings {
        database: Database::Sqlite(data.join("bailiwick.db")),
        master: MasterKey::parse(&key).unwrap(),
        entropy: Arc::new(Dice),
        clock: Arc::new(Now),
        staleness: Duration::from_secs(5),
    })
    .await
    .unwrap()
}

/// Whoever holds the signing key.
pub struct Forger(KeyPair);

impl Forger {
    /// Takes the active ES256 key.
    pub async fn steal(ended: &Ended) -> Self {
        let store = open_store(ended).await;
        let rows = store.signing_keys().await.unwrap();
        let row = rows.iter().find(|row| row.alg == Alg::Es256.as_str()).expect("an ES256 key");
        let pair = KeyPair::from_pkcs8(Alg::Es256, &row.pkcs8).unwrap();
        store.close().await;
        Self(pair)
    }

    /// A token with these claims and this `typ`, truly signed.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> String {
        sign_compact(&self.0, typ, claims).unwrap()
    }

    /// The `kid` the authority publishes.
    pub fn kid(&self) -> String {
        self.0.kid().to_owned()
    }

    /// HS256 with the public key as the secret: the classic confusion.
    pub fn confuse(&self, claims: &Value) -> String {
        let jwk = serde_json::to_value(self.0.public()).unwrap();
        let secret =
            [jwk["x"].as_str().unwrap(), jwk["y"].as_str().unwrap()].map(|part| text::decode(part).unwrap()).concat();
        shared(&self.kid(), &secret, claims)
    }

    /// `alg: none`, no signature.
    pub fn none(&self, claims: &Value) -> String {
        format!("{}.", unsigned(&json!({ "alg": "none", "typ": "at+jwt", "kid": self.kid() }), claims))
    }
}

/// HS256 with whatever is known to everybody as the secret.
pub fn shared(kid: &str, secret: &[u8], claims: &Value) -> String {
    let input = unsigned(&json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid }), claims);
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    format!("{input}.{}", text::encode(aws_lc_rs::hmac::sign(&key, input.as_bytes()).as_ref()))
}

/// A token truly signed, but by a key of one's own, whose header says `header` beside algorithm and class.
pub fn homemade(header: &Value, claims: &Value) -> String {
    let pair = KeyPair::generate(Alg::Es256).unwrap();
    let mut full = json!({ "alg": "ES256", "typ": "at+jwt" });
    let says = header.as_object().unwrap().clone();
    full.as_object_mut().unwrap().extend(says);
    let input = unsigned(&full, claims);
    format!("{input}.{}", text::encode(&pair.sign(input.as_bytes()).unwrap()))
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", text::encode(header.to_string().as_bytes()), text::encode(claims.to_string().as_bytes()))
}

/// `token` with other claims under its old signature.
pub fn tamper(token: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut claims = crate::oauth::claims(token);
    change(&mut claims);
    parts[1] = text::encode(claims.to_string().as_bytes());
    parts.join(".")
}
