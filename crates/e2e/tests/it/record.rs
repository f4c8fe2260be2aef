//! Who did what: the record is searched, followed, signed, checked and taken elsewhere; and nothing is done without it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use bailiwick_domain::text;
use bailiwick_e2e::agents::{self, Agent};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::record::{read, tamper};
use bailiwick_e2e::{App, Mcp, Setup, World};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::operators::{administer, administer_json};
use crate::reload::until;

/// Alice asks the orchestrator, that one the researcher, and that one looks something up.
async fn chain(upstream: &Honeypot) -> World {
    let config = format!(
        "[server.notes]\nupstream = \"{}\"\n{}{}",
        upstream.url,
        agents::section("orchestrator", "may_call = [\"researcher\", \"notes\"]"),
        agents::section("researcher", "may_call = [\"notes\"]")
    );
    let names = ["orchestrator", "researcher"];
    let setup = Setup::config(config).approving("alice");
    let world =
        names.into_iter().fold(setup, |setup, name| setup.env(&agents::variable(name), &agents::secret(name))).start();
    let app = App::register_for(&world.base, &world.url("/agent/orchestrator")).await;
    let front = app.tokens("notes:read notes:write").await;
    let second = Agent::new(&world.base, "orchestrator").exchange(&front.access, "researcher").await.unwrap();
    let third = Agent::new(&world.base, "researcher").exchange(&second.access, "notes").await.unwrap();
    let mut client = Mcp::new(&world.url("/mcp/notes"), Some(&third.access));
    client.begin().await;
    assert!(client.call("change", json!({ "b": 1.0, "a": "x" })).await.is_result());
    let refused = client.call("destroy", json!({})).await;
    assert!(!refused.is_result());
    world
}

fn search(world: &World, words: &[&str]) -> Vec<Value> {
    let words: Vec<&str> = ["audit", "search", "--json"].into_iter().chain(words.iter().copied()).collect();
    let told = administer(world.data(), &words).unwrap();
    told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_and_an_agent_are_followed_through_the_chain() {
    let upstream = Honeypot::start().await;
    let world = chain(&upstream).await;
    until("the refusal is on record", async || !search(&world, &["--outcome", "refused"]).is_empty()).await;

    let called = search(&world, &["--agent", "orchestrator", "--tool", "change"]);

    assert_eq!(called.len(), 1, "{called:?}");
    let (entry, event) = (&called[0], &called[0]["event"]);
    assert_eq!((&entry["who"], &entry["through"]), (&json!("alice"), &json!("researcher < orchestrator")));
    assert_eq!(event["actors"], json!(["agent:researcher", "agent:orchestrator"]));
    assert_eq!((&event["rule"], &event["hop"]), (&json!("scope:notes:write"), &json!(2)));
    assert!(event["policy"].is_string() && event["parent_token"].is_string(), "{event}");
    assert_eq!(event["arguments"], text::encode(&text::sha256(br#"{"a":"x","b":1}"#)), "a digest, nothing else");
    let line = administer(world.data(), &["audit", "search", "--tool", "change"]).unwrap();
    assert!(line.contains("alice  through researcher < orchestrator  tool=change"), "{line}");

    let click = search(&world, &["--txn", event["transaction"].as_str().unwrap()]);
    let kinds: Vec<_> = click.iter().map(|entry| entry["event"]["kind"].as_str().unwrap()).collect();
    for kind in ["consent_given", "code_redeemed", "token_exchanged", "tool_called", "tool_refused"] {
        assert!(kinds.contains(&kind), "{kind} is missing in {kinds:?}");
    }
    assert!(search(&world, &["--agent", "research"]).is_empty(), "a part of a name is no name");
    assert!(search(&world, &["--until", "1h"]).is_empty() && !search(&world, &["--since", "1h"]).is_empty());
    let nonsense = administer(world.data(), &["audit", "search", "--since", "yesterday"]).unwrap_err();
    assert!(nonsense.contains("15m"), "{nonsense}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_access_report_names_rule_and_route() {
    let upstream = Honeypot::start().await;
    let world = chain(&upstream).await;
    administer(world.data(), &["users", "add", "bob"]).unwrap();

    let report = administer_json(world.data(), &["access", "report", "--tool", "look"]);
    let csv = administer(world.data(), &["access", "report", "--tool", "look", "--server", "notes", "--csv"]).unwrap();
    let unknown = administer(world.data(), &["access", "report", "--tool", "fly"]).unwrap_err();

    let of = |who: &str| -> Vec<&Value> { report.as_array().unwrap().iter().filter(|row| row["who"] == who).collect() };
    let routes: Vec<_> = of("alice").iter().map(|row| row["through"].as_str().unwrap()).collect();
    assert_eq!(routes, ["Probe > orchestrator > researcher", "Probe > orchestrator"], "{report}");
    assert!(of("alice").iter().all(|row| row["grant"].is_string() && row["rule"] == "accounts made here"));
    assert_eq!((of("bob").len(), &of("bob")[0]["through"]), (1, &Value::Null), "he could, and lets nobody: {report}");
    assert!(csv.starts_with("server,tool,risk,scope,who,rule,through,grant,until\r\n"), "{csv}");
    assert!(csv.contains("notes,look,read,notes:read,bob,accounts made here,,,"), "{csv}");
    assert!(unknown.contains("servers tools"), "{unknown}");

    let grant = of("alice")[0]["grant"].as_str().unwrap();
    administer(world.data(), &["grants", "revoke", grant]).unwrap();
    let after = administer_json(world.data(), &["access", "report", "--tool", "look"]);
    assert!(after.as_array().unwrap().iter().all(|row| row["grant"].is_null()), "today is today: {after}");
}

/// A copy of a house at rest.
fn copy(data: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    for file in std::fs::read_dir(data).unwrap().map(Result::unwrap).filter(|file| file.path().is_file()) {
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_change_the_record_is_named() {
    let world = Setup::sample().approving("alice").start();
    let app = App::register(&world.base).await;
    app.tokens("mcp:read").await;
    let first = administer(world.data(), &["audit", "checkpoint"]).unwrap();
    assert!(first.starts_with("checkpoint 1: the record is signed until "), "{first}");
    app.tokens("mcp:read").await;
    let running = administer_json(world.data(), &["audit", "verify"]);
    assert_eq!((&running["whole"], &running["checkpoint"]), (&json!(true), &json!(1)), "{running}");
    assert!(running["unsigned"].as_u64().unwrap() > 0, "{running}");

    let ended = world.stop();

    let whole = administer(ended.data(), &["audit", "verify"]).unwrap();
    assert!(whole.starts_with("whole: ") && whole.contains(", by checkpoint 2\n"), "all is signed at the end: {whole}");
    let last = "(SELECT MAX(seq) FROM audit)";
    let cut = format!("DELETE FROM audit WHERE seq = {last}");
    let head =
        format!("UPDATE writers SET audit_seq = {last}, audit_hash = (SELECT hash FROM audit WHERE seq = {last})");
    let cases: [(&[&str], &str); 7] = [
        (&["UPDATE audit SET body = REPLACE(body, 'mcp:read', 'mcp:none') WHERE seq = 3"], "entry 3 of writer wr_"),
        (&["UPDATE audit SET user_id = NULL WHERE seq = 3"], "entry 3 of writer wr_"),
        (&["DELETE FROM audit WHERE seq = 2"], "was taken out; the last one before that is whole is of 2"),
        (
            &[
                "UPDATE audit SET seq = 99 WHERE seq = 2",
                "UPDATE audit SET seq = 2 WHERE seq = 3",
                "UPDATE audit SET seq = 3 WHERE seq = 99",
            ],
            "does not follow the entry before it",
        ),
        (&[&cut, &head], "and all after it were cut off"),
        (&["DELETE FROM audit", "DELETE FROM writers"], "all others of this writer were taken away"),
        (&["DELETE FROM checkpoints WHERE number = 1"], "checkpoint 1 was taken away"),
    ];
    for (statements, named) in cases {
        let copy = copy(ended.data());
        tamper(copy.path(), statements).await;

        let told = administer(copy.path(), &["audit", "verify"]).unwrap_err();

        assert!(told.starts_with("bailiwick: the record was altered\n"), "{told}");
        assert!(told.contains(named), "{statements:?} was told as {told}");
    }

    // The whole database of an earlier moment, where everything fits together: the file beside it remembers.
    let copy = copy(ended.data());
    let hash = read(copy.path(), "SELECT hash FROM checkpoints WHERE number = 1").await;
    let back = format!("UPDATE settings SET value = '1 {hash}' WHERE name = 'audit_checkpoint'");
    tamper(copy.path(), &["DELETE FROM checkpoints WHERE number = 2", &back]).await;
    let told = administer(copy.path(), &["audit", "verify"]).unwrap_err();
    assert!(told.contains("checkpoint 2 was taken away"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_carries_its_proof_and_goes_on_where_it_ended() {
    let world = Setup::sample().approving("alice").start();
    let app = App::register(&world.base).await;
    app.tokens("mcp:read").await;
    let state = world.data().join("exported.json");
    let export = ["audit", "export", "--state", state.to_str().unwrap()];
    administer(world.data(), &["audit", "checkpoint"]).unwrap();

    let first = administer(world.data(), &export).unwrap();
    app.tokens("mcp:read").await;
    let second = administer(world.data(), &export).unwrap();
    let third = administer(world.data(), &export).unwrap();

    let rows: Vec<Value> =
        first.lines().chain(second.lines()).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(second.lines().count() >= 2 && third.is_empty(), "{second}\n{third}");
    let mut prev = String::new();
    for (line, row) in first.lines().chain(second.lines()).zip(&rows) {
        // What was hashed stands in the line as it is.
        let event = line.split_once(",\"event\":").unwrap().1.strip_suffix('}').unwrap();
        let linked = format!("{prev}\n{}\n{}\n{event}", row["writer"].as_str().unwrap(), row["seq"]);
        assert_eq!(row["hash"], text::encode(&text::sha256(linked.as_bytes())), "{line}");
        prev = row["hash"].as_str().unwrap().to_owned();
    }
}

type Received = Arc<Mutex<Vec<Value>>>;

/// A collector that is busy at first.
async fn collect(State(received): State<Received>, body: String) -> StatusCode {
    let mut received = received.lock().unwrap();
    received.push(serde_json::from_str(&body).unwrap());
    if received.len() == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_gets_the_record_as_opentelemetry_logs() {
    let world = Setup::sample().approving("alice").start();
    App::register(&world.base).await.tokens("mcp:read").await;
    administer(world.data(), &["audit", "checkpoint"]).unwrap();
    let received = Received::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/logs", listener.local_addr().unwrap());
    let routes = Router::new().route("/v1/logs", post(collect)).with_state(Arc::clone(&received));
    let stop = tokio_util::sync::CancellationToken::new();
    tokio::spawn(bailiwick_net::serve(bailiwick_net::Listener::Tcp(listener), routes, stop.clone()));

    let lines = administer(world.data(), &["audit", "export"]).unwrap().lines().count();
    let data = world.data().to_owned();
    let sent = tokio::task::spawn_blocking(move || {
        administer(&data, &["audit", "export", "--format", "otel", "--to", &url]).unwrap()
    });

    assert_eq!(sent.await.unwrap(), "");
    let received = received.lock().unwrap();
    assert_eq!(received.len(), 2, "sent again after 503");
    let records = received[1]["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap();
    assert_eq!(records.len(), lines);
    assert!(records.iter().any(|record| record["eventName"] == "bailiwick.code_redeemed"), "{records:?}");
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_full_disk_nothing_goes_unrecorded_and_reading_goes_on() {
    let upstream = Honeypot::start().await;
    let world = Setup::upstream(&upstream.url).approving("alice").on_a_small_disk().start();
    let token = App::register(&world.base).await.tokens("mcp:read mcp:write").await.access;
    let mut client = Mcp::new(&world.mcp(), Some(&token));
    client.begin().await;
    assert!(client.call("change", json!({})).await.is_result());
    world.fill_disk();
    let before = upstream.calls();

    for _ in 0..3 {
        assert_eq!(client.call("change", json!({})).await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(upstream.calls(), before, "nothing went upstream unrecorded");
    for _ in 0..5 {
        assert!(client.call("look", json!({})).await.is_result(), "reading goes on");
    }
    assert_eq!(upstream.calls(), before + 5);

    world.free_disk();

    until("there is room for the record again", async || client.call("change", json!({})).await.is_result()).await;
    let recorded =
        |tool: &str| administer(&world.inside(), &["audit", "search", "--tool", tool]).unwrap().lines().count();
    until("what only looked is on record as well", async || recorded("look") == 5).await;
    assert_eq!(recorded("change"), 2, "one before, one after");
    assert_eq!(upstream.calls(), recorded("change") + recorded("look"));
    let whole = administer(&world.inside(), &["audit", "verify"]).unwrap();
    assert!(whole.starts_with("whole: "), "{whole}");
}
