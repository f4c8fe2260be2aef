//! What operators do: by command, while it runs and while it does not.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bailiwick_e2e::world::binary;
use bailiwick_e2e::{App, Mcp, Setup};
use bailiwick_net::Http;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Runs a command of administration; what it printed, or what it complained of.
pub(crate) fn administer(data: &Path, words: &[&str]) -> Result<String, String> {
    let mut command = Command::new(binary());
    command.args(words).arg("--data").arg(data).env_clear().env("PATH", "/usr/bin:/bin");
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// The same, as machines read it.
pub(crate) fn administer_json(data: &Path, words: &[&str]) -> Value {
    let mut words = words.to_vec();
    words.push("--json");
    serde_json::from_str(&administer(data, &words).unwrap()).unwrap()
}

/// A page as anybody can read it.
async fn get(url: &str) -> (http::response::Parts, String) {
    let request = Request::get(url).body(Full::new(Bytes::new())).unwrap();
    let (parts, body) = Http::new().fetch(request, 1 << 20).await.unwrap();
    (parts, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disabling_a_user_says_what_dies_and_it_dies() {
    let world = Setup::sample().approving("alice").start();
    let app = App::register(&world.base).await;
    let tokens = app.tokens("mcp:read").await;
    let mut client = Mcp::new(&world.mcp(), Some(&tokens.access));
    assert_eq!(client.begin().await.status, StatusCode::OK);

    let told = administer_json(world.data(), &["users", "disable", "alice"]);

    assert_eq!(told["died"]["grants"], 1, "{told}");
    assert!(told["lives"]["until"].as_str().is_some_and(|until| until.ends_with('Z')), "{told}");
    assert_eq!(client.call("list_notes", json!({})).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.refresh(tokens.refresh.as_deref().unwrap()).await.unwrap_err()["error"], "invalid_grant");
    let again = administer(world.data(), &["users", "disable", "alice"]).unwrap_err();
    assert!(again.contains("disabled already") && again.contains("users enable"), "{again}");
    let nobody = administer(world.data(), &["users", "disable", "nobody"]).unwrap_err();
    assert!(nobody.contains("users list"), "{nobody}");

    administer(world.data(), &["users", "enable", "alice"]).unwrap();

    assert_eq!(client.call("list_notes", json!({})).await.status, StatusCode::UNAUTHORIZED, "what ended stays ended");
    let fresh = app.tokens("mcp:read").await;
    assert_eq!(Mcp::new(&world.mcp(), Some(&fresh.access)).begin().await.status, StatusCode::OK);
    let record = administer(world.data(), &["audit", "search", "--user", "alice"]).unwrap();
    assert!(record.contains("user_disabled") && record.contains("user_enabled"), "{record}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_and_roles_are_set_by_command() {
    let config = format!(
        "[server.notes]\ncommand = [\"{}\", \"demo-server\"]\nallow = {{ \"notes:write\" = [\"group:dev\"] }}\n",
        binary().display()
    );
    let world = Setup::config(config).approving("alice").start();
    let app = App::register_for(&world.base, &world.url("/mcp/notes")).await;
    assert_eq!(app.tokens("notes:read notes:write").await.claims()["scope"], "notes:read");
    let users = |words: &[&str]| administer(world.data(), &[&["users"], words].concat());

    assert!(users(&["groups", "alice", "ops", "dev", "ops"]).unwrap().contains("is in dev, ops"));
    let tokens = app.tokens("notes:read notes:write").await;
    assert_eq!(tokens.claims()["scope"], "notes:read notes:write");
    let mut client = Mcp::new(&world.url("/mcp/notes"), Some(&tokens.access));
    client.begin().await;
    assert!(client.call("add_note", json!({ "title": "x", "text": "y" })).await.is_result());
    assert!(users(&["groups", "alice"]).unwrap().contains("is in dev, ops"), "asking changes nothing");
    assert!(client.call("add_note", json!({ "title": "x", "text": "y" })).await.is_result());

    assert!(users(&["groups", "alice", "--none"]).unwrap().contains("is in no group"));
    let refused = client.call("add_note", json!({ "title": "x", "text": "y" })).await;
    assert_eq!(refused.rule(), Some("allow:notes:write"), "{}", refused.text);
    assert!(users(&["role", "alice", "auditor"]).unwrap().contains("is now auditor"));
    assert!(users(&["role", "alice", "auditor"]).unwrap().contains("was already auditor"));

    assert!(users(&["role", "alice", "root"]).unwrap_err().contains("there are admin, auditor, user"));
    assert!(users(&["groups", "alice", " dev"]).unwrap_err().contains("not the name of a group"));
    assert!(users(&["groups", "nobody", "dev"]).unwrap_err().contains("users list"));
    let running = administer_json(world.data(), &["users", "list"]);
    assert_eq!((&running[0]["role"], &running[0]["groups"]), (&json!("auditor"), &json!([])), "{running}");
    let record = users_changed(world.data());
    assert!(record.contains("groups: ops, dev, ops") && record.contains("role: auditor"), "{record}");
    let ended = world.stop();
    administer(ended.data(), &["users", "groups", "alice", "dev"]).unwrap();
    let listed = administer(ended.data(), &["users", "list"]).unwrap();
    assert!(listed.contains("auditor") && listed.contains("dev"), "{listed}");
}

fn users_changed(data: &Path) -> String {
    administer(data, &["audit", "search", "--kind", "user_changed"]).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_client_rests_and_goes_on_when_enabled() {
    let world = Setup::sample().approving("alice").start();
    let app = App::register(&world.base).await;
    let tokens = app.tokens("mcp:read").await;
    let mut client = Mcp::new(&world.mcp(), Some(&tokens.access));
    client.begin().await;

    let told = administer_json(world.data(), &["clients", "disable", "Probe"]);
    assert_eq!(told["died"]["grants"], 1, "{told}");
    let rests = client.call("list_notes", json!({})).await;
    let listed = administer(world.data(), &["clients", "list"]).unwrap();
    administer(world.data(), &["clients", "enable", told["client"].as_str().unwrap()]).unwrap();
    let mut client = Mcp::new(&world.mcp(), Some(&tokens.access));

    assert_eq!(rests.status, StatusCode::UNAUTHORIZED);
    assert!(listed.contains("disabled"), "{listed}");
    assert_eq!(client.begin().await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn administration_is_the_same_with_and_without_a_running_process() {
    let world = Setup::sample().approving("alice").start();
    let app = App::register(&world.base).await;
    app.tokens("mcp:read").await;
    let added = administer_json(world.data(), &["users", "add", "bob@example.com"]);
    assert!(added["password"].as_str().unwrap().len() >= 20);
    let grant = administer_json(world.data(), &["grants", "list", "--user", "alice"])[0].clone();
    assert_eq!((&grant["state"], &grant["client"]), (&json!("live"), &json!("Probe")), "{grant}");
    let tools = administer(world.data(), &["servers", "tools"]).unwrap();
    assert!(tools.contains("delete_note") && tools.contains("mcp:destructive"), "{tools}");
    let running = administer_json(world.data(), &["users", "list"]);

    let ended = world.stop();

    assert_eq!(administer_json(ended.data(), &["users", "list"]), running);
    let id = grant["grant"].as_str().unwrap();
    administer(ended.data(), &["grants", "revoke", id]).unwrap();
    assert_eq!(administer_json(ended.data(), &["grants", "show", id])["state"], "revoked");
    let whole = administer(ended.data(), &["audit", "verify"]).unwrap();
    assert!(whole.starts_with("whole: "), "{whole}");
    let nowhere = TempDir::new().unwrap();
    assert!(administer(nowhere.path(), &["users", "list"]).unwrap_err().contains("--data"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_is_searched_by_tool() {
    let world = Setup::sample().approving("alice").start();
    let tokens = App::register(&world.base).await.tokens("mcp:read mcp:write").await;
    let mut client = Mcp::new(&world.mcp(), Some(&tokens.access));
    client.begin().await;
    client.call("add_note", json!({ "title": "x", "text": "y" })).await;
    let refused = client.call("delete_note", json!({ "id": "x" })).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let correlation = refused.headers["x-correlation-id"].to_str().unwrap();
    world_settles(world.data(), "delete_note").await;

    let by_tool = administer(world.data(), &["audit", "search", "--tool", "add_note"]).unwrap();
    let by_request = administer(world.data(), &["audit", "search", "--correlation", correlation]).unwrap();

    assert!(by_tool.contains("tool=add_note") && !by_tool.contains("delete_note"), "{by_tool}");
    assert!(by_request.contains("tool=delete_note") && by_request.lines().count() == 1, "{by_request}");
}

/// What is recorded later is recorded soon.
async fn world_settles(data: &Path, tool: &str) {
    for _ in 0..50 {
        if !administer(data, &["audit", "search", "--tool", tool]).unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{tool} never came on record");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_lost_disk_a_backup_lets_everybody_go_on() {
    let world = Setup::sample().approving("alice").start();
    let app = App::register(&world.base).await;
    let tokens = app.tokens("mcp:read").await;
    let shelf = TempDir::new().unwrap();
    let (file, key) = (shelf.path().join("bailiwick.backup"), shelf.path().join("master.key"));
    std::fs::copy(world.data().join("master.key"), &key).unwrap();

    administer(world.data(), &["backup", file.to_str().unwrap()]).unwrap();
    let master = std::fs::read(&key).unwrap();
    let archive = std::fs::read(&file).unwrap();
    assert!(!archive.windows(master.len()).any(|window| window == master), "the key is not in the backup");
    let port = world.kill().port();

    let elsewhere = Arc::new(TempDir::new().unwrap());
    let restore = ["restore", file.to_str().unwrap()];
    let without = administer(elsewhere.path(), &restore).unwrap_err();
    assert!(without.contains("nothing was restored") && without.contains("master key"), "{without}");
    std::fs::write(elsewhere.path().join("master.key"), "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY").unwrap();
    let wrong = administer(elsewhere.path(), &restore).unwrap_err();
    assert!(wrong.contains("nothing was restored") && wrong.contains("does not belong"), "{wrong}");
    std::fs::copy(&key, elsewhere.path().join("master.key")).unwrap();
    administer(elsewhere.path(), &restore).unwrap();
    let world = Setup::sample().approving("alice").on(elsewhere, port).start();

    let mut client = Mcp::new(&world.mcp(), Some(&tokens.access));
    assert_eq!(client.begin().await.status, StatusCode::OK, "an access token outlives the disk");
    let renewed = app.refresh(tokens.refresh.as_deref().unwrap()).await.expect("a refresh token outlives the disk");
    assert_eq!(Mcp::new(&world.mcp(), Some(&renewed.access)).begin().await.status, StatusCode::OK);
    let again = administer(world.data(), &restore).unwrap_err();
    assert!(again.contains("a process runs on"), "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_found_in_the_json_log_by_its_correlation_id() {
    let setup = Setup::sample().env("BAILIWICK_LOG_FORMAT", "json").env("BAILIWICK_LOG", "info");
    let world = setup.approving("alice").start();
    let answer = Mcp::new(&world.mcp(), Some("not-a-token")).begin().await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let correlation = answer.headers["x-correlation-id"].to_str().unwrap().to_owned();
    assert_eq!(answer.body["correlation_id"], correlation.as_str());
    let (parts, _) = get(&world.url("/nowhere")).await;
    let nowhere = parts.headers["x-correlation-id"].to_str().unwrap().to_owned();

    let ended = world.log_after_stop();

    for id in [correlation, nowhere] {
        let lines: Vec<Value> =
            ended.lines().filter(|line| line.contains(&id)).map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 1, "one line for {id} in\n{ended}");
        assert_eq!(lines[0]["span"]["correlation"], id.as_str());
    }
    assert!(!ended.contains("not-a-token"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_have_bounded_labels() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let world = Setup::sample().approving("alice").arg("--metrics").arg(&free).start();
    let app = App::register(&world.base).await;
    let tokens = app.tokens("mcp:read").await;
    let mut client = Mcp::new(&world.mcp(), Some(&tokens.access));
    client.begin().await;
    client.call("list_notes", json!({})).await;
    get(&world.url("/some/made/up/path")).await;

    let (_, text) = get(&format!("http://{free}/metrics")).await;

    for line in [
        "bailiwick_http_requests_total{route=\"/token\",class=\"2xx\"} 1",
        "bailiwick_http_requests_total{route=\"none\",class=\"4xx\"} 1",
        "outcome=\"allowed\"} 1",
        "bailiwick_token_grants_total{type=\"authorization_code\",outcome=\"issued\"} 1",
        "bailiwick_children 1",
        "bailiwick_lane_queue_depth{lane=\"0\"} 0",
        "bailiwick_feed_age_seconds ",
        "bailiwick_open_streams ",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    for private in [app.client_id.as_str(), "alice", "list_notes", "made"] {
        assert!(!text.contains(private), "{private} stands in\n{text}");
    }
}
