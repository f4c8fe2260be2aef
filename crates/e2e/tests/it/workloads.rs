//! Machines without a secret: what their platform or their own key signs lets them in.

use std::time::Duration;

use bailiwick_e2e::agents::{self, ACCESS_TOKEN, EXCHANGE};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::workload::{CLUSTER, JWT_BEARER, Request, Signing, claims, seconds, section};
use bailiwick_e2e::{App, Mcp, Setup, Tokens, World};
use http::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_calls_a_tool_with_the_token_of_its_service_account() {
    let cluster = Signing::new("sig");
    let kubernetes = format!(
        "authenticate = {{ kubernetes = {{ issuer = \"{CLUSTER}\", jwks_file = {:?}, namespace = \"agents\", service_account = \"ci\" }} }}",
        cluster.file()
    );
    let world = Setup::config(section("ci", &kubernetes)).start();
    let token = |account: &str| {
        let subject = format!("system:serviceaccount:{account}");
        let claims = json!({ "iss": CLUSTER, "sub": subject, "aud": [world.base], "exp": seconds() + 3600,
            "iat": seconds(), "nbf": seconds(), "kubernetes.io": { "namespace": "agents" } });
        cluster.sign("", &claims)
    };
    let projected = token("agents:ci");

    let first = Request::bearer(&projected).token(&world).await;
    let again = Request::bearer(&projected).token(&world).await;
    let other = token("default:ci");
    let refused = Request { client_id: Some("ci"), ..Request::bearer(&other) }.send(&world).await;

    assert_eq!(refused.0, StatusCode::UNAUTHORIZED, "{}", refused.1);
    for token in [first, again] {
        let mut mcp = Mcp::new(&world.mcp(), Some(&token));
        assert_eq!(mcp.begin().await.status, StatusCode::OK);
        assert!(mcp.call("list_notes", json!({})).await.is_result());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_key_is_followed_and_a_broken_file_changes_nothing() {
    let old = Signing::new("sig");
    let world = Setup::config(section("ci", &format!("jwks_file = {:?}", old.file()))).start();
    let before = old.sign("JWT", &claims("ci", &world));
    Request::bearer(&before).token(&world).await;
    let left = [old.sign("JWT", &claims("ci", &world)), old.sign("JWT", &claims("ci", &world))];

    let new = old.rotated("sig");
    let mut known = false;
    for _ in 0..100 {
        let assertion = new.sign("JWT", &claims("ci", &world));
        known = Request::bearer(&assertion).send(&world).await.0 == StatusCode::OK;
        if known {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(known, "the new key was never taken:\n{}", world.log());
    for assertion in &left {
        let (status, body) = Request::bearer(assertion).send(&world).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "the old key is gone: {body}");
    }

    std::fs::write(new.file(), "{").unwrap();
    for _ in 0..100 {
        if world.log().contains("stays in force") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let line = world.log().lines().find(|line| line.contains("stays in force")).unwrap().to_owned();
    assert!(line.contains("client.ci.jwks_file") && line.contains("line 4, column 1"), "{line}");
    Request::bearer(&new.sign("JWT", &claims("ci", &world))).token(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_assertion_is_written_down() {
    let machine = Signing::new("sig");
    let setup = Setup::config(section("ci", &format!("jwks_file = {:?}", machine.file())));
    let world = setup.env("BAILIWICK_LOG", "trace").start();
    let good = machine.sign("JWT", &claims("ci", &world));
    let bad = machine.sign("at+jwt", &claims("ci", &world));

    Request::bearer(&good).token(&world).await;
    for assertion in [&good, &bad] {
        assert_eq!(Request::bearer(assertion).send(&world).await.0, StatusCode::UNAUTHORIZED);
    }

    let mut written = String::new();
    for file in
        std::fs::read_dir(world.data()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
    {
        written.push_str(&String::from_utf8_lossy(&std::fs::read(file).unwrap()));
    }
    let log = world.log_after_stop();
    assert!(written.contains("SQLite format 3") && written.contains("token_issued"), "the database was read");
    assert!(log.contains("used before"), "the refusal is logged:\n{log}");
    for assertion in [&good, &bad] {
        let signature = assertion.rsplit('.').next().unwrap();
        assert!(!log.contains(signature) && !written.contains(signature));
    }
}

/// The exchange of an agent that signs.
async fn exchange(world: &World, key: &Signing, name: &str, token: &str, target: &str) -> Result<Tokens, Value> {
    let assertion = key.sign("JWT", &claims(name, world));
    let fields = [
        ("grant_type", EXCHANGE),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", target),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &assertion),
    ];
    App::at(&world.base).token(&fields).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_of_agents_that_sign_passes_a_floor_which_one_secret_anywhere_in_it_does_not() {
    let upstream = Honeypot::start().await;
    let (first, last) = (Signing::new("sig"), Signing::new("sig"));
    let by_key = |name: &str, key: &Signing, rest: &str| {
        format!("[agent.{name}]\nauthenticate = {{ jwks_file = {:?} }}\n{rest}\n", key.file())
    };
    let config = format!(
        "[server.notes]\nupstream = \"{}\"\nassurance_floor = \"private_key_jwt\"\n{}{}{}",
        upstream.url,
        by_key("strong", &first, "may_call = [\"researcher\"]"),
        agents::section("weak", "may_call = [\"researcher\"]"),
        by_key("researcher", &last, "may_call = [\"notes\"]"),
    );
    let world =
        Setup::config(config).env(&agents::variable("weak"), &agents::secret("weak")).approving("alice").start();
    let handed = async |name: &str| {
        let app = App::register_for(&world.base, &world.url(&format!("/agent/{name}"))).await;
        app.tokens("notes:read").await.access
    };
    let (to_strong, to_weak) = (handed("strong").await, handed("weak").await);

    let strong = exchange(&world, &first, "strong", &to_strong, "researcher").await.unwrap();
    let weak = agents::Agent::new(&world.base, "weak").exchange(&to_weak, "researcher").await.unwrap();
    let good = exchange(&world, &last, "researcher", &strong.access, "notes").await.unwrap();
    let refused = exchange(&world, &last, "researcher", &weak.access, "notes").await.unwrap_err();

    assert_eq!(refused["error"], "actor_unauthorized", "{refused}");
    assert_eq!(good.claims()["dlg"]["asr"], "private_key_jwt");
    let mut notes = Mcp::new(&world.url("/mcp/notes"), Some(&good.access));
    assert_eq!(notes.begin().await.status, StatusCode::OK);
    assert!(notes.call("look", json!({})).await.is_result());
}

#[test]
fn a_command_that_tells_a_secret_runs_once_at_a_start() {
    let folder = TempDir::new().unwrap();
    let (program, told) = (folder.path().join("tell"), folder.path().join("told"));
    std::fs::write(&program, format!("#!/bin/sh\necho asked >> {}\necho a secret\n", told.display())).unwrap();
    let config = format!(
        "[agent.alpha]\nauthenticate = {{ client_secret = {{ command = [\"/bin/sh\", \"{}\"] }} }}\n",
        program.display()
    );

    drop(Setup::config(config).start());

    assert_eq!(std::fs::read_to_string(&told).unwrap().lines().count(), 1);
}
