//! The client against a small server of its own: logins kept, renewed, widened and ended.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may die")]

mod fixture;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use bailiwick_client::{
    Approach, Arguments, Client, Connection, ConnectionError, Keep, LoggedOut, Parts, Recourse, ServerUrl,
};
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::time::{Clock, Timestamp};
use bailiwick_net::Http;

use crate::fixture::Fixture;

struct Hand(AtomicI64);
impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::Relaxed))
    }
}

struct Counting(AtomicU8);
impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct World {
    fixture: Fixture,
    server: ServerUrl,
    clock: Arc<Hand>,
    entropy: Arc<Counting>,
    dir: tempfile::TempDir,
}

impl World {
    async fn begin() -> Self {
        let fixture = Fixture::start().await;
        let server = ServerUrl::parse(&format!("{}/mcp", fixture.origin)).unwrap();
        let clock = Arc::new(Hand(AtomicI64::new(1_000_000)));
        let entropy = Arc::new(Counting(AtomicU8::new(0)));
        Self { fixture, server, clock, entropy, dir: tempfile::tempdir().unwrap() }
    }

    /// A client as another process would make it: the kept files are all they share.
    fn client(&self) -> Client {
        let Self { clock, entropy, .. } = self;
        Client::new(Parts {
            http: Http::new(),
            entropy: Arc::<Counting>::clone(entropy),
            clock: Arc::<Hand>::clone(clock),
            keep: Keep::at(self.dir.path()),
            tell: Arc::new(|_| {}),
        })
    }

    async fn call(&self, tool: &str, recourse: Recourse) -> Result<String, ConnectionError> {
        let client = self.client();
        let mut connection = Connection::open(&client, &self.server, recourse).await?;
        let arguments = Arguments::of_words(&["count=3".to_owned()]).unwrap();
        Ok(connection.call(tool, &arguments).await?.text())
    }

    fn later(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

const ASKING: Recourse = Recourse { login: Some(Approach::Headless), step_up: None };
const ALONE: Recourse = Recourse { login: None, step_up: None };

#[tokio::test]
async fn the_first_call_logs_in_and_the_second_needs_nobody() {
    let world = World::begin().await;

    assert!(matches!(world.call("list", ALONE).await, Err(ConnectionError::LoginNeeded)));
    assert_eq!(world.call("list", ASKING).await.unwrap(), r#"list {"count":3}"#);
    assert_eq!(world.call("list", ALONE).await.unwrap(), r#"list {"count":3}"#);

    assert_eq!(world.fixture.state().logins, 1);
}

#[tokio::test]
async fn eight_processes_renew_a_token_once() {
    let world = World::begin().await;
    world.call("list", ASKING).await.unwrap();
    world.later(300);

    let mut waiting = Vec::new();
    for _ in 0..8 {
        let (client, server) = (world.client(), world.server.clone());
        waiting.push(tokio::spawn(async move { client.held(&server).await.unwrap().unwrap().expose().to_owned() }));
    }
    let mut tokens = Vec::new();
    for held in waiting {
        tokens.push(held.await.unwrap());
    }

    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_eq!(world.fixture.state().refreshes, 1);
}

#[tokio::test]
async fn a_token_the_server_forgot_is_renewed() {
    let world = World::begin().await;
    world.call("list", ASKING).await.unwrap();
    world.fixture.state().access.clear();

    world.call("list", ALONE).await.unwrap();

    let state = world.fixture.state();
    assert_eq!((state.logins, state.refreshes), (1, 1));
}

#[tokio::test]
async fn a_refused_renewal_ends_the_login_and_the_next_one_is_the_same_client() {
    let world = World::begin().await;
    world.call("list", ASKING).await.unwrap();
    world.later(300);
    world.fixture.state().refuses_refresh = true;

    assert!(matches!(world.call("list", ALONE).await, Err(ConnectionError::LoginNeeded)));
    assert!(matches!(world.call("list", ALONE).await, Err(ConnectionError::LoginNeeded)));
    world.call("list", ASKING).await.unwrap();

    let state = world.fixture.state();
    assert_eq!((state.logins, state.refreshes, state.registrations), (2, 1, 1));
}

#[tokio::test]
async fn a_forgotten_session_is_opened_anew() {
    let world = World::begin().await;
    let client = world.client();
    let mut connection = Connection::open(&client, &world.server, ASKING).await.unwrap();
    assert_eq!(connection.tools().await.unwrap().len(), 2);

    world.fixture.state().sessions.clear();
    assert_eq!(connection.tools().await.unwrap().len(), 2);

    assert_eq!(world.fixture.state().sessions_opened, 2);
}

#[tokio::test]
async fn a_missing_scope_is_named_and_a_step_up_asks_for_the_union() {
    let world = World::begin().await;
    let Err(ConnectionError::Refused(refusal)) = world.call("destroy", ASKING).await else {
        panic!("a call without its scope went through");
    };
    assert_eq!(refusal.missing.to_string(), "x:destroy");

    let widening = Recourse { step_up: Some(Approach::Headless), ..ASKING };
    assert_eq!(world.call("destroy", widening).await.unwrap(), r#"destroy {"count":3}"#);

    let state = world.fixture.state();
    assert_eq!(state.asked_scopes, ["x:read", "x:destroy x:read"]);
    assert_eq!(state.registrations, 1);
}

#[tokio::test]
async fn a_person_who_withholds_a_scope_is_asked_once() {
    let world = World::begin().await;
    world.fixture.state().grants_no_more_than = Some("x:read".to_owned());

    let widening = Recourse { step_up: Some(Approach::Headless), ..ASKING };
    let outcome = world.call("destroy", widening).await;

    assert!(matches!(outcome, Err(ConnectionError::Refused(_))), "{outcome:?}");
    assert_eq!(world.fixture.state().logins, 2);
}

#[tokio::test]
async fn a_streamed_answer_is_read_and_a_ping_in_it_answered() {
    let world = World::begin().await;

    assert_eq!(world.call("stream", ASKING).await.unwrap(), "streamed");

    assert_eq!(world.fixture.state().pongs, 1);
}

#[tokio::test]
async fn a_logout_revokes_and_forgets() {
    let world = World::begin().await;
    world.call("list", ASKING).await.unwrap();
    let client = world.client();

    assert_eq!(client.logout(&world.server, false).await.unwrap(), LoggedOut::Revoked);
    assert_eq!(client.logout(&world.server, false).await.unwrap(), LoggedOut::NothingKept);

    assert!(client.held(&world.server).await.unwrap().is_none());
    assert!(matches!(world.fixture.state().revoked.as_slice(), [token] if token.starts_with("refresh-")));
    assert!(!remains(world.dir.path(), "refresh-"));
}

/// True when a file below `dir` holds `text`.
fn remains(dir: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(dir.join("tokens")).unwrap();
    files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).any(|content| content.contains(text))
}
