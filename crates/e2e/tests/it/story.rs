//! A newcomer's first minutes, by page and by command line.

use std::process::{Command, Output};

use bailiwick_domain::text;
use bailiwick_e2e::oauth::code_of;
use bailiwick_e2e::world::binary;
use bailiwick_e2e::{App, Mcp, Setup, Visitor, World};
use http::StatusCode;
use serde_json::json;
use tempfile::TempDir;

/// A terminal with a home of its own.
struct Terminal(TempDir);

impl Terminal {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command.args(args).env_clear().env("HOME", self.0.path()).env("PATH", "/usr/bin:/bin");
        command.stdin(std::process::Stdio::null()).output().unwrap()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn audit(world: &World) -> String {
    let terminal = Terminal::new();
    let output = terminal.run(&["audit", "tail", "-n", "100", "--data", world.data().to_str().unwrap()]);
    assert!(output.status.success(), "{}", err(&output));
    out(&output)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_command_ends_in_a_tools_answer() {
    let world = Setup::sample().approving("alice").start();
    let terminal = Terminal::new();
    let mcp = world.mcp();

    let listed = terminal.run(&["call", &mcp, "list_notes", "--headless"]);
    assert!(listed.status.success(), "{}", err(&listed));
    let notes = out(&listed);
    assert!(!notes.trim().is_empty());

    let refused = terminal.run(&["call", &mcp, "delete_note", "id=delete-me", "--headless"]);
    assert_eq!(refused.status.code(), Some(1), "{}", err(&refused));
    let says = err(&refused);
    assert!(says.contains("mcp:destructive") && says.contains("login") && says.contains("--scope"), "{says}");

    let stepped_up = terminal.run(&["login", &mcp, "--scope", "mcp:destructive", "--headless"]);
    assert!(stepped_up.status.success(), "{}", err(&stepped_up));
    let deleted = terminal.run(&["call", &mcp, "delete_note", "id=delete-me", "--headless"]);
    assert!(deleted.status.success(), "{} {}", out(&deleted), err(&deleted));

    let left = out(&terminal.run(&["call", &mcp, "list_notes", "--headless"]));
    assert!(!left.contains("delete-me"), "the note is gone:\n{left}");
    let record = audit(&world);
    for word in ["consent_given", "tool_called", "tool_refused", "tool=delete_note"] {
        assert!(record.contains(word), "{word} is missing in\n{record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_sees_what_acts_for_them_and_stops_it() {
    let world = Setup::sample().start();
    let mut alice = Visitor::new(&world.base);
    alice.set_up(&world.setup_link(), "alice", "correct horse battery").await;
    let app = App::register(&world.base).await;
    let consent = alice.open(&app.authorize_url("mcp:read mcp:write")).await;
    for words in ["Probe", "127.0.0.1", "Sample notes", "add_note"] {
        assert!(consent.body.contains(words), "consent shows {words}:\n{}", consent.body);
    }
    let form = consent.form("checkbox").untick("add_note");
    let done = alice.submit(&consent, &form, Some(("decision", "allow"))).await;
    let tokens = app.redeem(&code_of(&done)).await.expect("tokens");
    let mut client = Mcp::new(&world.mcp(), Some(&tokens.access));
    assert_eq!(client.begin().await.status, StatusCode::OK);
    assert!(!client.tools().await.contains(&"add_note".to_owned()));
    let answer = client.call("add_note", json!({ "title": "x", "text": "y" })).await;
    assert_eq!(answer.rule(), Some("consent:left-out"), "{}", answer.text);

    let account = alice.open(&world.url("/account")).await;
    assert!(account.body.contains("Probe"), "{}", account.body);
    let form = account.form("grant");
    alice.submit(&account, &form, None).await;

    let answer = client.call("list_notes", json!({})).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
    assert_eq!(app.refresh(tokens.refresh.as_deref().unwrap()).await.unwrap_err()["error"], "invalid_grant");
    assert!(audit(&world).contains("grant_revoked"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_visitor_on_loopback_is_led_through_set_up_into_consent() {
    let world = Setup::sample().start();
    let app = App::register(&world.base).await;
    let mut newcomer = Visitor::new(&world.base);
    let setup = newcomer.open(&app.authorize_url("mcp:read")).await;
    let form = setup.form("password").fill("name", "alice").fill("password", "correct horse battery");
    let consent = newcomer.submit(&setup, &form, None).await;
    let done = newcomer.submit(&consent, &consent.form("checkbox"), Some(("decision", "allow"))).await;

    assert!(app.redeem(&code_of(&done)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_ever_logged() {
    let world = Setup::sample().approving("alice").start();
    let app = App::register(&world.base).await;
    let tokens = app.tokens("mcp:read").await;
    let mut client = Mcp::new(&world.mcp(), Some(&tokens.access));
    client.begin().await;
    let refresh = tokens.refresh.clone().unwrap();
    app.refresh(&refresh).await.unwrap();

    let everything = format!("{}{}", world.log(), audit(&world));
    for secret in [&tokens.access, &refresh] {
        assert!(!everything.contains(secret.as_str()), "a token was logged");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_signing_algorithm_can_change_and_old_tokens_stay_good() {
    let first = Setup::sample().approving("alice").start();
    let before = App::register(&first.base).await.tokens("mcp:read").await;
    let ended = first.stop();
    let world = Setup::config("signing_alg = \"RS256\"\n").approving("alice").after(&ended).start();
    let after = App::register(&world.base).await.tokens("mcp:read").await;

    let header = |token: &str| String::from_utf8(text::decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    assert!(header(&before.access).contains("ES256") && header(&after.access).contains("RS256"));
    for token in [&before.access, &after.access] {
        assert_eq!(Mcp::new(&world.mcp(), Some(token)).begin().await.status, StatusCode::OK);
    }
}
