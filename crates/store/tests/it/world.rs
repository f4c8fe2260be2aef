//! A database of a test's own, a clock that stands still, and the things a store is filled with.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::client::{AuthMethod, Client, ClientSource, GrantType};
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::grant::{Approval, CodeGrant};
use bailiwick_domain::ids::{ClientId, GrantId, TokenId, TransactionId, UserId};
use bailiwick_domain::jose::{Alg, JwkSet, KeyPair, Signer as _};
use bailiwick_domain::opaque::{BrowserCookie, Code, Digest, Opaque, Refresh, RequestHandle};
use bailiwick_domain::pkce::Verifier;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::seal::MasterKey;
use bailiwick_domain::time::{ACCESS_LIFE, CODE_LIFE, Clock, REFRESH_LIFE, Timestamp};
use bailiwick_domain::uri::Resource;
use bailiwick_store::{
    AuditVerdict, Database, NewApproval, OpenError, Redemption, RefreshRow, Settings, Store, TokenRow,
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use tempfile::TempDir;

/// The system's chance.
pub struct Dice;

impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).unwrap();
    }
}

/// A clock that moves when told to.
pub struct StoppedClock(AtomicI64);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Reads the environment of the test run.
#[expect(clippy::disallowed_methods, reason = "the one place where tests read the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A database of a test's own.
pub struct World {
    database: Database,
    url: String,
    admin: Option<(String, String)>,
    pub directory: TempDir,
    clock: Arc<StoppedClock>,
    pub key: [u8; 32],
    pub signer: KeyPair,
}

impl World {
    /// A file in a directory of its own.
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bailiwick.db");
        let url = format!("sqlite://{}", path.display());
        Self::new(Database::Sqlite(path), url, None, directory)
    }

    /// A database in the cluster of the test run; `None` where there is none and none is required.
    pub async fn postgres() -> Option<Self> {
        let Some(base) = variable("BAILIWICK_TEST_POSTGRES") else {
            assert!(
                variable("CI_REQUIRES_POSTGRES").is_none(),
                "PostgreSQL is required here: set BAILIWICK_TEST_POSTGRES to a URL"
            );
            eprintln!("skipped: BAILIWICK_TEST_POSTGRES names no PostgreSQL");
            return None;
        };
        sqlx::any::install_default_drivers();
        let name = format!("bw_test_{:x}", u64::from_be_bytes(bailiwick_domain::entropy::draw(&Dice)));
        run(&base, &format!("CREATE DATABASE {name}")).await;
        let url = format!("{}/{name}", base.rsplit_once('/').unwrap().0);
        let directory = tempfile::tempdir().unwrap();
        Some(Self::new(Database::Postgres(url.clone()), url, Some((base, name)), directory))
    }

    fn new(database: Database, url: String, admin: Option<(String, String)>, directory: TempDir) -> Self {
        let clock = Arc::new(StoppedClock(AtomicI64::new(1_800_000_000_000)));
        let signer = KeyPair::generate(Alg::Es256).unwrap();
        Self { database, url, admin, directory, clock, key: bailiwick_domain::entropy::draw(&Dice), signer }
    }

    /// Drops the database.
    pub async fn remove(self) {
        if let Some((base, name)) = &self.admin {
            run(base, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    pub fn is_sqlite(&self) -> bool {
        self.admin.is_none()
    }

    pub fn file(&self) -> PathBuf {
        self.directory.path().join("bailiwick.db")
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn clock(&self) -> Arc<StoppedClock> {
        self.clock.clone()
    }

    pub fn pass(&self, span: Duration) {
        self.clock.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::Relaxed);
    }

    pub async fn try_open(&self, key: [u8; 32]) -> Result<Store, OpenError> {
        Store::open(Settings {
            database: self.database.clone(),
            master: MasterKey::new(key),
            entropy: Arc::new(Dice),
            clock: self.clock.clone(),
            staleness: Duration::from_secs(5),
        })
        .await
    }

    pub async fn open(&self) -> Store {
        self.try_open(self.key).await.unwrap()
    }

    /// Two stores on one database where the engine allows it, else one store twice.
    pub async fn open_two(&self) -> [Store; 2] {
        let first = self.open().await;
        let second = if self.is_sqlite() { first.clone() } else { self.open().await };
        [first, second]
    }

    /// Checks the audit with the key of this world's checkpoints.
    pub async fn verify(&self, store: &Store) -> AuditVerdict {
        store.verify_audit(&JwkSet::new(vec![self.signer.public()]), None).await.unwrap()
    }

    /// Writes checkpoints until nothing is due.
    pub async fn sign(&self, store: &Store) {
        while let Some(due) = store.checkpoint_due(None, self.now()).await.unwrap() {
            let statement = due.checkpoint.sign(&self.signer).unwrap();
            assert!(store.keep_checkpoint(due, statement).await.unwrap());
        }
    }

    /// A connection past the store.
    pub async fn connect(&self) -> AnyConnection {
        AnyConnection::connect(&self.url).await.unwrap()
    }

    /// Runs a statement past the store.
    pub async fn run(&self, statement: &str) {
        run(&self.url, statement).await;
    }

    /// Reads one number past the store.
    pub async fn number(&self, query: &str) -> i64 {
        let mut connection = self.connect().await;
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await.unwrap()
    }

    /// Reads one text past the store.
    pub async fn text(&self, query: &str) -> Option<String> {
        let mut connection = self.connect().await;
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await.unwrap()
    }
}

async fn run(url: &str, statement: &str) {
    let mut connection = AnyConnection::connect(url).await.unwrap();
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
}

/// A code that waits for its client, and everything around it.
#[derive(Clone)]
pub struct Issued {
    pub code: Digest<Code>,
    pub code_grant: CodeGrant,
}

impl Issued {
    pub fn grant(&self) -> &GrantId {
        &self.code_grant.approval.grant
    }

    /// What redeeming it writes, with tokens that nobody else has.
    pub fn redemption(&self, now: Timestamp) -> Redemption {
        Redemption {
            code: self.code.clone(),
            grant: self.grant().clone(),
            token: token(&self.code_grant.approval, now),
            refresh: Some(refresh_token(self.grant(), None, now)),
            now,
        }
    }
}

pub fn event(kind: AuditKind, now: Timestamp) -> AuditEvent {
    AuditEvent::new(kind, now)
}

pub fn client(name: &str) -> Client {
    Client {
        id: ClientId::parse(name).unwrap(),
        name: name.to_owned(),
        source: ClientSource::Registered,
        redirect_uris: Vec::new(),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        auth: AuthMethod::None,
        scope: None,
        uri: None,
        secret: None,
        assertion: None,
        issued_at: Timestamp::default(),
    }
}

pub fn approval(user: &UserId, client: &Client, now: Timestamp) -> Approval {
    Approval {
        grant: GrantId::draw(&Dice),
        user: user.clone(),
        client: client.id.clone(),
        client_name: client.name.clone(),
        resource: Resource::from_stored("https://mcp.example.com/mcp/notes"),
        scope: ScopeSet::parse("notes:read notes:write").unwrap(),
        details: Vec::new(),
        transaction: TransactionId::draw(&Dice),
        created_at: now,
        expires_at: now.after(REFRESH_LIFE),
        job: None,
    }
}

/// An approval that waits to be kept, its request held.
pub async fn asked(store: &Store, user: &UserId, client: &Client, now: Timestamp) -> NewApproval {
    let request = Opaque::<RequestHandle>::mint(&Dice).digest();
    let browser = Opaque::<BrowserCookie>::mint(&Dice).digest();
    store.hold_request(&request, "{}".to_owned(), &browser, now.after(CODE_LIFE)).await.unwrap();
    let approval = approval(user, client, now);
    let code_grant = CodeGrant {
        approval: approval.clone(),
        redirect_uri: "http://127.0.0.1:1234/callback".to_owned(),
        challenge: Verifier::draw(&Dice).challenge(),
        expires_at: now.after(CODE_LIFE),
    };
    NewApproval { approval, client: client.clone(), code: Opaque::<Code>::mint(&Dice).digest(), code_grant, request }
}

/// A code of a fresh user and the client `agent`.
pub async fn issued(store: &Store, now: Timestamp) -> Issued {
    issued_to(store, &UserId::draw(&Dice), now).await
}

pub async fn issued_to(store: &Store, user: &UserId, now: Timestamp) -> Issued {
    let new = asked(store, user, &client("agent"), now).await;
    let issued = Issued { code: new.code.clone(), code_grant: new.code_grant.clone() };
    assert!(store.approve(new, event(AuditKind::ConsentGiven, now)).await.unwrap());
    issued
}

/// A redeemed code: the refresh token that begins its family, and the access token.
pub async fn family(store: &Store, now: Timestamp) -> (Issued, RefreshRow, TokenRow) {
    let issued = issued(store, now).await;
    let redemption = issued.redemption(now);
    let (refresh, token) = (redemption.refresh.clone().unwrap(), redemption.token.clone());
    let redeemed = store.redeem(redemption, event(AuditKind::CodeRedeemed, now)).await.unwrap();
    assert_eq!(redeemed, bailiwick_store::Redeemed::Fresh);
    (issued, refresh, token)
}

pub fn token(approval: &Approval, now: Timestamp) -> TokenRow {
    TokenRow {
        jti: TokenId::draw(&Dice),
        grant: approval.grant.clone(),
        parent: None,
        hop: 0,
        actor: None,
        audience: approval.resource.clone(),
        scope: approval.scope.clone(),
        issued_at: now,
        expires_at: now.after(ACCESS_LIFE),
    }
}

pub fn refresh_token(grant: &GrantId, parent: Option<&RefreshRow>, now: Timestamp) -> RefreshRow {
    RefreshRow {
        digest: Opaque::<Refresh>::mint(&Dice).digest(),
        grant: grant.clone(),
        generation: parent.map_or(0, |parent| parent.generation + 1),
        parent: parent.map(|parent| parent.digest.clone()),
        issued_at: now,
        idle_expires_at: now.after(Duration::from_hours(24)),
        expires_at: now.after(REFRESH_LIFE),
    }
}

/// Starts `count` tasks and lets them run at the same moment.
pub async fn race<F, T>(count: usize, start: impl Fn(usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let gate = Arc::new(tokio::sync::Barrier::new(count));
    let mut runners = Vec::new();
    for number in 0..count {
        let (gate, run) = (gate.clone(), start(number));
        runners.push(tokio::spawn(async move {
            gate.wait().await;
            run.await
        }));
    }
    let mut ends = Vec::new();
    for runner in runners {
        ends.push(runner.await.unwrap());
    }
    ends
}
